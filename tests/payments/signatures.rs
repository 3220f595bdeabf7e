//! What MoMo and ZaloPay sign, made once more by Node.js and Python of the fields that the providers publish: what our gateway sends, and
//! callbacks that reach it.

use serde_json::{Value, json};

use crate::cashier::{Cashier, fee};
use crate::gateway::Setup;
use crate::program::{Program, Software};
use crate::records::with;

/// MoMo's published demonstration keys.
const PARTNER: &str = "MOMO";
const ACCESS_KEY: &str = "F8BBA842ECF85";
const SECRET_KEY: &str = "K951B6PE1waDMi640xX08PD3vg6EkVlz";

/// ZaloPay's.
const APP_ID: &str = "2553";
const KEY1: &str = "PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL";
const KEY2: &str = "kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz";

/// Signs that escapes differ in.
const DESCRIPTION: &str = "Lệ phí: \"cấp phép\" & phụ thu <50%> | đợt 1/2";

/// A gateway whose MoMo and ZaloPay are a program in Node.js; another in Python looks on.
struct World {
    cashier: Cashier,
    node: Program,
    python: Program,
}

impl World {
    async fn start() -> Option<Self> {
        let (mut node, mut python) = (Program::start(Software::NodePeers)?, Program::start(Software::PythonPeers)?);
        let keys = json!({
            "momo": {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY},
            "zalopay": {"key1": KEY1},
        });
        let base = node.text("listen", keys.clone());
        python.ask("know", keys);
        let providers = format!(
            r#"
[[payment_provider]]
id = "momo"
kind = "momo"
name = "Ví MoMo"
[payment_provider.settings]
url = "{base}/momo"
allow_private = true
partner_code = "{PARTNER}"
access_key = "{ACCESS_KEY}"
secret_key = ["{SECRET_KEY}", "the-key-before-this-one"]

[[payment_provider]]
id = "zalopay"
kind = "zalopay"
name = "Ví ZaloPay"
[payment_provider.settings]
url = "{base}/zalopay"
allow_private = true
app_id = {APP_ID}
key1 = "{KEY1}"
key2 = ["{KEY2}", "the-key-before-this-one"]
"#
        );
        let cashier = Cashier::with(Setup { providers, ..Setup::default() }).await;
        Some(Self { cashier, node, python })
    }

    async fn make(&mut self, provider: &str, n: usize) -> Value {
        let ask = with(with(fee(n), "providers", json!([provider])), "description", DESCRIPTION);
        self.cashier.make(&ask).await
    }

    /// The calls that came in this order; each was signed as both languages sign.
    fn expect_signed(&mut self, provider: &str, calls: &[&str]) -> Vec<Value> {
        let came = self.node.ask("came", json!({}));
        let came: Vec<Value> =
            came.as_array().unwrap().iter().filter(|one| one["provider"] == provider).cloned().collect();
        let order: Vec<_> = came.iter().map(|one| one["call"].as_str().unwrap()).collect();
        assert_eq!(order, calls, "{provider}");
        for one in &came {
            let given = json!({"provider": provider, "call": one["call"], "fields": one["fields"]});
            for language in [&mut self.node, &mut self.python] {
                assert_eq!(one["signature"], language.ask("sign", given.clone()), "{one}");
            }
        }
        came.into_iter().map(|one| one["fields"].clone()).collect()
    }

    /// What the provider answers from now on, in place of the usual.
    fn answer(&mut self, given: Value) {
        self.node.ask("answer", given);
    }

    /// A callback in this language's hand: status, and what was said.
    fn call(&mut self, language: Software, provider: &str, fields: &Value, key: &str) -> (u64, Value) {
        let url = self.cashier.world.url(&format!("/payments/{provider}/callback"));
        let given = match provider {
            "momo" => json!({"url": url, "fields": fields, "access_key": ACCESS_KEY, "secret_key": key}),
            _ => json!({"url": url, "fields": fields, "key2": key}),
        };
        let program = if language == Software::NodePeers { &mut self.node } else { &mut self.python };
        let answer = program.ask(&format!("call_{provider}"), given);
        let said = answer["said"].as_str().unwrap();
        (answer["status"].as_u64().unwrap(), serde_json::from_str(said).unwrap_or(Value::Null))
    }

