//! What a payment provider waits for: from its callback to the reply, with the durable commit in between, at 500 a second over connections
//! that are kept. Beside it in the same run: accepting dossiers at the same rate, and the disk's own flush of as many bytes.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{Error, Result, Write};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::gateway::{Gateway, free_port};
use crate::pace::Pace;
use crate::records::{code, record};
use crate::{Bench, figure, http};

const RATE: f64 = 500.0;
const SECONDS: u32 = 20;
const CALLS: u32 = RATE as u32 * SECONDS;
/// The first ones find everything cold.
const WARM_UP: u32 = 500;
const CONNECTIONS: u32 = 16;
const GOAL_MILLIS: f64 = 20.0;
/// What one callback writes into the log: the record, what the provider said, and the rows that lead there.
const FLUSHED_BYTES: usize = 4096;

const MERCHANT: &str = "BENCHTMN";
const SECRET: &str = "bench-vnpay-secret-0123456789";
const AMOUNT: u64 = 50_000;

pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let gateway = Gateway::start(&bench.lgsp, &tables(free_port()?))?;
    let (token, count) = (gateway.token()?, WARM_UP + CALLS);
    let ids = pending(&gateway, count)?;
    let callbacks: Vec<Vec<u8>> = ids.iter().zip(1..).map(|(id, n)| callback(id, n)).collect();
    let pace = Pace { port: gateway.public, rate: RATE, connections: CONNECTIONS, calls: WARM_UP };
    let recorded = |body: &[u8]| body.windows(14).any(|part| part == br#""RspCode":"00""#);
    pace.run(|n| Cow::Borrowed(&callbacks[n as usize]), recorded)?;
    let pace = Pace { calls: CALLS, ..pace };
    let cpu = gateway.cpu();
    let ours = pace.run(|n| Cow::Borrowed(&callbacks[(WARM_UP + n) as usize]), recorded)?;
    let cpu = (gateway.cpu() - cpu) / f64::from(CALLS) * 1e6;
    let accepted = |n| Cow::Owned(post("/v1/dossiers", &token, &record(u64::from(count + n))));
    let dossiers = pace.run(accepted, |_| true)?;
    let flushes = flushes(&gateway)?;
    all_paid(&gateway, count)?;
    for (name, times) in [("callbacks", &ours), ("dossiers", &dossiers), ("flushes", &flushes)] {
        let at = |fraction| figure::quantile(times, fraction);
        let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
        eprintln!("  {name} at {RATE}/s: p50 {p50:.2} p99 {p99:.2} p99.9 {p999:.2} ms, {} of them", times.len());
    }
    eprintln!("  {cpu:.0} µs CPU each callback, with all that the gateway does beside; {:.0} MiB", gateway.resident());
    let (what, p99) = ("a payment's callback with its commit, p99 at 500/s", figure::quantile(&ours, 0.99));
    figure::print(what, "ms", p99, "goal", GOAL_MILLIS);
    figure::print(what, "ms", p99, "a dossier's accept at the same rate", figure::quantile(&dossiers, 0.99));
    figure::print(what, "ms", p99, "fdatasync of 4 KiB at the same rate", figure::quantile(&flushes, 0.99));
    Ok(())
}

/// Payments that wait for the citizen: their ids.
fn pending(gateway: &Gateway, count: u32) -> Result<Vec<String>> {
    let token = gateway.token_of("cashier")?;
    let began = Instant::now();
    let one = |n: u32| -> Result<String> {
        let ask = ask(n).to_string();
        let made = http::post(gateway.public, "/v1/payments", &token, "application/json", ask.as_bytes())?.json()?;
        match (made["id"].as_str(), made["state"].as_str()) {
            (Some(id), Some("pending")) => Ok(id.to_owned()),
            _ => Err(Error::other(made.to_string())),
        }
    };
    let part = |from: u32| (from..count).step_by(CONNECTIONS as usize).map(one).collect::<Result<Vec<_>>>();
    let (mut ids, part) = (Vec::new(), &part);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|from| scope.spawn(move || part(from))).collect();
        for thread in threads {
            ids.extend(thread.join().map_err(|_| Error::other("a connection failed"))??);
        }
        Ok::<_, Error>(())
    })?;
    eprintln!("  {count} payments made in {:.1} s", began.elapsed().as_secs_f64());
    Ok(ids)
}

