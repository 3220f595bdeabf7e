//! The payment providers as a merchant, its callback endpoint and a browser without script see them.

#[path = "payment/merchant.rs"]
mod merchant;
#[path = "payment/momo.rs"]
mod momo;
#[path = "payment/public.rs"]
mod public;
#[path = "payment/vnpay.rs"]
mod vnpay;
#[path = "payment/zalopay.rs"]
mod zalopay;

use aws_lc_rs::{digest, hmac};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;

use merchant::Merchant;

/// A client that follows nothing.
fn http() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac256(key: &str, text: &str) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), text.as_bytes()).as_ref())
}

fn hmac512(key: &str, text: &str) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, key.as_bytes()), text.as_bytes()).as_ref())
}

fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as u64
}

/// `yyyyMMddHHmmss` in Vietnam, by seconds of the day and the civil calendar (Howard Hinnant's days-from-civil turned round).
fn vietnam(ms: u64) -> String {
    let seconds = ms / 1000 + 7 * 3600;
    let (days, rest) = ((seconds / 86_400) as i64, seconds % 86_400);
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_place = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_place + 2) / 5 + 1;
    let month = if month_place < 10 { month_place + 3 } else { month_place - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Presses a button of the page at an address.
async fn press(page: &str, act: &str) -> Response {
    http().post(page).form(&[("act", act)]).send().await.expect("the page answers")
}

/// Where the browser is sent.
fn location(answer: &Response) -> Url {
    assert_eq!(answer.status(), StatusCode::FOUND);
    Url::parse(answer.headers()["location"].to_str().expect("text")).expect("an address")
}

fn pairs_of(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().into_owned().collect()
}

fn of<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

async fn post(url: String, body: &Value) -> (u16, Value) {
    let answer = http().post(url).json(body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}