    async fn state(&self, payment: &Value) -> Value {
        self.cashier.payment(payment["id"].as_str().unwrap()).await["state"].clone()
    }
}

/// The other language.
const fn other(language: Software) -> Software {
    match language {
        Software::NodePeers => Software::PythonPeers,
        _ => Software::NodePeers,
    }
}

/// MoMo's IPN about a payment.
fn ipn(payment: &Value, transaction: u64) -> Value {
    json!({
        "partnerCode": PARTNER, "orderId": payment["id"], "requestId": payment["id"], "amount": 50_000,
        "orderInfo": DESCRIPTION, "orderType": "momo_wallet", "transId": transaction, "resultCode": 0,
        "message": "Thành công.", "payType": "qr", "responseTime": 1_767_238_200_000_u64, "extraData": "",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn momo_gets_what_two_other_languages_sign_and_its_callbacks_are_heard_from_both() {
    let Some(mut world) = World::start().await else { return };
    for (n, (language, transaction)) in
        [(Software::NodePeers, 4_088_878_653), (Software::PythonPeers, 408_887_865_312_345_678_u64)]
            .into_iter()
            .enumerate()
    {
        let asked = world.make("momo", n).await;
        assert!(asked["payment_url"].as_str().unwrap().ends_with("/pay"), "{asked}");
        let created = world.expect_signed("momo", &["create"]);
        assert_eq!(created[0]["orderInfo"], DESCRIPTION, "as it is, beyond ASCII");

        let told = ipn(&asked, transaction);
        let mut unknown = told.clone();
        unknown["orderId"] = "0123456789abcdefghjk".into();
        assert_eq!(world.call(language, "momo", &told, "another key").0, 400);
        assert_eq!(world.call(language, "momo", &unknown, SECRET_KEY).0, 204);
        assert_eq!(world.call(language, "momo", &with(told.clone(), "amount", 49_000), SECRET_KEY).0, 204);
        assert_ne!(world.state(&asked).await, "paid");
        assert_eq!(world.call(language, "momo", &told, "the-key-before-this-one"), (204, Value::Null));
        let paid = world.cashier.payment(asked["id"].as_str().unwrap()).await;
        assert_eq!((&paid["state"], &paid["transaction"]), (&"paid".into(), &transaction.to_string().into()), "{paid}");
        // Once more in the other language: other bytes, the same thing said.
        if transaction < 1 << 53 {
            assert_eq!(world.call(other(language), "momo", &told, SECRET_KEY).0, 204);
        }
        assert_eq!(world.cashier.payment(asked["id"].as_str().unwrap()).await, paid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn momo_is_asked_and_told_to_send_money_back_with_what_two_other_languages_sign() {
    let Some(mut world) = World::start().await else { return };
    let asked = world.make("momo", 1).await;
    let id = asked["id"].as_str().unwrap().to_owned();
    world.answer(json!({"momo/query": {"resultCode": 0, "amount": 50_000, "transId": 4_088_878_653_u64}}));
    world.cashier.world.post(&world.cashier.token, &format!("/v1/payments/{id}/cancel"), "").await.expect(409);
    assert_eq!(world.state(&asked).await, "paid", "it was asked before anything was cancelled");
    world.expect_signed("momo", &["create", "query"]);

    world.answer(json!({"momo/refund": {"resultCode": 7002}}));
    let reason = "Hồ sơ rút & hoàn \"một phần\"";
    let part = json!({"reference": "hoan-1", "SoTien": 20_000, "reason": reason});
    let refunding = world.cashier.refund(&id, &part).await.expect(200).json();
    assert_eq!(refunding["state"], "refund_pending", "{refunding}");
    let sent = world.expect_signed("momo", &["refund"]);
    assert_eq!((&sent[0]["description"], &sent[0]["amount"]), (&reason.into(), &20_000.into()));
    let refunded = world.cashier.until(&id, "partly_refunded").await;
    assert_eq!(refunded["refunded"], 20_000);
    world.expect_signed("momo", &["refund/query"]);
}

/// ZaloPay's callback about a payment whose order was made under this name.
fn word(created: &Value, transaction: u64) -> Value {
    let number = |name: &str| created[name].as_str().unwrap().parse::<u64>().unwrap();
    json!({
        "app_id": number("app_id"), "app_trans_id": created["app_trans_id"], "app_time": number("app_time"),
        "app_user": created["app_user"], "amount": number("amount"), "embed_data": created["embed_data"],
        "item": created["item"], "zp_trans_id": transaction, "server_time": 1_767_238_200_000_u64, "channel": 38,
        "merchant_user_id": "Người nộp ~ é", "user_fee_amount": 0, "discount_amount": 0,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn zalopay_gets_what_two_other_languages_sign_and_its_callbacks_are_heard_from_both() {
    let Some(mut world) = World::start().await else { return };
    for (n, (language, transaction)) in
        [(Software::NodePeers, 200_904_000_000_389), (Software::PythonPeers, 200_904_000_000_000_389_u64)]
            .into_iter()
            .enumerate()
    {
        let asked = world.make("zalopay", n).await;
        let created = world.expect_signed("zalopay", &["create"]).remove(0);
        assert_eq!(created["description"], DESCRIPTION, "as it is, beyond ASCII");
        let told = word(&created, transaction);
        let mut unknown = told.clone();
        unknown["app_trans_id"] = "260101_0123456789abcdefghjk".into();
        let code = |(status, said): (u64, Value)| {
            assert_eq!(status, 200);
            said["return_code"].as_i64().unwrap()
        };
        assert_eq!(code(world.call(language, "zalopay", &told, "another key")), -1);
        assert_eq!(code(world.call(language, "zalopay", &unknown, KEY2)), 0);
        assert_eq!(code(world.call(language, "zalopay", &with(told.clone(), "amount", 49_000), KEY2)), 0);
        assert_ne!(world.state(&asked).await, "paid");
        assert_eq!(code(world.call(language, "zalopay", &told, "the-key-before-this-one")), 1);
        let paid = world.cashier.payment(asked["id"].as_str().unwrap()).await;
        assert_eq!((&paid["state"], &paid["transaction"]), (&"paid".into(), &transaction.to_string().into()), "{paid}");
        if transaction < 1 << 53 {
            assert_eq!(code(world.call(other(language), "zalopay", &told, KEY2)), 1);
        }
        assert_eq!(world.cashier.payment(asked["id"].as_str().unwrap()).await, paid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zalopay_is_asked_and_told_to_send_money_back_with_what_two_other_languages_sign() {
    let Some(mut world) = World::start().await else { return };
    let asked = world.make("zalopay", 1).await;
    let id = asked["id"].as_str().unwrap().to_owned();
    world.answer(json!({"zalopay/query":
        {"return_code": 1, "amount": 50_000, "zp_trans_id": 260_101_000_000_389_u64, "server_time": 1_767_238_200_000_u64}}));
    world.cashier.world.post(&world.cashier.token, &format!("/v1/payments/{id}/cancel"), "").await.expect(409);
    assert_eq!(world.state(&asked).await, "paid", "it was asked before anything was cancelled");
    world.expect_signed("zalopay", &["create", "query"]);

    world.answer(
        json!({"zalopay/refund": {"return_code": 3, "sub_return_code": 1, "refund_id": 260_101_000_000_777_u64}}),
    );
    let reason = "Hồ sơ rút & hoàn \"một phần\" | đợt 1";
    let part = json!({"reference": "hoan-1", "SoTien": 20_000, "reason": reason});
    let refunding = world.cashier.refund(&id, &part).await.expect(200).json();
    assert_eq!(refunding["state"], "refund_pending", "{refunding}");
    let sent = world.expect_signed("zalopay", &["refund"]);
    assert_eq!((&sent[0]["description"], &sent[0]["amount"]), (&reason.into(), &"20000".into()));
    let refunded = world.cashier.until(&id, "partly_refunded").await;
    assert_eq!(refunded["refunded"], 20_000);
    world.expect_signed("zalopay", &["query_refund"]);
}
