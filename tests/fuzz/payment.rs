//! Bent words of payment providers and bent requests about payments, over the wire: true callbacks of the simulated providers, changed,
//! cut and mixed, to every provider's address; bodies that ask for payments and refunds. Whatever comes, the gateway answers soon and by
//! itself, says nothing of what it was sent, and believes no payment that its provider does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lgsp_sandbox::payment as sandbox;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::checks::shown;
use crate::gateway::{Answer, Setup, World, send, until};
use crate::mutate::{end, mutated, one_of};
use crate::texts::Language;

/// The longest answer to one request, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(10);

/// Stands in the bodies that ask for something, where a person's number would.
const CANARY: &str = "079100CANARY";

const FEE: i64 = 50_000;

/// Each provider: its name, and what of its settings is not in common.
const PROVIDERS: [(&str, &str); 6] = [
    ("vnpay", "tmn_code = '{VNPAY_TMN}'\nsecret = '{VNPAY}'"),
    ("momo", "partner_code = '{MOMO_PARTNER}'\naccess_key = '{MOMO_ACCESS}'\nsecret_key = '{MOMO}'"),
    ("zalopay", "app_id = {ZALOPAY_APP}\nkey1 = '{ZALOPAY_1}'\nkey2 = '{ZALOPAY_2}'"),
    ("keypay", "client_id = '{KEYPAY_CLIENT}'\nhash_key_1 = '{KEYPAY_1}'\nhash_key_2 = '{KEYPAY_2}'"),
    (
        "paygov",
        "partner_code = '{PAYGOV_PARTNER}'\naccess_key = '{PAYGOV_ACCESS}'\nsecret_key = '{PAYGOV}'\nservice_code = 'DVC'",
    ),
    ("national", "partner = '{NATIONAL_PARTNER}'\nsecret = '{NATIONAL}'"),
];

/// What the sandbox's merchants are called.
const NAMES: [(&str, &str); 15] = [
    ("{VNPAY_TMN}", sandbox::VNPAY_TMN_CODE),
    ("{VNPAY}", sandbox::VNPAY_HASH_SECRET),
    ("{MOMO_PARTNER}", sandbox::MOMO_PARTNER_CODE),
    ("{MOMO_ACCESS}", sandbox::MOMO_ACCESS_KEY),
    ("{MOMO}", sandbox::MOMO_SECRET_KEY),
    ("{ZALOPAY_APP}", sandbox::ZALOPAY_APP_ID),
    ("{ZALOPAY_1}", sandbox::ZALOPAY_KEY1),
    ("{ZALOPAY_2}", sandbox::ZALOPAY_KEY2),
    ("{KEYPAY_CLIENT}", sandbox::KEYPAY_CLIENT_ID),
    ("{KEYPAY_1}", sandbox::KEYPAY_HASH_KEY_1),
    ("{KEYPAY_2}", sandbox::KEYPAY_HASH_KEY_2),
    ("{PAYGOV_PARTNER}", sandbox::PAYGOV_PARTNER_CODE),
    ("{PAYGOV_ACCESS}", sandbox::PAYGOV_ACCESS_KEY),
    ("{PAYGOV}", sandbox::PAYGOV_SECRET_KEY),
    ("{NATIONAL_PARTNER}", sandbox::NATIONAL_PARTNER),
];

/// What happens to the orders of each provider: the first one is never paid.
const ACTS: [Option<&str>; 4] = [None, Some("fail"), Some("pay"), Some("pay")];

const WORDS: &[&str] = &[
    "&",
    "=",
    "%",
    "%00",
    "%2",
    "+",
    "vnp_SecureHash",
    "vnp_Amount=",
    "vnp_TxnRef=",
    "vnp_ResponseCode=00",
    "vnp_TransactionStatus=00",
    "\"amount\":",
    "\"resultCode\":0",
    "\"orderId\":",
    "\"signature\":",
    "\"mac\":",
    "\"data\":",
    "\"type\":1",
    "\"status\":0",
    "\"check_sum\":",
    "\"transaction_id\":",
    "5000000",
    "50000",
    "1e3",
    "-1",
    "\"",
    "\\u0000",
    "{",
    "}",
    "[",
    "]",
    ",",
    "null",
];

fn tables() -> String {
    let mut tables = String::from(
        "[[payee]]\nid = 'kho-bac-h56'\nagency = 'H56'\nagency_name = 'UBND tỉnh'\naccount = '3511.0.1062334'\nbank = '01201001'\n\
         name = 'Kho bạc'\n[[member]]\nid = 'cashier'\nname = 'x'\nagencies = ['H56']\nsecret = 'secret-of-cashier'\n\
         scopes = ['payment:create', 'payment:read']\n",
    );
    for (kind, settings) in PROVIDERS {
        tables += &format!(
            "[[payment_provider]]\nid = '{kind}'\nkind = '{kind}'\nname = '{kind}'\n[payment_provider.settings]\n\
             url = '{{sandbox}}/pay-sandbox/{kind}'\nallow_private = true\ntimeout = '2s'\n{settings}\n"
        );
    }
    let national = tables.replace("{NATIONAL}", sandbox::NATIONAL_SECRET);
    NAMES.iter().fold(national, |text, (name, value)| text.replace(name, value))
}

