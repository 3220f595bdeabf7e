//! A citizen pays in a browser that people use: Chromium, by the keyboard alone, on a narrow screen, with scripts switched off; from
//! where he chooses a provider over its page to the receipt.

use std::net::TcpListener;
use std::path::PathBuf;

use lgsp_sandbox::payment as sandbox;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cashier::{Cashier, fee};
use crate::gateway::Setup;
use crate::program::{Program, Software};
use crate::records::with;

/// A page that no image is missing from is larger than this in a picture.
const SMALLEST_PICTURE: u64 = 2000;

/// Those with a page of their own.
const PROVIDERS: [&str; 6] = ["vnpay", "momo", "zalopay", "keypay", "paygov", "national"];

/// What the bank signs with.
const BANKS_SECRET: &str = "bank-sandbox-secret-0123456789abcdef";

/// Providers beside the cashier's own, and an account that VietQR leads to.
fn providers() -> String {
    format!(
        r#"
[[payment_provider]]
id = "momo"
kind = "momo"
name = "Ví điện tử MoMo"
name_en = "MoMo e-wallet"
[payment_provider.settings]
url = "{{sandbox}}/pay-sandbox/momo"
allow_private = true
partner_code = "{}"
access_key = "{}"
secret_key = "{}"

[[payment_provider]]
id = "zalopay"
kind = "zalopay"
name = "Ví điện tử ZaloPay"
name_en = "ZaloPay e-wallet"
[payment_provider.settings]
url = "{{sandbox}}/pay-sandbox/zalopay"
allow_private = true
app_id = {}
key1 = "{}"
key2 = "{}"

[[payment_provider]]
id = "keypay"
kind = "keypay"
name = "KeyPay"
[payment_provider.settings]
url = "{{sandbox}}/pay-sandbox/keypay"
allow_private = true
client_id = "{}"
hash_key_1 = "{}"
hash_key_2 = "{}"

[[payment_provider]]
id = "paygov"
kind = "paygov"
name = "PayGov"
[payment_provider.settings]
url = "{{sandbox}}/pay-sandbox/paygov"
allow_private = true
partner_code = "{}"
access_key = "{}"
secret_key = "{}"
service_code = "LGSP"

[[payment_provider]]
id = "national"
kind = "national"
name = "Cổng Dịch vụ công quốc gia"
name_en = "National Public Service Portal"
[payment_provider.settings]
url = "{{sandbox}}/pay-sandbox/national"
allow_private = true
partner = "{}"
secret = "{}"

[[payment_provider]]
id = "bank"
kind = "transfer"
name = "Chuyển khoản VietQR"
[payment_provider.settings]
secret = "{BANKS_SECRET}"

[[payee]]
id = "tai-khoan-h56"
agency = "H56"
agency_name = "UBND tỉnh Thanh Hoá"
account = "257678859"
bank = "01201001"
bank_bin = "970416"
name = "Trung tâm Phục vụ hành chính công"
providers = ["bank"]
"#,
        sandbox::MOMO_PARTNER_CODE,
        sandbox::MOMO_ACCESS_KEY,
        sandbox::MOMO_SECRET_KEY,
        sandbox::ZALOPAY_APP_ID,
        sandbox::ZALOPAY_KEY1,
        sandbox::ZALOPAY_KEY2,
        sandbox::KEYPAY_CLIENT_ID,
        sandbox::KEYPAY_HASH_KEY_1,
        sandbox::KEYPAY_HASH_KEY_2,
        sandbox::PAYGOV_PARTNER_CODE,
        sandbox::PAYGOV_ACCESS_KEY,
        sandbox::PAYGOV_SECRET_KEY,
        sandbox::NATIONAL_PARTNER,
        sandbox::NATIONAL_SECRET,
    )
}

/// A gateway whose address its providers and browsers know, the browser, and where its pictures go.
struct Citizen {
    cashier: Cashier,
    browser: Program,
    /// `LGSP_PICTURES` when somebody wants to look at them.
    pictures: PathBuf,
    _until_then: TempDir,
    next: usize,
}

fn in_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|program| program.exists())
}

impl Citizen {
    async fn sit_down() -> Option<Self> {
        let mut browser = Program::start(Software::ChromiumPays)?;
        let program = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(in_path).unwrap();
        browser.ask("start", json!({"program": program}));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let issuer = format!("http://127.0.0.1:{port}");
        let setup = Setup { port, issuer, providers: providers(), ..Setup::default() };
        let cashier = Cashier::with(setup).await;
        cashier.world.sandbox.payments().register(&cashier.world.url(""));
        let folder = TempDir::new().unwrap();
        let pictures = std::env::var_os("LGSP_PICTURES").map_or_else(|| folder.path().to_owned(), PathBuf::from);
        Some(Self { cashier, browser, pictures, _until_then: folder, next: 0 })
    }

    /// A payment that may be paid at every provider, and ends on our own page.
    async fn ask(&mut self) -> Value {
        self.next += 1;
        let mut ask = fee(self.next);
        ask.as_object_mut().unwrap().remove("return_url");
        ask["providers"] = json!(PROVIDERS);
        self.cashier.make(&ask).await
    }

