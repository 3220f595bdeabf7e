//! The national portal's payment platform, `PhienBan` 1.0.6: INIT, CONFIRM, QUERY, GET_BILL, and its own question what is to be paid for a
//! dossier.
//!
//! The calls have one address here and are told apart by `LoaiBanTin`; below `/lgsp` the answers of INIT and QUERY are wrapped as an LGSP
//! wraps them. Of refusals only 00 and 99 are public: 01 (no such payment) and 97 (`MaXacThuc`) are made up.

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::act::{Act, House, perform};
use super::book::{NewOrder, OrderState, PaymentOrder, text_of};
use super::callback::{ask, http, run};
use super::desk::{Desk, Kind};
use super::rules::{Counter, Fields, Merchant, Message, Rules, Terms, Verb, Verdict, dong};
use super::settings::BillForm;
use super::sign::sha256;
use super::{bill, clock};
use crate::answer::Answer;
use crate::call::Call;
use crate::partner::Partner;

/// The unit of the sandbox, `MaDoiTac`.
pub const NATIONAL_PARTNER: &str = "LGSP-SANDBOX";
/// Its secret.
pub const NATIONAL_SECRET: &str = "national-sandbox-secret";

/// The national payment platform: see [`crate::Sandbox::payments`].
#[derive(Default)]
pub struct National;

/// The simulated platform; clones are the same.
pub type NationalPartner = Partner<Desk<National>>;

impl Kind for National {
    const RULES: &'static Rules = &RULES;
}

static RULES: Rules = Rules {
    name: "payment-national",
    root: "/pay-sandbox/national",
    title: "Nền tảng thanh toán quốc gia",
    merchant: Merchant { id: NATIONAL_PARTNER, access_key: "", key: NATIONAL_SECRET, callback_key: None },
    tries: 3,
    interval_ms: 60_000,
    lifetime_ms: 900_000,
    paid: "00",
    deferred: "",
    cancelled: "99",
    failures: &[("99", "Các lỗi khác")],
    service,
    answer,
    callback,
    back,
    verdict,
};

const INIT_SIGNED: [&str; 14] = [
    "LoaiBanTin",
    "PhienBan",
    "MaDoiTac",
    "MaThamChieu",
    "SoTien",
    "LoaiHinhThanhToan",
    "MaKenhThanhToan",
    "MaThietBi",
    "NgonNgu",
    "MaTienTe",
    "MaNganHang",
    "ThongTinGiaoDich",
    "ThoiGianGD",
    "Ip",
];
const CONFIRM_SIGNED: [&str; 10] = [
    "LoaiBanTin",
    "MaLoi",
    "MaDoiTac",
    "MaThamChieu",
    "SoTien",
    "MaTienTe",
    "MaGiaoDich",
    "MaNganHang",
    "ThoiGianGD",
    "ThongTinGiaoDich",
];
const QUERY_SIGNED: [&str; 5] = ["LoaiBanTin", "PhienBan", "MaDoiTac", "MaThamChieu", "ThoiGianGD"];

/// A refusal: `MaLoi` and `MoTaLoi`.
type Refused = (&'static str, &'static str);

/// What a call gets that is no JSON.
enum Reply {
    Told(Value),
    Document(Vec<u8>),
}

fn service(call: &Call) -> &'static str {
    if call.method == Method::GET {
        return if call.path.starts_with("/bill/") { "document" } else { "other" };
    }
    match Fields::of(call).map(|fields| fields.text("LoaiBanTin")).as_deref() {
        Some("INIT") => "create",
        Some("QUERY") => "query",
        Some("GET_BILL") => "bill",
        _ => "other",
    }
}

fn answer(counter: &mut Counter<'_>, call: &Call, service: &'static str) -> Answer {
    if service == "document" {
        let order = counter.book.of_page(call.path.rsplit('/').next().unwrap_or_default());
        let paid = order.filter(|order| order.state == OrderState::Paid);
        let document = paid.map(|order| Answer::of(StatusCode::OK, "application/pdf", bill::pdf(order)));
        return document.unwrap_or_else(|| Answer::text(StatusCode::NOT_FOUND, "no such receipt\n"));
    }
    if call.method != Method::POST {
        return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n");
    }
    if let Err(refused) = counter.admit(call) {
        return refused;
    }
    let wrapped = call.path.starts_with("/lgsp");
    let done = Fields::of(call).ok_or(("99", "JSON")).and_then(|fields| match service {
        "create" => create(counter, &fields).map(Reply::Told),
        "query" => query(counter, &fields).map(Reply::Told),
        "bill" => give_bill(counter, &fields),
        _ => Err(("99", "LoaiBanTin")),
    });
    let told = match done {
        Ok(Reply::Document(bytes)) => return Answer::of(StatusCode::OK, "application/pdf", bytes),
        Ok(Reply::Told(told)) => told,
        Err((code, words)) => json!({"MaLoi": code, "MoTaLoi": words}),
    };
    if wrapped { Answer::ok(&json!({"error_code": "0", "message": told.to_string()})) } else { Answer::ok(&told) }
}

