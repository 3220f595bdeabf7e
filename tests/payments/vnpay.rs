//! VNPAY with npm's `vnpay` on the other side: as a merchant of our simulated VNPAY, so that the simulation has a witness, and as VNPAY
//! towards our gateway.

use lgsp_sandbox::Sandbox;
use lgsp_sandbox::payment::{VNPAY_HASH_SECRET, VNPAY_TMN_CODE};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::cashier::{Cashier, fee};
use crate::gateway::{Answer, send};
use crate::program::{Program, Software};

/// Somebody else's key.
const STRANGERS: &str = "0123456789abcdef0123456789abcdef";

/// A moment in Vietnam as VNPAY writes it, so many minutes from now.
fn moment(minutes: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let ms = i64::try_from(now.as_millis()).unwrap() + minutes * 60_000;
    let written = lgsp_model::Timestamp(ms).to_string();
    let digits: String = written.chars().filter(char::is_ascii_digit).take(14).collect();
    assert!(written.ends_with("+07:00"), "{written}");
    digits
}

/// What our gateway's signed address says of itself, and the library of it.
fn about(url: &str) -> std::collections::BTreeMap<String, String> {
    reqwest::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

/// The library's merchant at our simulated VNPAY.
struct Shop {
    merchant: Program,
    sandbox: Sandbox,
    browser: reqwest::Client,
    opened: String,
}

impl Shop {
    fn open() -> Option<Self> {
        let mut merchant = Program::start(Software::Vnpay)?;
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).unwrap();
        let host = sandbox.url("/pay-sandbox/vnpay");
        merchant.ask("open", json!({"host": host, "tmn_code": VNPAY_TMN_CODE, "secret": VNPAY_HASH_SECRET}));
        let ipn = merchant.text("listen", json!({}));
        sandbox.payments().vnpay.change_settings(|settings| {
            settings.callback_url = Some(ipn);
            settings.callback_tries = Some(1);
        });
        let browser = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Some(Self { merchant, sandbox, browser, opened: moment(0) })
    }

    fn pay_url(&mut self, reference: &str) -> String {
        let fields = json!({
            "vnp_Amount": 50_000, "vnp_IpAddr": "127.0.0.1", "vnp_TxnRef": reference, "vnp_OrderType": "other",
            "vnp_OrderInfo": format!("Le phi: {reference}"), "vnp_ReturnUrl": "https://shop.test/return", "vnp_Locale": "vn",
            "vnp_CreateDate": self.opened.parse::<u64>().unwrap(), "vnp_ExpireDate": moment(15).parse::<u64>().unwrap(),
        });
        self.merchant.text("pay_url", fields)
    }

    async fn visit(&self, url: &str) -> Answer {
        send(self.browser.get(url)).await
    }

    /// Goes to the page and presses a button; where that leads.
    async fn press(&self, url: &str, act: &str) -> String {
        let page = self.visit(url).await.expect(302).header("location").to_owned();
        let done = send(self.browser.post(page).form(&[("act", act)])).await.expect(302);
        done.header("location").to_owned()
    }

    fn question(&self, reference: &str, more: Value) -> Value {
        let mut fields = json!({
            "vnp_RequestId": format!("{}{}", reference, more["n"]), "vnp_TxnRef": reference, "vnp_OrderInfo": "Hoi don hang",
            "vnp_TransactionDate": self.opened.parse::<u64>().unwrap(), "vnp_CreateDate": moment(0).parse::<u64>().unwrap(),
            "vnp_IpAddr": "127.0.0.1",
        });
        for (name, value) in more.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("vnp_")) {
            fields[name] = value.clone();
        }
        fields
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_made_of_npms_vnpay_sells_at_our_simulated_vnpay() {
    let Some(mut shop) = Shop::open() else { return };
    let url = shop.pay_url("DON1");
    let back = shop.press(&url, "pay").await;
    let heard = shop.merchant.ask("ipns", json!({"count": 1}));
    for verdict in [&heard[0], &shop.merchant.ask("verify", json!({"url": back}))] {
        let yes = &Value::Bool(true);
        assert_eq!((&verdict["isVerified"], &verdict["isSuccess"]), (yes, yes), "{verdict}");
        assert_eq!((&verdict["vnp_TxnRef"], &verdict["vnp_Amount"]), (&"DON1".into(), &50_000.into()), "{verdict}");
    }
    let number = heard[0]["vnp_TransactionNo"].as_str().unwrap();

    let asked = shop.question("DON1", json!({"n": 1, "vnp_TransactionNo": number.parse::<u64>().unwrap()}));
    let answered = shop.merchant.ask("query", asked);
    let told = &answered["told"];
    assert_eq!((&told["isVerified"], &answered["signed"]), (&true.into(), &true.into()), "{answered}");
    assert_eq!((&told["vnp_ResponseCode"], &told["vnp_TransactionStatus"]), (&"00".into(), &"00".into()), "{told}");
    assert_eq!((&told["vnp_Amount"], &told["vnp_TransactionNo"]), (&"5000000".into(), &number.into()), "{told}");

    let part = json!({"n": 2, "vnp_TransactionNo": number.parse::<u64>().unwrap(), "vnp_TransactionType": "03",
                      "vnp_Amount": 20_000, "vnp_CreateBy": "ke toan"});
    let asked = shop.question("DON1", part.clone());
    let answered = shop.merchant.ask("refund", asked);
    // What the library says of the signature is not asked: it divides the amount before it checks.
    assert_eq!((&answered["told"]["isSuccess"], &answered["signed"]), (&true.into(), &true.into()), "{answered}");
    assert_eq!(shop.sandbox.payments().vnpay.totals().refunded_amount, 20_000);

    let too_much =
        shop.question("DON1", crate::records::with(crate::records::with(part, "n", 3), "vnp_Amount", 30_001));
    let answered = shop.merchant.ask("refund", too_much);
    assert_eq!((&answered["told"]["isSuccess"], &answered["signed"]), (&false.into(), &true.into()), "{answered}");
    let unknown = shop.question("DON9", json!({"n": 4}));
    let answered = shop.merchant.ask("query", unknown);
    assert_eq!(
        (&answered["told"]["vnp_ResponseCode"], &answered["signed"]),
        (&"91".into(), &true.into()),
        "{answered}"
    );
    assert_eq!(shop.sandbox.payments().vnpay.totals().refunded_amount, 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_simulated_vnpay_refuses_what_npms_vnpay_signs_wrongly_and_signs_wrongly_when_told_to() {
    let Some(mut shop) = Shop::open() else { return };
    let url = shop.pay_url("DON2");
    shop.visit(&url.replace("vnp_Amount=5000000", "vnp_Amount=500000")).await.expect(400);
    let back = shop.press(&url, "cancel").await;
    let cancelled = shop.merchant.ask("verify", json!({"url": back}));
    assert_eq!((&cancelled["isVerified"], &cancelled["isSuccess"]), (&true.into(), &false.into()), "{cancelled}");
    assert_eq!(shop.merchant.ask("ipns", json!({"count": 1}))[0]["vnp_ResponseCode"], "24");

    let url = shop.pay_url("DON3");
    shop.press(&url, "wrong_signature").await;
    assert_eq!(shop.merchant.ask("ipns", json!({"count": 1}))[0]["isVerified"], false);

    let (host, tmn_code) = (shop.sandbox.url("/pay-sandbox/vnpay"), VNPAY_TMN_CODE);
    shop.merchant.ask("open", json!({"host": host, "tmn_code": tmn_code, "secret": STRANGERS}));
    let url = shop.pay_url("DON4");
    shop.visit(&url).await.expect(400);
    let asked = shop.question("DON3", json!({"n": 5}));
    assert_eq!(shop.merchant.ask("query", asked)["told"]["vnp_ResponseCode"], "97");
}

#[tokio::test(flavor = "multi_thread")]
async fn npms_vnpay_and_we_sign_the_same_orders_alike() {
    let Some(mut library) = Program::start(Software::Vnpay) else { return };
    let secret = "SECRETKEY0123456789ABCDEFGHIJKLM";
    library.ask("open", json!({"host": "https://sandbox.example", "tmn_code": "TESTTMN1", "secret": secret}));
    let built = library.text(
        "pay_url",
        json!({
            "vnp_Amount": 18_060, "vnp_CreateDate": 20_260_101_103_000_u64, "vnp_ExpireDate": 20_260_101_104_500_u64,
            "vnp_IpAddr": "127.0.0.1", "vnp_Locale": "vn", "vnp_OrderInfo": "Le phi ho so: 5", "vnp_OrderType": "other",
            "vnp_ReturnUrl": "https://gw.example/return", "vnp_TxnRef": "HS20260101-5",
        }),
    );
    // The vector that the connector is tested with as well.
    let hash = "5e1327d1804cec65a17ee6cbbb31e9af0ea5f94fe16ede5703af458754a3d8038ffa8690a9249281a66e35ede7b2520c7952d07d28949\
                b4c4155e60482e2c8bc";
    let expected = format!(
        "https://sandbox.example/paymentv2/vpcpay.html?vnp_Amount=1806000&vnp_Command=pay&vnp_CreateDate=20260101103000\
         &vnp_CurrCode=VND&vnp_ExpireDate=20260101104500&vnp_IpAddr=127.0.0.1&vnp_Locale=vn&vnp_OrderInfo=Le+phi+ho+so%3A+5\
         &vnp_OrderType=other&vnp_ReturnUrl=https%3A%2F%2Fgw.example%2Freturn&vnp_TmnCode=TESTTMN1&vnp_TxnRef=HS20260101-5\
         &vnp_Version=2.1.0&vnp_SecureHash={hash}"
    );
    assert_eq!(built, expected);

    let cashier = Cashier::start().await;
    let host = cashier.world.sandbox.url("/pay-sandbox/vnpay");
    library.ask("open", json!({"host": host, "tmn_code": VNPAY_TMN_CODE, "secret": VNPAY_HASH_SECRET}));
    let mut ask = fee(1);
    ask["description"] = "Lệ phí: cấp phép (đợt 1) & 'phụ thu' ~ 50%".into();
    let asked = cashier.make(&ask).await;
    let ours = asked["payment_url"].as_str().unwrap();
    assert_eq!(library.ask("verify", json!({"url": ours}))["isVerified"], true, "{ours}");
    let number = |name: &str| about(ours)[name].parse::<u64>().unwrap();
    let text = |name: &str| about(ours)[name].clone();
    let again = library.text(
        "pay_url",
        json!({
            "vnp_Amount": number("vnp_Amount") / 100, "vnp_CreateDate": number("vnp_CreateDate"),
            "vnp_ExpireDate": number("vnp_ExpireDate"), "vnp_IpAddr": text("vnp_IpAddr"), "vnp_Locale": text("vnp_Locale"),
            "vnp_OrderInfo": text("vnp_OrderInfo"), "vnp_OrderType": text("vnp_OrderType"),
            "vnp_ReturnUrl": text("vnp_ReturnUrl"), "vnp_TxnRef": text("vnp_TxnRef"),
        }),
    );
    assert_eq!(ours, again, "to the letter");
    let other = ours.replace("vnp_Amount=5000000", "vnp_Amount=50000");
    assert_eq!(library.ask("verify", json!({"url": other}))["isVerified"], false);
}

/// An IPN about a payment of ours, as VNPAY would send it.
fn ipn(payment: &Value) -> Value {
    json!({
        "vnp_TmnCode": VNPAY_TMN_CODE, "vnp_Amount": "5000000", "vnp_BankCode": "NCB", "vnp_BankTranNo": "VNP14422574",
        "vnp_CardType": "ATM", "vnp_PayDate": moment(0), "vnp_OrderInfo": "Le phi!*'()~é: 5", "vnp_TransactionNo": moment(0),
        "vnp_ResponseCode": "00", "vnp_TransactionStatus": "00", "vnp_TxnRef": payment["id"],
    })
}

/// VNPAY's side, whichever language it is written in.
struct Caller {
    library: Program,
    python: Program,
    url: String,
}

impl Caller {
    fn start(cashier: &Cashier) -> Option<Self> {
        let (library, python) = (Program::start(Software::Vnpay)?, Program::start(Software::PythonPeers)?);
        Some(Self { library, python, url: cashier.world.url("/payments/vnpay/callback") })
    }

    /// What our gateway answers to an IPN that is written in this way.
    fn call(&mut self, writer: &str, secret: &str, fields: &Value) -> String {
        let answer = if writer == "python" {
            let answer = self.python.ask("call_vnpay", json!({"url": self.url, "fields": fields, "secret": secret}));
            let said = serde_json::from_str::<Value>(answer["said"].as_str().unwrap()).unwrap();
            json!({"status": answer["status"], "said": said})
        } else {
            let given = json!({"url": self.url, "fields": fields, "secret": secret, "writer": writer});
            self.library.ask("call", given)
        };
        assert_eq!(answer["status"], 200, "{answer}");
        answer["said"]["RspCode"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_that_others_sign_as_vnpay_are_heard_once_and_lies_are_answered_by_vnpays_rules() {
    let cashier = Cashier::start().await;
    let Some(mut vnpay) = Caller::start(&cashier) else { return };
    for (n, writer) in ["library", "node", "python"].into_iter().enumerate() {
        let asked = cashier.make(&fee(10 + n)).await;
        let id = asked["id"].as_str().unwrap();
        let told = crate::records::with(ipn(&asked), "vnp_TransactionNo", format!("1442257{n}"));
        let mut unknown = told.clone();
        assert_eq!(vnpay.call(writer, STRANGERS, &told), "97", "{writer}");
        for reference in ["0123456789abcdefghjk", "HS-1"] {
            unknown["vnp_TxnRef"] = reference.into();
            assert_eq!(vnpay.call(writer, VNPAY_HASH_SECRET, &unknown), "01", "{writer}");
        }
        assert_eq!(cashier.payment(id).await["state"], "pending", "{writer}");
        assert_eq!(vnpay.call(writer, VNPAY_HASH_SECRET, &told), "00", "{writer}");
        assert_eq!(vnpay.call(writer, VNPAY_HASH_SECRET, &told), "02", "{writer}");
        let paid = cashier.payment(id).await;
        assert_eq!((&paid["state"], &paid["received"], &paid["flags"]), (&"paid".into(), &50_000.into(), &json!([])));
        assert_eq!((&paid["transaction"], &paid["means"]), (&format!("1442257{n}").into(), &"NCB".into()), "{paid}");

        let other = cashier.make(&fee(20 + n)).await;
        let wrong = crate::records::with(ipn(&other), "vnp_Amount", "5000100");
        assert_eq!(vnpay.call(writer, VNPAY_HASH_SECRET, &wrong), "04", "{writer}");
        let flagged = cashier.payment(other["id"].as_str().unwrap()).await;
        assert_ne!(flagged["state"], "paid", "{flagged}");
        assert_eq!(flagged["flags"], json!(["wrong_amount"]));

        let failed = cashier.make(&fee(30 + n)).await;
        let mut refused = ipn(&failed);
        (refused["vnp_ResponseCode"], refused["vnp_TransactionStatus"]) = ("24".into(), "02".into());
        refused["vnp_TransactionNo"] = "0".into();
        assert_eq!(vnpay.call(writer, VNPAY_HASH_SECRET, &refused), "00", "{writer}");
        assert_eq!(vnpay.call(writer, VNPAY_HASH_SECRET, &refused), "02", "{writer}");
        assert_eq!(cashier.payment(failed["id"].as_str().unwrap()).await["state"], "failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_of_two_is_no_success() {
    let cashier = Cashier::start().await;
    let Some(mut vnpay) = Caller::start(&cashier) else { return };
    for (n, (response, status)) in [("00", "02"), ("24", "00"), ("07", "07")].into_iter().enumerate() {
        let asked = cashier.make(&fee(40 + n)).await;
        let mut told = ipn(&asked);
        (told["vnp_ResponseCode"], told["vnp_TransactionStatus"]) = (response.into(), status.into());
        vnpay.call("library", VNPAY_HASH_SECRET, &told);
        let after = cashier.payment(asked["id"].as_str().unwrap()).await;
        assert_ne!(after["state"], "paid", "{response} {status}: {after}");
    }
}