fn ask(n: u32) -> Value {
    json!({
        "reference": format!("lan-{n}"), "MaHoSo": code(u64::from(n)), "MaTTHC": "1.000001", "TenTTHC": "Cấp giấy phép xây dựng",
        "PhiLePhi": [{ "LoaiPhiLePhi": "2", "MaPhiLePhi": "LP01", "TenPhiLePhi": "Lệ phí cấp phép", "SoTien": AMOUNT }],
        "SoTien": AMOUNT, "payee": "treasury", "providers": ["vnpay"],
        "NguoiNop": { "HoTenNguoiNop": "Nguyễn Văn Thử", "DiaChiNguoiNop": "Số 1 phố Thử" },
    })
}

fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\n{}Content-Type: application/json\r\n", http::fields(token));
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// VNPAY's call about the nth payment, signed as VNPAY signs: fields in the order of their names.
fn callback(id: &str, n: u64) -> Vec<u8> {
    let signed = format!(
        "vnp_Amount={}&vnp_BankCode=NCB&vnp_BankTranNo=VNP{n}&vnp_CardType=ATM&vnp_OrderInfo=Phi+le+phi&vnp_PayDate=20260101103500\
         &vnp_ResponseCode=00&vnp_TmnCode={MERCHANT}&vnp_TransactionNo={n}&vnp_TransactionStatus=00&vnp_TxnRef={id}",
        AMOUNT * 100
    );
    let hash = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, SECRET.as_bytes()), signed.as_bytes());
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let target = format!("/payments/vnpay/callback?{signed}&vnp_SecureHash={hash}");
    format!("GET {target} HTTP/1.1\r\n{}\r\n", http::fields("")).into_bytes()
}

/// How long the disk itself takes for as many bytes, at the same rate, one after the other; in milliseconds, sorted.
fn flushes(gateway: &Gateway) -> Result<Vec<f64>> {
    let mut file = OpenOptions::new().create(true).append(true).open(gateway.dir().join("flushes"))?;
    let (bytes, started, mut millis) = (vec![7; FLUSHED_BYTES], Instant::now(), Vec::new());
    for n in 0..CALLS / 4 {
        let due = started + Duration::from_secs_f64(f64::from(n) / RATE);
        while Instant::now() < due {
            std::thread::park_timeout(due - Instant::now());
        }
        let from = Instant::now();
        file.write_all(&bytes)?;
        file.sync_data()?;
        millis.push(from.elapsed().as_secs_f64() * 1000.0);
    }
    millis.sort_by(f64::total_cmp);
    Ok(millis)
}

/// Each of them is paid.
fn all_paid(gateway: &Gateway, count: u32) -> Result<()> {
    let metrics = String::from_utf8_lossy(&http::get(gateway.admin, "/metrics", "")?.body).into_owned();
    let line = format!("lgsp_payments_total{{provider=\"vnpay\",state=\"paid\"}} {count}");
    if metrics.lines().any(|one| one == line) { Ok(()) } else { Err(Error::other("not every payment is paid")) }
}

/// VNPAY is away: orders are not opened by a call, and what is asked meanwhile costs the gateway its tries.
fn tables(port: u16) -> String {
    format!(
        r#"[[payment_provider]]
id = "vnpay"
kind = "vnpay"
name = "VNPAY"
[payment_provider.settings]
url = "http://127.0.0.1:{port}"
allow_private = true
tmn_code = "{MERCHANT}"
secret = "{SECRET}"
[[payee]]
id = "treasury"
agency = "H56"
agency_name = "UBND tỉnh"
account = "3511.0.1062334"
bank = "01201001"
name = "Kho bạc"
[[member]]
id = "cashier"
name = "cashier"
agencies = ["*"]
scopes = ["payment:create", "payment:read"]
secret = "{}"
"#,
        crate::gateway::SECRET
    )
}
