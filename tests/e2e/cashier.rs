//! A gateway that takes fees: providers in the sandbox, an account of two provinces, a one-stop system that asks for money, and a
//! citizen's browser without scripts.

use std::time::Instant;

use lgsp_sandbox::payment as sandbox;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::gateway::{Answer, PATIENCE, Setup, World, send};

/// Where citizens may be sent back to.
pub(crate) const BACK: &str = "https://one-stop.test/paid";

/// A kind of provider, and what differs of it from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Teller {
    /// Its kind, its id, and its name in the sandbox.
    pub(crate) kind: &'static str,
    settings: &'static str,
    /// The service that opens an order, where that is a call.
    pub(crate) opens: Option<&'static str>,
    /// Whether money can be sent back by it.
    pub(crate) refunds: bool,
    /// Whether it knows where to send browsers back to.
    pub(crate) returns: bool,
    /// Whether the signature of its callbacks covers what happened.
    pub(crate) proves: bool,
}

/// Every kind.
pub(crate) const TELLERS: [Teller; 6] = [
    Teller {
        kind: "vnpay",
        settings: "tmn_code = \"LGSPTEST\"\nsecret = \"{vnpay}\"",
        opens: None,
        refunds: true,
        returns: true,
        proves: true,
    },
    Teller {
        kind: "momo",
        settings: "partner_code = \"MOMO\"\naccess_key = \"F8BBA842ECF85\"\nsecret_key = \"K951B6PE1waDMi640xX08PD3vg6EkVlz\"",
        opens: Some("create"),
        refunds: true,
        returns: true,
        proves: true,
    },
    Teller {
        kind: "zalopay",
        settings: "app_id = 2553\nkey1 = \"PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL\"\nkey2 = \"kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz\"",
        opens: Some("create"),
        refunds: true,
        returns: true,
        proves: true,
    },
    Teller {
        kind: "keypay",
        settings: "client_id = \"{keypay}\"\nhash_key_1 = \"{keypay1}\"\nhash_key_2 = \"{keypay2}\"",
        opens: Some("create"),
        refunds: false,
        returns: true,
        proves: false,
    },
    Teller {
        kind: "paygov",
        settings: "partner_code = \"{paygov}\"\naccess_key = \"{paygov_access}\"\nsecret_key = \"{paygov_secret}\"\nservice_code = \"LGSP\"",
        opens: Some("create"),
        refunds: false,
        returns: true,
        proves: false,
    },
    Teller {
        kind: "national",
        settings: "partner = \"{national}\"\nsecret = \"{national_secret}\"",
        opens: Some("create"),
        refunds: false,
        returns: false,
        proves: true,
    },
];

impl Teller {
    /// Its table in the configuration.
    fn table(&self) -> String {
        let settings = [
            ("LGSPTEST", sandbox::VNPAY_TMN_CODE),
            ("{vnpay}", sandbox::VNPAY_HASH_SECRET),
            ("{keypay}", sandbox::KEYPAY_CLIENT_ID),
            ("{keypay1}", sandbox::KEYPAY_HASH_KEY_1),
            ("{keypay2}", sandbox::KEYPAY_HASH_KEY_2),
            ("{paygov}", sandbox::PAYGOV_PARTNER_CODE),
            ("{paygov_access}", sandbox::PAYGOV_ACCESS_KEY),
            ("{paygov_secret}", sandbox::PAYGOV_SECRET_KEY),
            ("{national}", sandbox::NATIONAL_PARTNER),
            ("{national_secret}", sandbox::NATIONAL_SECRET),
        ];
        let settings = settings.iter().fold(self.settings.to_owned(), |text, (name, value)| text.replace(name, value));
        let (kind, name) = (self.kind, self.kind.to_uppercase());
        format!(
            "[[payment_provider]]\nid = \"{kind}\"\nkind = \"{kind}\"\nname = \"{name}\"\n[payment_provider.settings]\n\
             url = \"{{sandbox}}/pay-sandbox/{kind}\"\nallow_private = true\ntimeout = \"2s\"\n{settings}\n"
        )
    }
}

/// The providers that are not `given` already, the accounts, and the members that have to do with money.
fn tables(given: &str) -> String {
    let is_new = |teller: &&Teller| !given.contains(&format!("id = \"{}\"", teller.kind));
    let providers: String = TELLERS.iter().filter(is_new).map(Teller::table).collect();
    format!(
        r#"
{providers}
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
        let providers = format!("{}{}", setup.providers, tables(&setup.providers));
        let world = World::with(Setup { providers, ..setup }).await;
        Self::of(world).await
    }

    pub(crate) async fn of(world: World) -> Self {
        for teller in TELLERS {
            let settings = json!({
                "callback_url": world.url(&format!("/payments/{}/callback", teller.kind)),
                "callback_interval_ms": 100,
                "defer_ms": 300,
            });
            control(&world, &format!("payment-{}/settings", teller.kind), &settings).await;
        }
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

    /// Changes the sandbox's behaviour, or does something to an order there.
    pub(crate) async fn control(&self, path: &str, body: &Value) -> Value {
        control(&self.world, path, body).await
    }

    /// Waits until a callback of a provider was counted as this.
    pub(crate) async fn counted(&self, provider: &str, verdict: &str) {
        let line = format!("lgsp_payment_callbacks_total{{provider=\"{provider}\",verdict=\"{verdict}\"}}");
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

/// Says something to the sandbox's control.
async fn control(world: &World, path: &str, body: &Value) -> Value {
    let request = world.http.post(world.sandbox.url(&format!("/sandbox/{path}"))).json(body);
    send(request).await.expect(200).json()
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
