//! A gateway that takes fees: providers in the sandbox, an account of two provinces, a one-stop system that asks for money, and a
//! citizen's browser without scripts.

use std::time::Instant;

use lgsp_sandbox::payment as sandbox;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::gateway::{Answer, PATIENCE, Setup, World, send};

/// Where citizens may be sent back to.
pub(crate) const BACK: &str = "https://one-stop.test/paid";

/// The providers, the accounts, and the members that have to do with money.
fn tables() -> String {
    format!(
        r#"
[[payment_provider]]
id = "vnpay"
kind = "vnpay"
name = "VNPAY"
[payment_provider.settings]
url = "{{sandbox}}/pay-sandbox/vnpay"
allow_private = true
tmn_code = "{tmn}"
secret = "{secret}"
timeout = "2s"

[[payee]]
id = "kho-bac-h56"
agency = "H56"
agency_name = "UBND tỉnh Thanh Hoá"
account = "3511.0.1062334"
bank = "01201001"
bank_bin = "970436"
name = "Kho bạc Nhà nước Thanh Hoá"

[[member]]
id = "cashier"
name = "Một cửa"
agencies = ["H56"]
scopes = ["payment:create", "payment:read", "dossier:push", "dossier:read", "changes:read", "service:vnpost"]
secret = "secret-of-cashier"
payments = {{ return_urls = ["{BACK}"] }}

[[member]]
id = "reader"
name = "Kho bạc"
agencies = ["H56"]
scopes = ["payment:read", "changes:read"]
secret = "secret-of-reader"

[[member]]
id = "stranger"
name = "Tỉnh khác"
agencies = ["H11"]
scopes = ["payment:create", "payment:read"]
secret = "secret-of-stranger"
"#,
        tmn = sandbox::VNPAY_TMN_CODE,
        secret = sandbox::VNPAY_HASH_SECRET,
    )
}

/// A gateway with its members' tokens at hand.
pub(crate) struct Cashier {
    pub(crate) world: World,
    pub(crate) token: String,
    browser: reqwest::Client,
}

impl Cashier {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let providers = format!("{}{}", setup.providers, tables());
        let world = World::with(Setup { providers, ..setup }).await;
        Self::of(world).await
    }

    pub(crate) async fn of(world: World) -> Self {
        let callback = world.url("/payments/vnpay/callback");
        world.sandbox.payments().vnpay.change_settings(|settings| {
            settings.callback_url = Some(callback);
            settings.callback_interval_ms = Some(100);
        });
        let token = world.token("cashier").await;
        let browser = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Self { world, token, browser }
    }

    /// Stops the gateway and starts it on what it stored.
    pub(crate) async fn restart(self) -> Self {
        Self::of(self.world.restart().await).await
    }

    /// Asks for a payment and expects it to be made.
    pub(crate) async fn make(&self, ask: &Value) -> Value {
        self.ask(ask).await.expect(201).json()
    }

    pub(crate) async fn ask(&self, ask: &Value) -> Answer {
        self.world.post(&self.token, "/v1/payments", ask.to_string()).await
    }

    pub(crate) async fn payment(&self, id: &str) -> Value {
        self.world.get(&self.token, &format!("/v1/payments/{id}")).await.expect(200).json()
    }

    /// The payment once it is in this state.
    pub(crate) async fn until(&self, id: &str, state: &str) -> Value {
        self.when(id, state, |payment| payment["state"] == state).await
    }

    /// The payment once this holds of it.
    pub(crate) async fn when(&self, id: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let payment = self.payment(id).await;
            if holds(&payment) {
                return payment;
            }
            assert!(begun.elapsed() < PATIENCE, "never {what}: {payment}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Waits until a callback of VNPAY was counted as this.
    pub(crate) async fn counted(&self, verdict: &str) {
        let line = format!("lgsp_payment_callbacks_total{{provider=\"vnpay\",verdict=\"{verdict}\"}}");
        let begun = Instant::now();
        while !self.world.metrics().await.contains(&line) {
            assert!(begun.elapsed() < PATIENCE, "no {line}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// What a browser is shown, or where it is sent.
    pub(crate) async fn browse(&self, url: &str) -> Answer {
        let url = if url.starts_with('/') { self.world.url(url) } else { url.to_owned() };
        send(self.browser.get(url)).await
    }

    pub(crate) async fn submit(&self, url: &str, form: &[(&str, &str)]) -> Answer {
        let url = if url.starts_with('/') { self.world.url(url) } else { url.to_owned() };
        send(self.browser.post(url).form(form)).await
    }

    /// Goes to a provider and presses a button of its page; where the browser is sent then.
    pub(crate) async fn press(&self, payment: &Value, act: &str) -> Answer {
        let entered = self.browse(payment["payment_url"].as_str().unwrap()).await;
        let page = if entered.status == 302 || entered.status == 303 {
            entered.header("location").to_owned()
        } else {
            payment["payment_url"].as_str().unwrap().to_owned()
        };
        self.submit(&page, &[("act", act)]).await
    }

    pub(crate) async fn refund(&self, id: &str, body: &Value) -> Answer {
        self.world.post(&self.token, &format!("/v1/payments/{id}/refund"), body.to_string()).await
    }
}

/// A fee of 50,000 đồng of the nth dossier.
pub(crate) fn fee(n: usize) -> Value {
    json!({
        "reference": format!("lan-1.{n}"),
        "MaHoSo": super::records::code(n),
        "MaTTHC": "1.000001",
        "TenTTHC": "Cấp giấy phép xây dựng",
        "PhiLePhi": [
            { "LoaiPhiLePhi": "2", "MaPhiLePhi": "LP01", "TenPhiLePhi": "Lệ phí cấp phép", "SoTien": 20_000 },
            { "LoaiPhiLePhi": "1", "MaPhiLePhi": "P02", "TenPhiLePhi": "Phí thẩm định", "SoTien": 30_000 },
        ],
        "SoTien": 50_000,
        "payee": "kho-bac-h56",
        "NguoiNop": { "HoTenNguoiNop": "Nguyễn Văn Thử", "SoCMNDNguoiNop": "079199887766", "DiaChiNguoiNop": "Số 1 phố Thử" },
        "providers": ["vnpay"],
        "return_url": BACK,
    })
}
