//! The post: orders, cancellations, tracking by pages, prices. Every refusal comes under HTTP 200 with a `Status`.
//!
//! What the numbers of its refusals are at the real post is not public: only "100" for success is known.

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::Access;
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::{Inside, Inspect, Partner, Peer, Serves};

/// Orders that it takes at most.
const MAX_ORDERS: usize = 100_000;
/// Tracking rows that it keeps at most.
const MAX_TRACKS: usize = 1_000_000;
/// Tracking rows in one page at most.
const MAX_PAGE: u64 = 50;
const API: &str = "/api";

/// How the post behaves when nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VnPostSettings {
    /// Who gets tokens.
    pub access: Access,
    /// Whether a second order with a known `OrderNumber` is answered as known; otherwise it is a second order.
    pub idempotent: bool,
    /// The customers that may order.
    pub customers: Vec<String>,
}

impl Default for VnPostSettings {
    fn default() -> Self {
        Self { access: Access::default(), idempotent: true, customers: vec!["KH0001".into(), "KH0002".into()] }
    }
}

/// An order that was taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PostOrder {
    /// `OrderNumber`.
    pub number: String,
    /// `ItemCode`: the caller's or the post's.
    pub item: String,
    /// `CustomerCode`.
    pub customer: String,
    /// The last status that tracking says; 1 taken, 2 under way, 3 not delivered, 4 delivered, 9 cancelled.
    pub status: u8,
    /// The order exactly as it came.
    pub body: Value,
}

#[derive(Clone, Debug)]
struct Track {
    order: usize,
    status: u8,
}

/// What the post has.
#[derive(Default)]
pub struct Office {
    orders: Vec<PostOrder>,
    /// The first order of each number.
    numbers: BTreeMap<String, usize>,
    tracks: Vec<Track>,
}

/// The post, shared.
pub type VnPost = Partner<Office>;

impl VnPost {
    /// The orders as they came; two with one number are two.
    pub fn orders(&self) -> Vec<PostOrder> {
        self.lock().own.orders.clone()
    }

    /// How many orders have this number.
    pub fn times_ordered(&self, number: &str) -> usize {
        self.lock().own.orders.iter().filter(|order| order.number == number).count()
    }

    /// Moves every order of a number to a status, which tracking then says. False when there is none or no room.
    pub fn advance(&self, number: &str, status: u8) -> bool {
        self.lock().own.advance(number, status)
    }
}

impl Office {
    fn track(&mut self, order: usize, status: u8) -> bool {
        let room = self.tracks.len() < MAX_TRACKS;
        if room {
            self.orders[order].status = status;
            self.tracks.push(Track { order, status });
        }
        room
    }

    fn advance(&mut self, number: &str, status: u8) -> bool {
        let of_number = |(_, order): &(usize, &PostOrder)| order.number == number;
        let places: Vec<usize> = self.orders.iter().enumerate().filter(of_number).map(|(place, _)| place).collect();
        !places.is_empty() && places.into_iter().all(|place| self.track(place, status))
    }
}

/// A refusal: its status and words.
struct Refusal(&'static str, String);

impl Refusal {
    fn field(name: &str) -> Self {
        Self("101", format!("Trường {name} không hợp lệ hoặc bị thiếu"))
    }
}

type Outcome = Result<Value, Refusal>;

impl Peer for Office {
    const NAME: &'static str = "vnpost";
    type Settings = VnPostSettings;
    fn access(settings: &VnPostSettings) -> &Access {
        &settings.access
    }
}

impl Serves for Office {
    fn service(call: &Call) -> &'static str {
        if call.path == "/token" {
            return "token";
        }
        let asked = call.query.get("service").unwrap_or_default().to_ascii_lowercase();
        match (call.path.as_str(), asked.as_str()) {
            (API, "orderpost") => "orderPost",
            (API, "ordercancel") => "orderCancel",
            (API, "ordertracking") => "orderTracking",
            (API, "getpricehcc" | "pricehcc" | "getprice") => "getPriceHcc",
            _ => "other",
        }
    }

    fn answer(inside: &mut Inside<Self>, call: &Call, service: &'static str) -> Answer {
        if call.path != API {
            return Answer::text(StatusCode::NOT_FOUND, "POST token, api?service=…\n");
        }
        if call.method != Method::POST {
            return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n");
        }
        let unreadable = || Refusal("110", "Dữ liệu không đúng định dạng JSON".into());
        let outcome =
            call.json::<Value>().filter(Value::is_object).ok_or_else(unreadable).and_then(|body| match service {
                "orderPost" => order(inside, body),
                "orderCancel" => cancel(inside, &body),
                "orderTracking" => tracking(inside, &body),
                "getPriceHcc" => price(&body),
                _ => Err(Refusal("111", "Dịch vụ không tồn tại".into())),
            });
        Answer::ok(&match outcome {
            Ok(mut body) => {
                body["Status"] = json!("100");
                body
            }
            Err(Refusal(status, message)) => json!({"Status": status, "Message": message}),
        })
    }
}

impl Inspect for Office {
    fn list(&self, list: &str) -> Option<Value> {
        (list == "orders").then(|| json!(self.orders))
    }

    fn command(&mut self, command: &str, body: &[u8]) -> Option<Result<Value, String>> {
        #[derive(Deserialize)]
        struct Advance {
            order_number: String,
            status_code: u8,
        }
        (command == "advance").then(|| {
            let to: Advance = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            if self.advance(&to.order_number, to.status_code) {
                Ok(json!({"tracks": self.tracks.len()}))
            } else {
                Err("no such order, or no room".to_owned())
            }
        })
    }
}