struct Desk {
    world: World,
    token: String,
    browser: reqwest::Client,
}

impl Desk {
    async fn open() -> Self {
        let world = World::with(Setup { providers: tables(), ..Setup::default() }).await;
        let (token, browser) = (world.token("cashier").await, reqwest::Client::builder());
        Self { world, token, browser: browser.redirect(Policy::none()).build().unwrap() }
    }

    async fn make(&self, provider: &str, n: usize) -> Value {
        let answer = self.world.post(&self.token, "/v1/payments", ask(provider, n).to_string()).await;
        let payment = answer.expect(201).json();
        assert_eq!(payment["state"], "pending", "{provider}: {payment}");
        payment
    }

    async fn control(&self, provider: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let url = format!("http://{}/sandbox/payment-{provider}/{path}", self.world.sandbox.addr());
        let request = self.browser.request(method.parse().unwrap(), url);
        send(if let Some(body) = body { request.json(&body) } else { request }).await
    }

    async fn orders(&self, provider: &str) -> Vec<Value> {
        self.control(provider, "GET", "orders", None).await.expect(200).json().as_array().unwrap().clone()
    }

    /// Orders of one provider and what it said about them, to nobody.
    async fn said(&self, provider: &str, first: usize) -> (Vec<Value>, Vec<Vec<u8>>) {
        let nowhere = json!({ "callback_url": "http://127.0.0.1:9/", "callback_tries": 1 });
        self.control(provider, "POST", "settings", Some(nowhere)).await.expect(200);
        let mut payments = Vec::new();
        for (n, act) in ACTS.iter().enumerate() {
            let payment = self.make(provider, first + n).await;
            send(self.browser.get(payment["payment_url"].as_str().unwrap())).await;
            let id = payment["id"].as_str().unwrap().to_owned();
            let orders = self.orders(provider).await;
            let order = orders.iter().map(|order| order["reference"].as_str().unwrap()).find(|name| name.contains(&id));
            let order = order.unwrap_or_else(|| panic!("{provider} has no order {id}: {orders:?}"));
            if let Some(act) = act {
                let done = json!({ "reference": order, "act": act });
                self.control(provider, "POST", "act", Some(done)).await.expect(200);
            }
            payments.push(payment);
        }
        let paid = self.orders(provider).await.into_iter().filter(|order| order["state"] == "paid");
        let paid: BTreeSet<String> = paid.map(|order| order["reference"].as_str().unwrap().to_owned()).collect();
        let said = until("the provider has spoken of all that was paid", async || {
            let calls = self.control(provider, "GET", "callbacks", None).await.expect(200).json();
            let text = |call: &Value, name: &str| call[name].as_str().unwrap().to_owned();
            let calls = calls.as_array().unwrap();
            let spoken: BTreeSet<String> = calls.iter().map(|call| text(call, "reference")).collect();
            paid.is_subset(&spoken).then(|| calls.iter().map(|call| text(call, "sent").into_bytes()).collect())
        });
        (payments, said.await)
    }

    async fn call_back(&self, provider: &str, text: &[u8]) -> Answer {
        let url = self.world.url(&format!("/payments/{provider}/callback"));
        if provider != "vnpay" {
            let request = self.browser.post(url).header("content-type", "application/json");
            return send(request.body(text.to_vec())).await;
        }
        // What cannot stand in an address is not what is tried here.
        let plain: String =
            String::from_utf8_lossy(text).chars().filter(|char| char.is_ascii_graphic() && *char != '#').collect();
        send(self.browser.get(format!("{url}?{}", &plain[..plain.len().min(6_000)]))).await
    }
}