fn code_of(key: &str, fields: &Fields, signed: &[&str]) -> String {
    sha256(&format!("{}|{key}", fields.joined(signed, "|")))
}

fn admitted(counter: &Counter<'_>, fields: &Fields, signed: &[&str]) -> Result<(), Refused> {
    if fields.text("MaDoiTac") != counter.terms.merchant {
        return Err(("99", "MaDoiTac"));
    }
    if code_of(&counter.terms.key, fields, signed) != fields.text("MaXacThuc") {
        return Err(("97", "MaXacThuc"));
    }
    if fields.text("PhienBan") != "1.0.6" {
        return Err(("99", "PhienBan"));
    }
    if clock::moment(&fields.text("ThoiGianGD")).is_none() { Err(("99", "ThoiGianGD")) } else { Ok(()) }
}

fn create(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    admitted(counter, fields, &INIT_SIGNED)?;
    let amount = fields.0.get("SoTien").and_then(Value::as_str).and_then(dong).ok_or(("99", "SoTien"))?;
    let rules = [
        ("MaThamChieu", (1..=100).contains(&fields.text("MaThamChieu").len())),
        ("LoaiHinhThanhToan", fields.text("LoaiHinhThanhToan") == "PAY"),
        ("MaKenhThanhToan", !fields.text("MaKenhThanhToan").is_empty()),
        ("MaThietBi", !fields.text("MaThietBi").is_empty()),
        ("NgonNgu", !fields.text("NgonNgu").is_empty()),
        ("MaTienTe", fields.text("MaTienTe") == "VND"),
        ("MaNganHang", !fields.text("MaNganHang").is_empty()),
        ("ThongTinGiaoDich", !fields.text("ThongTinGiaoDich").is_empty()),
        ("Ip", (7..=45).contains(&fields.text("Ip").len())),
    ];
    if let Some((name, _)) = rules.into_iter().find(|(_, good)| !good) {
        return Err(("99", name));
    }
    bill::check(fields.0.get("ThongTinBienLai").unwrap_or(&Value::Null), amount).map_err(|name| ("99", name))?;
    let name = fields.text("MaThamChieu");
    if counter.book.order(&name).is_some() {
        return Err(("99", "MaThamChieu"));
    }
    let url = counter.open(NewOrder {
        reference: name,
        amount,
        description: fields.text("ThongTinGiaoDich"),
        expires_ms: counter.now_ms + counter.lifetime_ms(),
        return_url: None,
        callback_url: None,
        asked: fields.0.clone(),
    });
    Ok(json!({"MaLoi": "00", "MoTaLoi": "Thành công", "UrlThanhToan": url}))
}

fn known<'a>(counter: &'a Counter<'_>, fields: &Fields) -> Result<&'a PaymentOrder, Refused> {
    admitted(counter, fields, &QUERY_SIGNED)?;
    counter.book.order(&fields.text("MaThamChieu")).ok_or(("01", "MaThamChieu"))
}

fn query(counter: &mut Counter<'_>, fields: &Fields) -> Result<Value, Refused> {
    let order = known(counter, fields)?;
    let standing = match order.state {
        OrderState::Open if counter.is_expired(order) => "4",
        OrderState::Open | OrderState::Deferred => "3",
        OrderState::Paid => "1",
        OrderState::Failed | OrderState::Cancelled => "4",
    };
    Ok(json!({
        "MaLoi": "00", "MoTaLoi": "Thành công", "MaDoiTac": counter.terms.merchant, "MaThamChieu": order.reference,
        "SoTien": order.amount.to_string(), "MaTienTe": "VND", "MaGiaoDich": order.transaction.clone().unwrap_or_default(),
        "MaNganHang": "PAYMENT", "ThoiGianGD": clock::compact(order.paid_ms.unwrap_or(counter.now_ms)), "TrangThaiGD": standing,
    }))
}

fn bill_url(order: &PaymentOrder) -> String {
    format!("{}/bill/{}", order.at, order.page)
}

fn give_bill(counter: &mut Counter<'_>, fields: &Fields) -> Result<Reply, Refused> {
    let order = known(counter, fields)?;
    if order.state != OrderState::Paid {
        return Err(("99", "chưa thanh toán"));
    }
    Ok(match counter.settings.bill {
        BillForm::Pdf => Reply::Document(bill::pdf(order)),
        BillForm::Url => Reply::Told(json!({"MaLoi": "00", "MoTaLoi": "Thành công", "UrlBienLai": bill_url(order)})),
    })
}