/// Fields that an order must have as texts and as whole numbers.
const TEXTS: [&str; 8] = [
    "CustomerCode",
    "OrderNumber",
    "SenderName",
    "SenderAddress",
    "SenderTel",
    "ReceiverName",
    "ReceiverAddress",
    "ReceiverTel",
];
const NUMBERS: [&str; 6] =
    ["CODAmount", "SenderProvince", "SenderDistrict", "ReceiverProvince", "ReceiverDistrict", "FlagConfig"];

fn order(inside: &mut Inside<Office>, body: Value) -> Outcome {
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(missing) = TEXTS.iter().find(|name| text(name).is_none()) {
        return Err(Refusal::field(missing));
    }
    // A number in quotes is not a number here.
    if let Some(missing) = NUMBERS.iter().find(|name| body[**name].as_u64().is_none()) {
        return Err(Refusal::field(missing));
    }
    let (number, customer) = (text("OrderNumber").unwrap_or_default(), text("CustomerCode").unwrap_or_default());
    if !inside.settings.customers.contains(&customer) {
        return Err(Refusal("102", "Mã khách hàng không tồn tại".into()));
    }
    let office = &mut inside.own;
    if inside.settings.idempotent && office.numbers.contains_key(&number) {
        return Err(Refusal("104", format!("Đơn hàng {number} đã tồn tại")));
    }
    if office.orders.len() == MAX_ORDERS {
        return Err(Refusal("199", "Hệ thống đã đầy".into()));
    }
    let place = office.orders.len();
    let item = text("ItemCode").unwrap_or_else(|| format!("EH{:09}VN", place + 1));
    office.numbers.entry(number.clone()).or_insert(place);
    office.orders.push(PostOrder { number: number.clone(), item: item.clone(), customer, status: 1, body });
    office.track(place, 1);
    Ok(json!({"Message": "Thành công", "OrderNumber": number, "ItemCode": item}))
}

fn known(inside: &Inside<Office>, body: &Value) -> Result<usize, Refusal> {
    let number = body["OrderNumber"].as_str().ok_or_else(|| Refusal::field("OrderNumber"))?;
    inside.own.numbers.get(number).copied().ok_or_else(|| Refusal("103", format!("Đơn hàng {number} không tồn tại")))
}

fn cancel(inside: &mut Inside<Office>, body: &Value) -> Outcome {
    let place = known(inside, body)?;
    match inside.own.orders[place].status {
        4 => Err(Refusal("105", "Đơn hàng đã phát thành công, không thể hủy".into())),
        9 => Err(Refusal("106", "Đơn hàng đã được hủy".into())),
        _ => {
            let number = inside.own.orders[place].number.clone();
            inside.own.advance(&number, 9);
            Ok(json!({"Message": "Hủy đơn hàng thành công", "OrderNumber": number}))
        }
    }
}

/// One order's rows, or a page of all rows of a customer after a cursor.
fn tracking(inside: &Inside<Office>, body: &Value) -> Outcome {
    let office = &inside.own;
    let row = |(place, track): (usize, &Track)| {
        let order = &office.orders[track.order];
        json!({"_id": oid(place), "OrderNumber": order.number, "ItemCode": order.item, "statusCode": track.status,
               "statusName": status_name(track.status)})
    };
    let rows = office.tracks.iter().enumerate();
    if body.get("OrderNumber").is_some() {
        let place = known(inside, body)?;
        let number = &office.orders[place].number;
        let rows: Vec<Value> =
            rows.filter(|(_, track)| office.orders[track.order].number == *number).map(row).collect();
        return Ok(json!({"Message": "Thành công", "data": rows}));
    }
    let customer = body["CustomerCode"].as_str().ok_or_else(|| Refusal::field("CustomerCode"))?;
    let after = match body["lastId"].as_str().filter(|id| !id.is_empty()) {
        None => 0,
        Some(id) => place_of(id).ok_or_else(|| Refusal::field("lastId"))?.saturating_add(1),
    };
    let size = body["pagesize"].as_u64().unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE) as usize;
    let of_customer = rows.skip(after).filter(|(_, track)| office.orders[track.order].customer == customer);
    let page: Vec<(usize, &Track)> = of_customer.take(size).collect();
    let last = page.last().map(|(place, _)| oid(*place));
    let rows: Vec<Value> = page.into_iter().map(row).collect();
    Ok(json!({"Message": "Thành công", "data": rows, "lastId": last}))
}

fn price(body: &Value) -> Outcome {
    for name in ["SenderProvince", "SenderDistrict", "ReceiverProvince", "ReceiverDistrict"] {
        body[name].as_u64().ok_or_else(|| Refusal::field(name))?;
    }
    let near = body["SenderProvince"] == body["ReceiverProvince"];
    Ok(json!({"Message": "Thành công", "Price": if near { 26_000 } else { 30_500 }}))
}

fn status_name(status: u8) -> &'static str {
    match status {
        1 => "Đã tiếp nhận",
        2 => "Đang vận chuyển",
        3 => "Phát không thành công",
        4 => "Phát thành công",
        9 => "Đã hủy",
        _ => "Khác",
    }
}

/// A cursor of 24 hexadecimal digits, as MongoDB has them: ascending, and opaque to the caller.
fn oid(place: usize) -> String {
    format!("65a1b2c3d4e5f60{place:09x}")
}

fn place_of(oid: &str) -> Option<usize> {
    usize::from_str_radix(oid.strip_prefix("65a1b2c3d4e5f60").filter(|place| place.len() == 9)?, 16).ok()
}
