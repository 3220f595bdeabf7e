//! Where citizens pay, to which accounts, and what members may ask for: what is read, and every way to write it wrongly.

use std::time::Duration;

use lgsp_model::AgencyGrant;

use super::*;

const PROVIDER: &str = "[[payment_provider]]\nid = \"vnpay\"\nkind = \"vnpay\"\nname = \"VNPAY\"\n";
const PAYEE: &str = "[[payee]]\nid = \"kb\"\nagency = \"H11\"\nagency_name = \"UBND tỉnh\"\naccount = \"3511.0\"\nbank = \"01201001\"\n\
     name = \"Kho bạc\"\n";

#[test]
fn what_is_not_said_of_payments_has_its_default() {
    let config = read(&format!("{SMALLEST}{PROVIDER}{PAYEE}{MEMBER}secret = \"a\"\n")).unwrap();
    assert_eq!((config.payments.expiry, config.payments.asking), (Duration::from_secs(1800), 8));
    assert_eq!(config.payments.url, config.issuer.url, "they reach the gateway where callers do");
    let (provider, payee) = (&config.payment_providers[0], &config.payees[0]);
    assert_eq!((provider.name_en.as_str(), &provider.agencies), ("VNPAY", &AgencyGrant::All));
    assert_eq!((payee.bank_bin.as_str(), payee.treasury.as_str(), &payee.providers), ("", "", &None));
    assert!(config.members[0].payments.return_urls.is_empty(), "nowhere unless it is said");
}

#[test]
fn every_kind_of_bad_payment_table_has_its_sentence() {
    let member = |table: &str| format!("{MEMBER}secret = \"a\"\npayments = {table}\n");
    for (more, sentence) in [
        ("[payments]\nexpiry = \"1m\"\n".to_owned(), "payments.expiry: out of range"),
        ("[payments]\nlongest = \"10m\"\n".to_owned(), "payments.longest: less than expiry"),
        ("[payments]\nurl = \"gw\"\n".to_owned(), "payments.url: expected an address"),
        (format!("{PROVIDER}{PROVIDER}"), "payment_provider[1].id: already used by payment_provider[0]"),
        (PROVIDER.replace("name", "x"), "payment_provider[0].name: missing"),
        (format!("{PAYEE}{PAYEE}"), "payee[1].id: already used by payee[0]"),
        (PAYEE.replace("3511.0", "3511/0"), "payee[0].account: expected an account number"),
        (PAYEE.replace("H11", "h 11"), "payee[0].agency: expected an agency code"),
        (format!("{PAYEE}bank_bin = \"97043\"\n"), "payee[0].bank_bin: expected the bank's six digits"),
        (
            format!("{PAYEE}providers = [\"x\"]\n{PROVIDER}"),
            "payee[0].providers[0]: expected the id of a [[payment_provider]]",
        ),
        (
            member("{ return_urls = [\"http://a.vn/\"] }"),
            "member[0].payments.return_urls[0]: expected an https address",
        ),
        (member("{ x = 1 }"), "member[0].payments.x: unknown key"),
    ] {
        let told = errors(&more);
        assert!(told.contains(sentence), "{more}\n→ {told}");
    }
}
