//! A gateway that takes fees, in a process of its own with one port for all its lives; VNPAY beside it, told what to do over its control;
//! and a one-stop system that asks. An answer that does not come is `None`. It judges nothing.

use std::sync::Mutex;
use std::time::Duration;

use lgsp_sandbox::payment::{MOMO_ACCESS_KEY, MOMO_PARTNER_CODE, MOMO_SECRET_KEY, VNPAY_HASH_SECRET, VNPAY_TMN_CODE};
use lgsp_store::{EmbeddedOptions, EmbeddedStore};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::program::{Place, Program, Waiting};
use crate::records::code;

/// Every fee's amount, in đồng.
pub(crate) const FEE: i64 = 50_000;

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Null when it is no JSON.
    pub(crate) body: Value,
}

/// The gateway's place, and everybody who calls it.
pub(crate) struct Till {
    pub(crate) place: Place,
    http: reqwest::Client,
    /// The sandbox's address.
    sandbox: String,
    /// The tables of the configuration.
    tables: String,
    token: Mutex<String>,
}

impl Till {
    /// A gateway at this place whose VNPAY is in the sandbox at this address; with more tables.
    pub(crate) fn new(place: Place, sandbox: &str, more: &str) -> Self {
        let (place, tables) = (place.on_one_port(), format!("{}{more}", tables(sandbox)));
        place.configure(&tables);
        let http =
            reqwest::Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(60)).build().unwrap();
        Self { place, http, sandbox: sandbox.to_owned(), tables, token: Mutex::default() }
    }

    /// From the next start on, the gateway hears VNPAY and finds nobody whom it could ask; or it finds it again.
    pub(crate) fn only_hears(&self, only: bool) {
        // VNPAY's is the first of them.
        let nobody = "[payment_provider.settings]\napi_url = \"http://127.0.0.1:9\"";
        let tables = self.tables.replacen("[payment_provider.settings]", nobody, usize::from(only));
        self.place.configure(&tables);
    }

    /// Starts the gateway; what is told to VNPAY reaches it in all its lives.
    pub(crate) async fn start(&self) -> Program {
        let program = self.place.start().await;
        assert_eq!(program.public, self.place.public());
        program
    }

    /// Changes settings of VNPAY.
    pub(crate) async fn set_vnpay(&self, settings: Value) {
        let done = self.vnpay("POST", "settings", Some(settings)).await;
        assert_eq!(done.status, 200, "{done:?}");
    }

    /// Tells VNPAY where the gateway is.
    pub(crate) async fn register(&self) {
        let url = format!("http://{}/payments/vnpay/callback", self.place.public());
        self.set_vnpay(json!({ "callback_url": url })).await;
    }

    /// A call of VNPAY's control.
    pub(crate) async fn vnpay(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.control("vnpay", method, path, body).await
    }

    /// A call of a provider's control.
    pub(crate) async fn control(&self, provider: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        let url = format!("{}/sandbox/payment-{provider}/{path}", self.sandbox);
        let request = self.http.request(method.parse().unwrap(), url);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        self.answer(request).await.expect("the sandbox answers its control")
    }

    /// What VNPAY has of this kind: `orders`, `callbacks`.
    pub(crate) async fn of_vnpay(&self, list: &str) -> Vec<Value> {
        let Value::Array(rows) = self.vnpay("GET", list, None).await.body else { panic!("{list} is a list") };
        rows
    }

    /// The citizen, the bank or a bad day does something to an order.
    pub(crate) async fn act(&self, id: &str, act: &str) -> Reply {
        self.vnpay("POST", "act", Some(json!({ "reference": id, "act": act }))).await
    }

    /// What anybody reads, the answer of whatever address.
    pub(crate) async fn browse(&self, url: &str) -> Option<Reply> {
        let url = if url.starts_with('/') { format!("http://{}{url}", self.place.public()) } else { url.to_owned() };
        self.answer(self.http.get(url)).await
    }

    /// What VNPAY sends, sent by somebody.
    pub(crate) async fn call_back(&self, query: &str) -> Option<Reply> {
        self.browse(&format!("/payments/vnpay/callback?{query}")).await
    }

    /// A call of the one-stop system, with a new token when the old one is not taken any more.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Reply> {
        for _ in 0..2 {
            let token = self.token.lock().unwrap().clone();
            let url = format!("http://{}{path}", self.place.public());
            let request = self.http.request(method.parse().unwrap(), url).bearer_auth(token);
            let request = if let Some(body) = body { request.json(body) } else { request };
            let reply = self.answer(request).await?;
            if reply.status != 401 {
                return Some(reply);
            }
            let request = self.http.post(format!("http://{}/oauth2/token", self.place.public()));
            let request = request.basic_auth("cashier", Some("secret-of-cashier"));
            let token = self.answer(request.form(&[("grant_type", "client_credentials")])).await?;
            *self.token.lock().unwrap() = token.body["access_token"].as_str().expect("a token").to_owned();
        }
        panic!("a new token was not taken");
    }

    pub(crate) async fn ask(&self, fee: &Value) -> Option<Reply> {
        self.call("POST", "/v1/payments", Some(fee)).await
    }

    pub(crate) async fn payment(&self, id: &str) -> Option<Reply> {
        self.call("GET", &format!("/v1/payments/{id}"), None).await
    }

    /// Asks until there is an answer.
    pub(crate) async fn made(&self, fee: &Value) -> Value {
        let waiting = Waiting::until("a payment is made");
        loop {
            if let Some(reply) = self.ask(fee).await {
                assert!(matches!(reply.status, 200 | 201), "{reply:?}");
                return reply.body;
            }
            waiting.a_moment().await;
        }
    }

    /// The whole feed of payments: the record of each change, in their order.
    pub(crate) async fn feed(&self) -> Vec<Value> {
        let (mut records, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/changes?kind=payment&limit=1000{after}");
            let page = self.call("GET", &path, None).await.expect("the gateway runs");
            assert_eq!(page.status, 200, "{page:?}");
            let changes = page.body["changes"].as_array().unwrap();
            records.extend(changes.iter().map(|change| change["record"].clone()));
            if page.body["more"] == false {
                return records;
            }
            after = format!(
                "&after={}",
                page.body["next"].as_str().map_or_else(|| page.body["next"].to_string(), str::to_owned)
            );
        }
    }

    /// The store of a gateway that does not run.
    pub(crate) fn store(&self) -> EmbeddedStore {
        EmbeddedStore::open(&self.place.data(), EmbeddedOptions::default()).unwrap()
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Option<Reply> {
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let body = response.bytes().await.ok()?;
        Some(Reply { status, body: serde_json::from_slice(&body).unwrap_or_default() })
    }
}

