//! The settings of providers, read strictly.

use lgsp_connect::{CheckError, check_payment_provider};

use super::member::{MEMBERS, Member};

fn wrong(kind: &str, settings: &str) -> Vec<String> {
    match check_payment_provider(kind, &settings.parse().unwrap()) {
        Err(CheckError::Settings(errors)) => {
            assert!(errors.iter().all(|error| !error.to_string().contains("geheim")), "no value is repeated");
            errors.into_iter().map(|error| error.key).collect()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}

fn at(member: &Member, url: &str, more: &str) -> Vec<String> {
    wrong(member.kind, &format!("{}\n{more}", (member.settings)(url)))
}

/// Settings with one of them taken out.
fn without(settings: &str, key: &str) -> String {
    let lines = settings.lines().filter(|line| !line.starts_with(&format!("{key} =")));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_setting_that_is_needed_is_asked_for() {
    for member in MEMBERS {
        let settings = (member.settings)("https://pay.example.vn/x");
        assert!(wrong(member.kind, &settings).is_empty(), "{}: {settings}", member.kind);
        for line in settings.lines() {
            let key = line.split(" =").next().unwrap();
            assert_eq!(wrong(member.kind, &without(&settings, key)), [key], "{} without {key}", member.kind);
        }
        assert_eq!(wrong(member.kind, &format!("{settings}\nsurprise = 'geheim'")), ["surprise"], "{}", member.kind);
    }
}

#[test]
fn an_address_that_leads_inside_or_is_not_protected_is_refused_unless_it_is_allowed() {
    for member in MEMBERS {
        let kind = member.kind;
        for url in [
            "http://pay.example.vn",
            "http://127.0.0.1:8080",
            "https://127.0.0.1",
            "https://10.0.0.1/x",
            "https://[::1]",
        ] {
            assert_eq!(at(member, url, ""), ["url"], "{kind} {url}");
            assert!(at(member, url, "allow_private = true").is_empty(), "{kind} {url}");
        }
        for url in [
            "ftp://pay.example.vn",
            "https://",
            "https://u:geheim@pay.example.vn",
            "https://pay.example.vn/?a=b",
            "pay",
        ] {
            assert_eq!(at(member, url, "allow_private = true"), ["url"], "{kind} {url}");
        }
    }
}

#[test]
fn what_every_provider_has_is_checked_alike() {
    for member in MEMBERS {
        for (more, key) in [
            ("timeout = '1h'", "timeout"),
            ("timeout = 5", "timeout"),
            ("least = 0", "least"),
            ("most = '5'", "most"),
            ("least = 2000\nmost = 1000", "most"),
            ("allow_private = 'yes'", "allow_private"),
        ] {
            assert_eq!(at(member, "https://pay.example.vn", more), [key], "{} {more}", member.kind);
        }
        let settings = without(&(member.settings)("https://pay.example.vn"), member.callback_key);
        for value in ["''", "[]", "['geheim', '']", "['geheim', 'geheim', 'geheim']", "7", "{}"] {
            let settings = format!("{settings}\n{} = {value}", member.callback_key);
            assert_eq!(wrong(member.kind, &settings), [member.callback_key], "{} {value}", member.kind);
        }
    }
}

#[test]
fn every_wrong_value_is_told_with_its_key() {
    for (kind, more, key) in [
        ("vnpay", "locale = 'vi'", "locale"),
        ("vnpay", "order_type = 'a b'", "order_type"),
        ("vnpay", "bank_code = 'a&b'", "bank_code"),
        ("vnpay", "address = 'here'", "address"),
        ("vnpay", "pay_path = 'pay'", "pay_path"),
        ("vnpay", "api_path = '/x?y'", "api_path"),
        ("vnpay", "api_url = 'http://merchant.example.vn'", "api_url"),
        ("vnpay", "api_url = 'https://127.0.0.1'", "api_url"),
        ("momo", "lang = 'vn'", "lang"),
        ("momo", "request_type = 'a&b'", "request_type"),
        ("momo", "api_path = 'v2'", "api_path"),
        ("zalopay", "api_path = 'v2'", "api_path"),
        ("zalopay", "bank_code = ''", "bank_code"),
    ] {
        let member = MEMBERS.iter().find(|member| member.kind == kind).unwrap();
        assert_eq!(at(member, "https://pay.example.vn", more), [key], "{kind} {more}");
    }
    let vnpay = (MEMBERS[0].settings)("https://pay.example.vn").replace("TESTTMN1", "short");
    assert_eq!(wrong("vnpay", &vnpay), ["tmn_code"]);
    for app_id in ["'x'", "-1", "true", "12345678901", "''"] {
        let zalopay = (MEMBERS[2].settings)("https://pay.example.vn").replace("2553", app_id);
        assert_eq!(wrong("zalopay", &zalopay), ["app_id"], "{app_id}");
    }
    let user = format!("app_user = '{}'", "a".repeat(51));
    assert_eq!(at(&MEMBERS[2], "https://pay.example.vn", &user), ["app_user"]);
}