/// CONFIRM. The amount is a number here, not a text as in INIT.
fn callback(terms: &Terms, order: &PaymentOrder) -> Option<Message> {
    order.is_over().then(|| {
        let body = json!({
            "LoaiBanTin": "CONFIRM", "MaLoi": order.code, "MaDoiTac": terms.merchant, "MaThamChieu": order.reference,
            "SoTien": order.amount, "MaTienTe": "VND", "MaGiaoDich": order.transaction.clone().unwrap_or_default(),
            "MaNganHang": "PAYMENT", "ThoiGianGD": clock::compact(order.paid_ms.unwrap_or_else(clock::now_ms)),
            "ThongTinGiaoDich": order.description, "UrlBienLai": bill_url(order),
            "MaHoSo": order.asked.get("ThongTinBienLai").map(|bill| text_of(&bill["MaHoSo"])).unwrap_or_default(),
        });
        let mut fields = Fields(body.as_object().cloned().unwrap_or_default());
        let code = code_of(&terms.callback_key, &fields, &CONFIRM_SIGNED);
        fields.0.insert("MaXacThuc".to_owned(), code.into());
        Message { verb: Verb::Post, url: terms.callback_url(order), content: Value::Object(fields.0).to_string() }
    })
}

fn back(_terms: &Terms, order: &PaymentOrder) -> Vec<(&'static str, String)> {
    vec![("MaThamChieu", order.reference.clone()), ("MaLoi", order.code.clone())]
}

fn verdict(status: u16, body: &[u8]) -> Verdict {
    let reply: Value = serde_json::from_slice(body).unwrap_or_default();
    if status == 200 && reply["MaLoi"] == "00" { Verdict::Accepted } else { Verdict::Again }
}

impl Partner<Desk<National>> {
    /// Asks at `lookup_url` what is to be paid for a dossier, as the portal does when a citizen types its code; with `pay`, it is paid
    /// there as well. What was answered, and the order that was paid.
    ///
    /// # Errors
    /// A word for people: there is no address, nobody answered, or the answer is none that could be paid.
    pub async fn pull(&self, dossier: &str, pay: bool) -> Result<(Value, Option<PaymentOrder>), String> {
        let settings = self.settings();
        let url = settings.lookup_url.as_deref().ok_or("lookup_url is not set")?;
        let body = json!({"MaHoSo": dossier}).to_string();
        let request = http(Method::POST, url, Some(&body), settings.lookup_authorization.as_deref());
        let request = request.ok_or("lookup_url must be an http address")?;
        let caller = self.lock().own.caller.clone();
        let patience = std::time::Duration::from_millis(settings.callback_timeout_ms);
        let asked = tokio::time::timeout(patience, ask(&caller, request)).await.ok().flatten();
        let (status, body) = asked.ok_or("nobody answered at lookup_url")?;
        let answer: Value = serde_json::from_slice(&body).map_err(|_| format!("status {status} and no JSON"))?;
        if !pay {
            return Ok((answer, None));
        }
        let order = self.pay_pulled(&answer).await?;
        Ok((answer, Some(order)))
    }

    /// Pays what an answer says is to be paid, whether the unit opened it here or not.
    async fn pay_pulled(&self, answer: &Value) -> Result<PaymentOrder, String> {
        if text_of(&answer["error_code"]) != "1" {
            return Err("there is nothing to pay".to_owned());
        }
        let message = &answer["message"];
        let name = text_of(&message["transaction_id"]);
        let fees = message["PhiLePhi"].as_array().cloned().unwrap_or_default();
        let amount: Option<i64> = fees.iter().map(|fee| dong(&text_of(&fee["SoTien"]))).sum();
        let amount = amount.filter(|amount| *amount > 0).ok_or("PhiLePhi has no amounts")?;
        if name.is_empty() {
            return Err("transaction_id is missing".to_owned());
        }
        let (order, errands) = {
            let mut inside = self.lock();
            let settings = inside.settings.clone();
            let now_ms = clock::now_ms();
            let house = House { rules: &RULES, settings: &settings, now_ms };
            let book = &mut inside.own.book;
            if book.order(&name).is_none() {
                let new = NewOrder {
                    reference: name.clone(),
                    amount,
                    description: text_of(&message["NoiDungThanhToan"]),
                    expires_ms: now_ms + settings.order_lifetime_ms.unwrap_or(RULES.lifetime_ms),
                    return_url: None,
                    callback_url: None,
                    asked: Map::from_iter([("ThongTinBienLai".to_owned(), message.clone())]),
                };
                let base = settings.base.clone().unwrap_or_default();
                book.open(new, format!("{base}{}", RULES.root), now_ms);
            }
            perform(house, book, &name, Act::Pay, None).map_err(|refused| refused.to_string())?;
            (book.order(&name).cloned(), std::mem::take(&mut book.errands))
        };
        self.announce();
        run(self.clone(), errands).await;
        order.ok_or_else(|| "the order is gone".to_owned())
    }

    /// The control's `pull`: `MaHoSo` and, to pay as well, `pay`.
    pub(super) async fn command_pull(&self, body: &[u8]) -> Result<Value, String> {
        let asked: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let dossier = asked["MaHoSo"].as_str().ok_or("MaHoSo: the dossier's code")?;
        let (answer, order) = self.pull(dossier, asked["pay"] == true).await?;
        Ok(json!({"answer": answer, "order": order}))
    }
}