    /// Pays, and tells what was seen.
    fn pay(&mut self, payment: &Value, language: &str, provider: &str, act: &str, end: &str) -> Value {
        let name = format!("{provider}-{act}-{language}");
        let did = self.browser.ask(
            "pay",
            json!({"url": payment["page_url"], "language": language, "provider": provider, "act": act, "headings": [end],
                   "pictures": self.pictures, "name": name,
                   // It sends nobody back to one payment: he goes back himself.
                   "by_hand": provider == "national"}),
        );
        for page in ["choice", "end"] {
            self.assert_accessible(&did["seen"][page], language, &format!("{name}-{page}"));
        }
        assert_eq!(did["seen"]["end"]["title"], end, "{did}");
        assert_eq!(did["seen"]["choice"]["pressed"]["visible"], true, "the focus has to be seen: {did}");
        assert_eq!(did["seen"]["provider"]["scripts"], 0, "{did}");
        let own = [self.cashier.world.url(""), self.cashier.world.sandbox.url("")];
        let outside =
            did["asked"].as_array().unwrap().iter().filter(|at| !own.iter().any(|own| *own == at.as_str().unwrap()));
        assert_eq!(outside.collect::<Vec<_>>(), Vec::<&Value>::new(), "nothing is fetched from elsewhere");
        assert_eq!(did["cookies"], 0, "paying needs none");
        did
    }

    /// What a page of ours has to be for everybody.
    fn assert_accessible(&self, page: &Value, language: &str, picture: &str) {
        assert_eq!(page["lang"], language, "{page}");
        assert_eq!(page["headings"].as_array().map(Vec::len), Some(1), "{page}");
        assert_eq!((&page["mains"], &page["scripts"]), (&1.into(), &0.into()), "{page}");
        assert_eq!(page["title"], page["headings"][0], "{page}");
        assert!(page["buttons"].as_array().unwrap().iter().all(|name| name != ""), "{page}");
        assert_eq!(page["overflows"], false, "it has to fit 320 pixels: {page}");
        let other = if language == "vi" { "en" } else { "vi" };
        let links = page["links"].as_array().unwrap();
        assert!(links.iter().any(|link| link["lang"] == other), "the other language: {page}");
        let picture = self.pictures.join(format!("{picture}.png"));
        assert!(std::fs::metadata(picture).unwrap().len() > SMALLEST_PICTURE, "blank");
    }
}

