//! A provider's day beside ours, as an operator sees it: files of the sandbox, right and wrong, and what is done about differences.

use lgsp_model::PortalTime;
use serde_json::{Value, json};

use super::cashier::{Cashier, fee};
use super::gateway::{ADMIN_TOKEN, Answer, World, send};

const HEADER: &str =
    "STT,Mã giao dịch VNPAY,Mã tham chiếu,Loại giao dịch,Số tiền,Thời gian thanh toán,Ngân hàng,Trạng thái";

/// Sends a file of a day, or asks for the provider to be asked.
async fn reconcile(world: &World, day: &str, file: Option<&str>) -> Answer {
    let url = world.admin_url(&format!("/admin/v1/reconciliations?provider=vnpay&day={day}&reason=test"));
    let request = world.http.post(url).bearer_auth(ADMIN_TOKEN).header("x-actor", "ke-toan");
    send(match file {
        Some(file) => request.header("content-type", "text/csv").body(file.to_owned()),
        None => request,
    })
    .await
}

async fn get(world: &World, path: &str) -> Answer {
    world.admin("GET", &format!("/admin/v1/{path}"), None).await
}

/// Lines of a class: how many, ours, theirs.
fn class(outcome: &Value, name: &str) -> (i64, i64, i64) {
    let sums = &outcome["classes"][name];
    let number = |key: &str| sums[key].as_i64().unwrap_or_else(|| panic!("{name}: {outcome}"));
    (number("lines"), number("ours"), number("theirs"))
}

/// A payment that was paid, and the day of that.
async fn paid(cashier: &Cashier, n: usize) -> (String, String) {
    let asked = cashier.make(&fee(n)).await;
    let id = asked["id"].as_str().unwrap().to_owned();
    cashier.press(&asked, "pay").await;
    let paid = cashier.until(&id, "paid").await;
    (id, paid["paid_at"].as_str().unwrap()[..10].to_owned())
}

fn file_of(cashier: &Cashier, day: &str) -> String {
    cashier.world.sandbox.payments().vnpay.day_file(day.replace('-', "").parse().unwrap())
}

/// The file without the row of a payment.
fn without(file: &str, id: &str) -> String {
    file.lines().filter(|line| !line.contains(id)).map(|line| format!("{line}\n")).collect()
}