fn ask(provider: &str, n: usize) -> Value {
    json!({
        "reference": format!("lan-{n}"),
        "MaHoSo": format!("H56.14-240315-{n:06}"),
        "MaTTHC": "1.000001",
        "TenTTHC": "Cấp giấy phép xây dựng",
        "PhiLePhi": [{ "LoaiPhiLePhi": "2", "MaPhiLePhi": "LP01", "TenPhiLePhi": "Lệ phí", "SoTien": FEE }],
        "SoTien": FEE,
        "payee": "kho-bac-h56",
        "NguoiNop": { "HoTenNguoiNop": CANARY, "SoCMNDNguoiNop": CANARY },
        "providers": [provider],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_said_in_a_providers_name_only_money_that_it_has_is_believed() {
    let mut chance = Chance::printed("callbacks of payments");
    let desk = Desk::open().await;
    let mut heard = BTreeMap::new();
    for (at, (provider, _)) in PROVIDERS.iter().enumerate() {
        heard.insert(*provider, desk.said(provider, 100 * at).await);
    }
    let every: Vec<Vec<u8>> = heard.values().flat_map(|(_, said)| said.clone()).collect();
    let (end, mut answered, mut believed) = (end(), 0, 0);
    while Instant::now() < end {
        let (provider, _) = *one_of(&mut chance, &PROVIDERS);
        let own = &heard[provider].1;
        let seeds = if chance.below(8) == 0 { &every } else { own };
        let text = if chance.below(3) == 0 {
            mutated(&mut chance, seeds)
        } else {
            Language { seeds, words: WORDS }.bent(&mut chance)
        };
        let begun = Instant::now();
        let answer = desk.call_back(provider, &text).await;
        let what = || format!("{provider} {}: {} {}", shown(&text), answer.status, answer.text());
        assert!(answer.status < 500 || answer.status == 503, "{}", what());
        assert!(begun.elapsed() < LONGEST, "{:?} {}", begun.elapsed(), what());
        // The national platform wants its reference back, whatever it is.
        assert!(answer.body.len() < 1_000 + text.len(), "{}", what());
        answered += 1;
    }
    for (provider, (payments, said)) in &heard {
        for text in said {
            desk.call_back(provider, text).await;
        }
        let orders = desk.orders(provider).await;
        for payment in payments {
            let id = payment["id"].as_str().unwrap();
            let payment = desk.world.get(&desk.token, &format!("/v1/payments/{id}")).await.expect(200).json();
            let order = orders.iter().find(|order| order["reference"].as_str().unwrap().contains(id)).unwrap();
            let paid = order["state"] == "paid";
            if payment["state"] == "paid" {
                assert!(paid, "{provider}: {payment} and {order}");
                assert_eq!(payment["received"], FEE, "{provider}: {payment} and {order}");
                // PayGov writes letters of its own before the number.
                let (ours, theirs) = (payment["transaction"].as_str().unwrap(), order["transaction"].as_str().unwrap());
                assert!(ours.ends_with(theirs), "{provider}: {payment} and {order}");
                believed += 1;
            } else {
                assert_eq!(payment["received"], Value::Null, "{provider}: {payment} and {order}");
                assert!(!paid, "{provider}: {payment} and {order}");
            }
        }
    }
    assert!(answered > 50 && believed == 2 * PROVIDERS.len(), "the mutations miss a kind: {answered}, {believed}");
    println!("{answered} callbacks answered; {believed} payments believed, each of them true");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_body_about_payments_gets_an_answer_that_repeats_nothing() {
    let mut chance = Chance::printed("bodies about payments");
    let desk = Desk::open().await;
    let payment = desk.make("vnpay", 1).await;
    let id = payment["id"].as_str().unwrap();
    send(desk.browser.get(payment["payment_url"].as_str().unwrap())).await;
    let callback = json!({ "callback_url": desk.world.url("/payments/vnpay/callback") });
    desk.control("vnpay", "POST", "settings", Some(callback)).await.expect(200);
    desk.control("vnpay", "POST", "act", Some(json!({ "reference": id, "act": "pay" }))).await.expect(200);
    let more =
        json!({ "description": "Khác", "expires_at": "2026-11-22T17:00:00+07:00", "payer_address": "203.0.113.7" });
    let mut rich = ask("vnpay", 2);
    rich.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let asks = [ask("vnpay", 2), rich].map(|ask| ask.to_string().into_bytes());
    let refunds = [
        json!({ "reference": "hoan", "SoTien": 10_000, "reason": CANARY }),
        json!({ "reference": "h2", "reason": "x" }),
    ];
    let refunds = refunds.map(|ask| ask.to_string().into_bytes());
    let (end, mut taken, mut refused) = (end(), 0, 0);
    while Instant::now() < end {
        let (path, seeds) = if chance.below(2) == 0 {
            ("/v1/payments".to_owned(), &asks)
        } else {
            (format!("/v1/payments/{id}/refund"), &refunds)
        };
        // What is right stays right in between.
        let body = if chance.below(12) == 0 { one_of(&mut chance, seeds).clone() } else { mutated(&mut chance, seeds) };
        let begun = Instant::now();
        let answer = desk.world.post(&desk.token, &path, body.clone()).await;
        let what = || format!("{path} {}: {} {}", shown(&body), answer.status, answer.text());
        assert!(answer.status < 500, "{}", what());
        assert!(begun.elapsed() < LONGEST, "{:?} {}", begun.elapsed(), what());
        if answer.status < 300 {
            taken += 1;
        } else {
            assert!(!answer.text().contains("CANARY"), "{}", what());
            refused += 1;
        }
    }
    let payment = desk.world.get(&desk.token, &format!("/v1/payments/{id}")).await.expect(200).json();
    assert!(payment["refunded"].as_i64().unwrap() <= FEE, "{payment}");
    let totals = desk.control("vnpay", "GET", "totals", None).await.expect(200).json();
    assert_eq!(totals["refunded_amount"], payment["refunded"], "{payment}");
    assert!(taken > 0 && refused > 10, "the mutations miss a kind: {taken} taken, {refused} refused");
    println!("{taken} bodies taken, {refused} refused");
}