fn says(page: &Value, words: &[&str]) {
    let text = page["text"].as_str().unwrap();
    for word in words {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn citizens_pay_at_each_provider_in_chromium_by_keyboard_without_scripts() {
    let Some(mut citizen) = Citizen::sit_down().await else { return };
    for (provider, language, name, end) in [
        ("vnpay", "vi", "VNPAY", "Đã thanh toán"),
        ("momo", "en", "MoMo e-wallet", "Paid"),
        ("zalopay", "vi", "Ví điện tử ZaloPay", "Đã thanh toán"),
        ("keypay", "en", "KeyPay", "Paid"),
        ("paygov", "vi", "PayGov", "Đã thanh toán"),
        ("national", "en", "National Public Service Portal", "Paid"),
    ] {
        let asked = citizen.ask().await;
        assert_eq!((&asked["state"], &asked["provider"]), (&"created".into(), &Value::Null));
        let did = citizen.pay(&asked, language, provider, "pay", end);
        let choice = &did["seen"]["choice"];
        assert_eq!(choice["buttons"].as_array().unwrap().len(), PROVIDERS.len(), "{choice}");
        assert!(choice["buttons"].as_array().unwrap().contains(&name.into()), "{choice}");
        says(choice, &["Lệ phí cấp phép", "20.000 đ", "Phí thẩm định", "30.000 đ", "50.000 đ"]);
        says(&did["seen"]["provider"], &["50.000 ₫"]);
        let paid = citizen.cashier.payment(asked["id"].as_str().unwrap()).await;
        assert_eq!((&paid["state"], &paid["provider"]), (&"paid".into(), &provider.into()));
        let (id, transaction) = (asked["id"].as_str().unwrap(), paid["transaction"].as_str().unwrap());
        says(&did["seen"]["end"], &[name, id, transaction, "50.000 đ"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cancels_or_fails_is_told_what_to_do_and_whom_to_ask() {
    let Some(mut citizen) = Citizen::sit_down().await else { return };
    for (provider, language, act, end, advice) in [
        (
            "vnpay",
            "vi",
            "cancel",
            "Thanh toán không thành công",
            "không thanh toán lần nữa: hãy liên hệ bộ phận một cửa",
        ),
        ("vnpay", "en", "fail", "The payment failed", "do not pay again: contact the one-stop desk"),
        ("momo", "vi", "fail", "Thanh toán không thành công", "hãy quay lại hồ sơ để thanh toán lại"),
    ] {
        let asked = citizen.ask().await;
        let did = citizen.pay(&asked, language, provider, act, end);
        says(&did["seen"]["end"], &[advice, "UBND tỉnh Thanh Hoá", asked["id"].as_str().unwrap()]);
        assert_eq!(citizen.cashier.payment(asked["id"].as_str().unwrap()).await["state"], "failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_in_the_language_that_its_address_says_and_tells_what_became_of_the_money() {
    let Some(mut citizen) = Citizen::sit_down().await else { return };
    let ask = with(fee(90), "return_url", crate::cashier::BACK);
    let asked = citizen.cashier.make(&ask).await;
    let (id, page) = (asked["id"].as_str().unwrap().to_owned(), asked["page_url"].as_str().unwrap().to_owned());
    let pictures = citizen.pictures.clone();
    let visit = |citizen: &mut Citizen, more: &str, language: &str, name: &str| {
        let given = json!({"url": format!("{page}{more}"), "language": language, "pictures": pictures, "name": name});
        citizen.browser.ask("visit", given)
    };
    let waiting = visit(&mut citizen, "?lang=en", "vi", "waiting");
    citizen.assert_accessible(&waiting, "en", "waiting");
    says(&waiting, &["Waiting for the payment", "do not pay again", "To the payment page"]);

    let cancelled = format!("/v1/payments/{id}/cancel");
    citizen.cashier.world.post(&citizen.cashier.token, &cancelled, "").await.expect(200);
    let cancelled = visit(&mut citizen, "", "vi", "cancelled");
    citizen.assert_accessible(&cancelled, "vi", "cancelled");
    says(&cancelled, &["Yêu cầu thanh toán đã được huỷ", "không thanh toán lần nữa", "UBND tỉnh Thanh Hoá", &id]);
    let links = cancelled["links"].as_array().unwrap();
    assert!(links.iter().any(|link| link["href"].as_str().unwrap().ends_with(&format!("/pay/{id}/return"))));

    citizen.cashier.press(&asked, "pay").await;
    citizen.cashier.until(&id, "paid").await;
    let part = json!({"reference": "hoan-1", "SoTien": 20_000, "reason": "Hồ sơ rút"});
    citizen.cashier.refund(&id, &part).await.expect(200);
    let receipt = visit(&mut citizen, "?lang=vi", "en", "receipt");
    citizen.assert_accessible(&receipt, "vi", "receipt");
    says(&receipt, &["Đã thanh toán", "VNPAY", "Đã hoàn", "20.000 đ"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vietqr_is_read_from_the_screen_and_the_banks_word_becomes_the_receipt() {
    let Some(mut citizen) = Citizen::sit_down().await else { return };
    let (Some(mut reader), Some(mut bank)) =
        (Program::start(Software::NodeVietQr), Program::start(Software::PythonPeers))
    else {
        return;
    };
    let mut ask = with(with(fee(95), "payee", "tai-khoan-h56"), "providers", json!(["bank"]));
    ask.as_object_mut().unwrap().remove("return_url");
    let asked = citizen.cashier.make(&ask).await;
    let (id, page) = (asked["id"].as_str().unwrap(), &asked["page_url"]);
    assert_eq!((&asked["state"], &asked["payment_url"]), (&"pending".into(), page));

    let pictures = citizen.pictures.clone();
    let scanned =
        citizen.browser.ask("scan", json!({"url": page, "language": "vi", "pictures": pictures, "name": "vietqr"}));
    citizen.assert_accessible(&scanned, "vi", "vietqr");
    says(&scanned, &["Quét mã VietQR", "Trung tâm Phục vụ hành chính công", "970416", "257678859", "50.000 đ", id]);
    assert_eq!(scanned["code"], asked["qr"], "what a reader sees on the screen is what the API says");
    let read = reader.ask("read", json!({"all": [scanned["code"]]}));
    let wanted = json!({"bin": "970416", "account": "257678859", "service": "QRIBFTTA", "once": true, "amount": "50000",
                        "purpose": id});
    assert_eq!(read[0], wanted);

    let url = citizen.cashier.world.url("/payments/bank/callback");
    let credit = json!({"transaction": "FT26326001", "amount": 50_000, "account": "257678859",
                        "description": format!("MBVCB.123.{}.CT tu 0071 NGUYEN VAN THU", id.to_uppercase())});
    let mut call = |secret: &str| bank.ask("call_bank", json!({"url": url, "fields": credit, "secret": secret}));
    assert_eq!(call("another secret")["status"], 401);
    assert_eq!(citizen.cashier.payment(id).await["state"], "pending");
    assert_eq!(call(BANKS_SECRET)["status"], 200);
    assert_eq!(citizen.cashier.payment(id).await["state"], "paid");
    let paid =
        citizen.browser.ask("wait", json!({"headings": ["Đã thanh toán"], "pictures": pictures, "name": "credited"}));
    citizen.assert_accessible(&paid, "vi", "credited");
    says(&paid, &["Đã thanh toán", "Chuyển khoản VietQR", "FT26326001", id]);
}