/// The fee of the nth dossier.
pub(crate) fn fee(n: usize) -> Value {
    json!({
        "reference": format!("lan-{n}"),
        "MaHoSo": code(n),
        "MaTTHC": "1.000001",
        "PhiLePhi": [{ "LoaiPhiLePhi": "2", "MaPhiLePhi": "LP01", "TenPhiLePhi": "Lệ phí", "SoTien": FEE }],
        "SoTien": FEE,
        "payee": "kho-bac-h56",
        "NguoiNop": { "HoTenNguoiNop": "Nguyễn Văn Thử" },
        "providers": ["vnpay"],
    })
}

fn tables(sandbox: &str) -> String {
    format!(
        r#"
[payments]
asking = 64
[[payment_provider]]
id = "vnpay"
kind = "vnpay"
name = "VNPAY"
[payment_provider.settings]
url = "{sandbox}/pay-sandbox/vnpay"
allow_private = true
tmn_code = "{VNPAY_TMN_CODE}"
secret = "{VNPAY_HASH_SECRET}"
timeout = "2s"
[[payment_provider]]
id = "momo"
kind = "momo"
name = "MoMo"
[payment_provider.settings]
url = "{sandbox}/pay-sandbox/momo"
allow_private = true
partner_code = "{MOMO_PARTNER_CODE}"
access_key = "{MOMO_ACCESS_KEY}"
secret_key = "{MOMO_SECRET_KEY}"
[[payee]]
id = "kho-bac-h56"
agency = "H56"
agency_name = "UBND tỉnh Thanh Hoá"
account = "3511.0.1062334"
bank = "01201001"
name = "Kho bạc Nhà nước Thanh Hoá"
[[member]]
id = "cashier"
name = "Một cửa"
agencies = ["H56"]
secret = "secret-of-cashier"
scopes = ["payment:create", "payment:read", "changes:read"]
"#
    )
}