/// A row of the day in VNPAY's layout.
fn row(reference: &str, amount: &str, day: &str) -> String {
    let [year, month, date] = [&day[..4], &day[5..7], &day[8..]];
    format!("9,77,{reference},Thanh toán,{amount},{date}/{month}/{year} 08:00:00,NCB,00\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_equal_closes_at_zero_and_every_difference_is_told_and_alarmed() {
    let cashier = Cashier::start().await;
    let world = &cashier.world;
    let metric = "lgsp_reconciliation_differences{provider=\"vnpay\"}";
    assert!(world.metrics().await.contains(&format!("{metric} 0")));
    assert!(world.metrics().await.contains("lgsp_reconciliation_timestamp_seconds{provider=\"vnpay\"} 0\n"));
    let ((first, day), (second, _), (third, _)) =
        (paid(&cashier, 1).await, paid(&cashier, 2).await, paid(&cashier, 3).await);
    let refund = json!({ "reference": "tra-1", "SoTien": 20_000, "reason": "nộp thừa" });
    cashier.refund(&third, &refund).await.expect(200);
    cashier.until(&third, "partly_refunded").await;
    let open = cashier.make(&fee(4)).await;

    let file = file_of(&cashier, &day);
    for file in [Some(file.as_str()), None] {
        let equal = reconcile(world, &day, file).await.expect(200).json();
        assert_eq!((&equal["differing"], &equal["difference"]), (&0.into(), &0.into()), "{equal}");
        assert_eq!(class(&equal, "matched"), (4, 130_000, 130_000), "{equal}");
        assert_eq!(class(&equal, "not_moved"), (1, 0, 0), "one waits for its citizen");
        assert_eq!((&equal["ours"], &equal["theirs"], &equal["rows"]), (&130_000.into(), &130_000.into(), &0.into()));
        assert_eq!(
            (&equal["by"], &equal["day"], &equal["our_lines"]),
            (&"ke-toan".into(), &day.as_str().into(), &5.into())
        );
    }
    assert!(world.metrics().await.contains(&format!("{metric} 0\n")));

    let cheaper =
        without(&file, &first).replace(&format!("{second},Thanh toán,50000"), &format!("{second},Thanh toán,40000"));
    let wrong = format!("{cheaper}{}", row("=HYPERLINK(1)", "7000", &day));
    let outcome = reconcile(world, &day, Some(&wrong)).await.expect(200).json();
    assert_eq!(class(&outcome, "missing_there"), (1, 50_000, 0));
    assert_eq!(class(&outcome, "different_amount"), (1, 50_000, 40_000));
    assert_eq!(class(&outcome, "missing_here"), (1, 0, 7_000));
    assert_eq!(class(&outcome, "matched"), (2, 30_000, 30_000));
    assert_eq!((&outcome["differing"], &outcome["rows"]), (&3.into(), &3.into()));
    assert_eq!(
        (&outcome["ours"], &outcome["theirs"], &outcome["difference"]),
        (&130_000.into(), &77_000.into(), &(-53_000).into())
    );
    assert!(world.metrics().await.contains(&format!("{metric} 3\n")));

    let id = outcome["id"].as_str().unwrap();
    assert_eq!(get(world, &format!("reconciliations/{id}")).await.expect(200).json(), outcome);
    let csv = get(world, &format!("reconciliations/{id}/rows.csv")).await.expect(200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), format!("attachment; filename=\"{id}.csv\""));
    let text = csv.text().strip_prefix('\u{feff}').expect("spreadsheets know UTF-8 by it");
    assert_eq!(text.lines().count(), 4, "{text}");
    for cells in [
        format!("Thiếu tại đối tác,missing_there,Thanh toán,{first},{first},50000,Thành công,"),
        format!("Lệch số tiền,different_amount,Thanh toán,{second},{second},50000,Thành công,"),
        "Thiếu tại LGSP,missing_here,Thanh toán,\"'=HYPERLINK(1)\",,,,,7000,Thành công,77,5".to_owned(),
    ] {
        assert!(text.contains(&cells), "{cells} in {text}");
    }
    let xlsx = get(world, &format!("reconciliations/{id}/rows.xlsx")).await.expect(200);
    assert_eq!(xlsx.header("content-type"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    assert!(xlsx.body.starts_with(b"PK\x03\x04") && xlsx.body.len() > 5_000);

    let list = get(world, "reconciliations?provider=vnpay&limit=2").await.expect(200).json();
    let next = list["next"].as_str().unwrap();
    assert_eq!(list["reconciliations"].as_array().unwrap().len(), 2);
    let rest = get(world, &format!("reconciliations?provider=vnpay&after={next}")).await.expect(200).json();
    assert_eq!((&rest["reconciliations"], &rest["next"]), (&json!([outcome]), &Value::Null));
    assert_eq!(get(world, "reconciliations?provider=momo").await.json()["reconciliations"], json!([]));

    // What was found is known after a restart, is in the log, and changed nothing.
    assert_eq!(cashier.payment(open["id"].as_str().unwrap()).await["state"], "pending");
    let cashier = cashier.restart().await;
    assert!(cashier.world.metrics().await.contains(&format!("{metric} 3\n")));
    assert_eq!(cashier.payment(&second).await["state"], "paid");
    let verified = cashier.world.admin("POST", "/admin/v1/verify", None).await.expect(200).json();
    assert_eq!(verified["intact"], true, "{verified}");
    let asked = reconcile(&cashier.world, &day, None).await.expect(200).json();
    assert_eq!(asked["differing"], 0, "{asked}");
    assert!(cashier.world.metrics().await.contains(&format!("{metric} 3\n")), "asking sees less than the file did");
    reconcile(&cashier.world, &day, Some(&file)).await.expect(200);
    assert!(cashier.world.metrics().await.contains(&format!("{metric} 0\n")), "the newest result of a day counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_only_the_file_knows_is_asked_for_at_once_and_not_believed() {
    let cashier = Cashier::start().await;
    let asked = cashier.make(&fee(1)).await;
    let id = asked["id"].as_str().unwrap();
    let (_, day) = paid(&cashier, 2).await;
    cashier.press(&asked, "callback_lost").await;
    let file = file_of(&cashier, &day);
    let outcome = reconcile(&cashier.world, &day, Some(&file)).await.expect(200).json();
    assert_eq!(class(&outcome, "different_state"), (1, 0, 50_000), "{outcome}");
    assert_eq!(outcome["made_due"], 1);
    cashier.until(id, "paid").await;
    let outcome = reconcile(&cashier.world, &day, Some(&file)).await.expect(200).json();
    assert_eq!((&outcome["differing"], class(&outcome, "matched")), (&0.into(), (2, 100_000, 100_000)));

    // A file that lies brings nobody anything.
    let unpaid = cashier.make(&fee(3)).await;
    let unpaid = unpaid["id"].as_str().unwrap();
    let lie = format!("{file}{}", row(unpaid, "50000", &day));
    let outcome = reconcile(&cashier.world, &day, Some(&lie)).await.expect(200).json();
    assert_eq!((class(&outcome, "different_state"), &outcome["made_due"]), ((1, 0, 50_000), &1.into()));
    let again = reconcile(&cashier.world, &day, Some(&lie)).await.expect(200).json();
    assert_eq!(class(&again, "different_state"), (1, 0, 50_000));
    assert_eq!(cashier.payment(unpaid).await["state"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_credit_is_found_and_the_rest_of_the_day_is_compared() {
    let cashier = Cashier::start().await;
    let ((first, day), (second, _)) = (paid(&cashier, 1).await, paid(&cashier, 2).await);
    let refund = json!({ "reference": "tra-1", "SoTien": 20_000, "reason": "nộp thừa" });
    cashier.refund(&second, &refund).await.expect(200);
    cashier.until(&second, "partly_refunded").await;
    // The provider takes the same fee again, and writes two refunds down under the payment's name.
    let again = row(&first, "50000", &day);
    let refunds = ["78", "79"].map(|transaction| {
        let row = row(&second, "1000", &day).replace("Thanh toán", "Hoàn tiền");
        row.replacen("77", transaction, 1)
    });
    let file = format!("{}{again}{}", file_of(&cashier, &day), refunds.concat());
    let outcome = reconcile(&cashier.world, &day, Some(&file)).await.expect(200).json();
    assert_eq!(class(&outcome, "matched"), (3, 80_000, 80_000), "{outcome}");
    assert_eq!(class(&outcome, "missing_here"), (3, 0, 48_000), "{outcome}");
    assert_eq!((&outcome["differing"], &outcome["difference"]), (&3.into(), &48_000.into()));
    let id = outcome["id"].as_str().unwrap();
    let csv = get(&cashier.world, &format!("reconciliations/{id}/rows.csv")).await.expect(200);
    let csv = csv.text();
    assert!(csv.contains(&format!("missing_here,Thanh toán,{first},,,,,50000,Thành công,77,")), "{csv}");
    assert_eq!(cashier.payment(&first).await["state"], "paid", "a file changes no payment");
}

/// The day before.
fn before(day: &str) -> String {
    let noon = PortalTime::parse(&format!("{}120000", day.replace('-', ""))).unwrap().timestamp();
    noon.plus_millis(-24 * 3600 * 1000).to_string()[..10].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learnt_of_after_midnight_closes_on_both_days_and_ends_the_alarm() {
    let cashier = Cashier::start().await;
    let world = &cashier.world;
    let metric = "lgsp_reconciliation_differences{provider=\"vnpay\"}";
    let ((first, day), (second, _)) = (paid(&cashier, 1).await, paid(&cashier, 2).await);
    let refund = json!({ "reference": "tra-1", "SoTien": 20_000, "reason": "nộp thừa" });
    cashier.refund(&second, &refund).await.expect(200);
    cashier.until(&second, "partly_refunded").await;
    let file = file_of(&cashier, &day);
    let with = |word: &str| -> String {
        let rows = file.lines().skip(1).filter(|line| line.contains(word));
        rows.map(|line| format!("{line}\n")).collect()
    };
    let without_refund: String =
        file.lines().filter(|line| !line.contains("Hoàn tiền")).map(|line| format!("{line}\n")).collect();

    // The provider's refund settled on the day before: its file comes first, and the money is found on the day after it.
    let before = before(&day);
    let late = format!("{HEADER}\n{}{}", row("=x", "7", &before), with("Hoàn tiền"));
    let outcome = reconcile(world, &before, Some(&late)).await.expect(200).json();
    assert_eq!(class(&outcome, "near_midnight"), (1, -20_000, -20_000), "{outcome}");
    assert_eq!((&outcome["differing"], &outcome["rows"], &outcome["our_lines"]), (&1.into(), &2.into(), &1.into()));
    let outcome = reconcile(world, &day, Some(&without_refund)).await.expect(200).json();
    assert_eq!((class(&outcome, "near_midnight"), class(&outcome, "matched")), ((1, 0, 0), (2, 100_000, 100_000)));
    assert_eq!((&outcome["differing"], &outcome["difference"]), (&0.into(), &0.into()), "{outcome}");
    assert!(world.metrics().await.contains(&format!("{metric} 1\n")), "the row of nobody's is left");

    // A payment that its day's file has not is missing until the file of the day beside it brings it.
    let without_first = without(&without_refund, &first);
    let outcome = reconcile(world, &day, Some(&without_first)).await.expect(200).json();
    assert_eq!((class(&outcome, "missing_there"), &outcome["differing"]), ((1, 50_000, 0), &1.into()), "{outcome}");
    assert!(world.metrics().await.contains(&format!("{metric} 2\n")));
    for _ in 0..2 {
        let late = format!("{late}{}", with(&first));
        let outcome = reconcile(world, &before, Some(&late)).await.expect(200).json();
        assert_eq!(class(&outcome, "near_midnight"), (2, 30_000, 30_000), "{outcome}");
        assert_eq!((&outcome["differing"], &outcome["clears"][&day]), (&1.into(), &1.into()));
        assert!(world.metrics().await.contains(&format!("{metric} 1\n")), "it is cleared once");
    }
    let outcome = reconcile(world, &day, Some(&without_first)).await.expect(200).json();
    assert_eq!((class(&outcome, "near_midnight"), &outcome["differing"]), ((2, 0, 0), &0.into()), "{outcome}");
    assert!(world.metrics().await.contains(&format!("{metric} 1\n")));
    // The newest file of the day before has neither: what cleared them is gone.
    reconcile(world, &before, Some(&format!("{HEADER}\n"))).await.expect(200);
    let outcome = reconcile(world, &day, Some(&without_first)).await.expect(200).json();
    assert_eq!(class(&outcome, "missing_there"), (2, 30_000, 0), "{outcome}");
    assert!(world.metrics().await.contains(&format!("{metric} 2\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_account_of_the_day_is_refused_by_its_line_and_nothing_is_stored() {
    let cashier = Cashier::start().await;
    let world = &cashier.world;
    let (_, day) = paid(&cashier, 1).await;
    let file = file_of(&cashier, &day);
    let twice = format!("{file}{}", file.lines().nth(1).unwrap());
    let strange: String = (0..10).map(|n| row(&format!("strange-{n}"), "1", &day)).collect();
    for (file, told) in [
        ("\n".to_owned(), "is empty"),
        ("a,b\n1,2\n".to_owned(), "line 1: the header must have one column \"Mã tham chiếu\""),
        (format!("{file}1,2\n"), "line 3: 2 cells, and the header has 8"),
        (format!("{file}{}", row("x", "1.5", &day)), "line 3, \"Số tiền\": expected digits"),
        (twice, "line 3 has the reference and the transaction of line 2"),
        (format!("{HEADER}\n{}", row("x", "1", "2020-01-31")), "line 2 is of 2020-01-31"),
    ] {
        let refused = reconcile(world, &day, Some(&file)).await.expect_problem(422, "GW1501").json();
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(told) && detail.contains("nothing was stored"), "{detail}");
    }
    for (path, status, code) in [
        ("provider=nobody&day=2026-11-21", 404, "GW1301"),
        ("provider=vnpay&day=2999-01-01", 400, "GW1006"),
        ("provider=vnpay&day=21/11/2026", 400, "GW1006"),
        ("provider=vnpay", 400, "GW1006"),
        ("day=2026-11-21", 400, "GW1006"),
    ] {
        let url = world.admin_url(&format!("/admin/v1/reconciliations?{path}"));
        send(world.http.post(url).bearer_auth(ADMIN_TOKEN)).await.expect_problem(status, code);
    }
    for path in ["reconciliations/x", "reconciliations/x/rows.csv", "reconciliations/x/rows.xlsx"] {
        get(world, path).await.expect_problem(404, "GW1301");
    }
    assert_eq!(get(world, "reconciliations").await.expect(200).json()["reconciliations"], json!([]));
    // A file in which nothing is ours is somebody else's, once there is enough to say so: here there is not.
    let outcome = reconcile(world, &day, Some(&format!("{HEADER}\n{strange}"))).await.expect(200).json();
    assert_eq!(outcome["differing"], 11);
}
