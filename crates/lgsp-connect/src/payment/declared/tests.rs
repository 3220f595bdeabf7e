//! The built-in profiles, what is signed by them, and what of a profile is refused.

use lgsp_model::Timestamp;
use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::message::{Encoding, Message};
use super::profile::Profile;
use super::reader::{Errors, Part, laid_over};
use super::settings::{Declared, Settings};
use super::signature::Signature;
use super::template::Scope;
use super::values::Facts;
use super::{KEYPAY, NATIONAL, PAYGOV, check, check_keypay, check_national, check_paygov};
use crate::settings::{Fields, SettingError};

fn part<'a>(profile: &'a Table, path: &str) -> &'a Table {
    path.split('.').fold(profile, |table, key| table[key].as_table().unwrap())
}

/// The signature at `path` of a profile, with the settings `given`.
fn signature(profile: &str, path: &str, given: &str) -> (Signature, Settings) {
    let profile: Table = profile.parse().unwrap();
    let errors = Errors::default();
    let declared = Declared::read(&Part::new(&profile, String::new(), &errors));
    let scope = Scope { topics: &[], settings: &declared, errors: &errors };
    let signature = Signature::read(&Part::new(part(&profile, path), path.to_owned(), &errors), scope, None);
    let given: Table = given.parse().unwrap();
    let settings = declared.fill(&mut Fields::new(&given), None);
    assert_eq!(errors.into_inner(), []);
    (signature.unwrap(), settings)
}

fn sign((signature, settings): &(Signature, Settings), fields: &Map<String, Json>) -> String {
    signature.sign(fields, &Facts::new(settings, Timestamp(0))).unwrap()
}

fn fields(pairs: &[(&str, &str)]) -> Map<String, Json> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
}

/// The same fields, as they come: with what an outsider computed over them.
fn came(fields: &Map<String, Json>, name: &str, signed: &str) -> String {
    let mut fields = fields.clone();
    fields.insert(name.to_owned(), signed.into());
    Json::Object(fields).to_string()
}

/// Texts with the digests that Python's hashlib and hmac make of them.
#[test]
fn what_is_signed_is_what_others_sign() {
    let keypay = [
        ("addition_fee", "0"),
        ("client_id", "gwclient"),
        ("command", "PAY"),
        ("trans_amount", "50000"),
        ("transaction_id", "12345_abc"),
        ("version", "3.0"),
    ];
    let paygov = [
        ("accessKey", "AK"),
        ("partnerCode", "PAYGOV-TEST"),
        ("orderId", "0123456789abcdefghjk"),
        ("requestCode", "0123456789abcdefghjk"),
        ("amount", "50000"),
    ];
    let confirm = [
        ("LoaiBanTin", "CONFIRM"),
        ("MaLoi", "00"),
        ("MaDoiTac", "DT1"),
        ("MaThamChieu", "0123456789abcdefghjk"),
        ("SoTien", "50000"),
        ("MaTienTe", "VND"),
        ("MaGiaoDich", "GD1"),
        ("MaNganHang", "VCB"),
        ("ThoiGianGD", "20260101103000"),
        ("ThongTinGiaoDich", "Le phi ho so"),
    ];
    let query = [
        ("LoaiBanTin", "QUERY"),
        ("PhienBan", "1.0.6"),
        ("MaDoiTac", "DT1"),
        ("MaThamChieu", "0123456789abcdefghjk"),
        ("ThoiGianGD", "20260101103000"),
    ];
    for (profile, path, settings, values, expected) in [
        (
            KEYPAY,
            "open",
            "hash_key_1 = 'hash_key_1_demo'",
            &keypay[..],
            "36d9f9783b1a8e90a8ef53842178c82fac7f2d3f119e5d6d7e7318b886dbe72a",
        ),
        (
            KEYPAY,
            "callback",
            "hash_key_2 = 'hash_key_2_demo'",
            &keypay[..],
            "b4562716bf5c3cc06ff2cbd6fa071e63c96187aba6fb612525acadc9fb50ab29",
        ),
        (
            PAYGOV,
            "open",
            "secret_key = 'SK'",
            &paygov[..],
            "956d91ace6d74ca3b2ab276026320c394c778ff50ec1e0b0bfa07c5aa8b8309c",
        ),
        (
            NATIONAL,
            "callback",
            "secret = 'bi mat'",
            &confirm[..],
            "e4122f48223ae4bf5f23b51db859e938056ee0176d03d630b21f335199586cae",
        ),
        (
            NATIONAL,
            "query",
            "secret = 'bi mat'",
            &query[..],
            "5d0c19d7b6ade26d93c87e720d92559cf32d5275c4e41c57e4524a7b89a8914b",
        ),
    ] {
        let signature = signature(profile, path, settings);
        assert_eq!(sign(&signature, &fields(values)), expected, "{path}");
    }
}

fn verified((signature, settings): &(Signature, Settings), body: &str) -> bool {
    let message = Message::read(Encoding::Json, "", body.as_bytes()).unwrap();
    signature.verified(&message, &Facts::new(settings, Timestamp(0)))
}

#[test]
fn both_keys_verify_during_a_rotation_and_the_new_one_signs() {
    let values = fields(&[("transaction_id", "x"), ("trans_amount", "5")]);
    let [old, new, both] =
        ["'old'", "'new'", "['new', 'old']"].map(|keys| signature(KEYPAY, "callback", &format!("hash_key_2 = {keys}")));
    assert_eq!(sign(&both, &values), sign(&new, &values));
    for signed in [sign(&old, &values), sign(&new, &values), sign(&new, &values).to_uppercase()] {
        assert!(verified(&both, &came(&values, "check_sum", &signed)));
    }
    for signed in [String::new(), "zz".into(), sign(&old, &values)] {
        assert!(!verified(&new, &came(&values, "check_sum", &signed)));
    }
}

#[test]
fn only_what_a_signature_holds_together_is_proven() {
    let profile = |text: &str| Profile::read(&text.parse().unwrap()).unwrap();
    assert!(!profile(KEYPAY).callback.unwrap().proves(), "its status is not under the signature");
    assert!(!profile(PAYGOV).callback.unwrap().proves(), "its values run into each other");
    assert!(profile(NATIONAL).callback.unwrap().proves());
    let mut asked: Table = NATIONAL.parse().unwrap();
    laid_over(&mut asked, &"callback.confirm = true".parse().unwrap());
    assert!(!Profile::read(&asked).unwrap().callback.unwrap().proves());
}

type Check = fn(&Table) -> Result<super::PaymentBuilder, Vec<SettingError>>;

fn told(check: Check, settings: &str) -> Vec<String> {
    let errors = check(&settings.parse().unwrap()).err().unwrap_or_default();
    errors.iter().map(ToString::to_string).collect()
}

const GOOD: &str = "url = 'https://pay.example'\nclient_id = 'gw'\nhash_key_1 = 'a'\nhash_key_2 = ['b', 'c']\n";

#[test]
fn each_kind_says_what_it_needs() {
    assert_eq!(
        told(check_keypay, ""),
        ["url: is required", "client_id: is required", "hash_key_1: is required", "hash_key_2: is required"]
    );
    assert_eq!(
        told(check_paygov, "url = 'https://pay.example'"),
        [
            "access_key: is required",
            "partner_code: is required",
            "secret_key: is required",
            "service_code: is required"
        ]
    );
    assert_eq!(told(check_national, "url = 'https://pay.example'"), ["partner: is required", "secret: is required"]);
    assert_eq!(told(check, "url = 'https://pay.example'"), ["profile: is required"]);
    assert_eq!(told(check_keypay, GOOD), [""; 0]);
    assert_eq!(told(check_keypay, &format!("{GOOD}surprise = 1")), ["surprise: no such setting"]);
    assert_eq!(
        told(check_national, "url = 'https://pay.example'\npartner = 'p'\nsecret = 's'\ntoken_url = 'http://10.0.0.1'"),
        ["token_url: expected an address by the rules of the provider's own"]
    );
}

#[test]
fn what_is_wrong_in_a_profile_is_told_with_its_whole_key() {
    for (over, told_) in [
        ("surprise = 1", "profile.surprise: no such setting"),
        ("open.surprise = 1", "profile.open.surprise: no such setting"),
        ("open.method = 'PUT'", "profile.open.method: expected POST, GET, or REDIRECT where a browser is sent"),
        (
            "open.encoding = 'query'",
            "profile.open.encoding: expected query for GET and REDIRECT, json or form for POST",
        ),
        ("open.encoding = 'form'", "profile.open.fields.bill_info: expected a text: forms and queries have no tables"),
        ("open.base = 'client_id'", "profile.open.base: expected the name of a setting of the kind address"),
        (
            "open.fields.x = '{order.price}'",
            "profile.open.fields.x: expected names of values that there are here, such as {order.id}",
        ),
        (
            "open.fields.x = '{setting.nothing}'",
            "profile.open.fields.x: expected names of values that there are here, such as {order.id}",
        ),
        (
            "open.fields.x = '{fee.name}'",
            "profile.open.fields.x: expected names of values that there are here, such as {order.id}",
        ),
        (
            "open.fields.x = '{refund.id}'",
            "profile.open.fields.x: expected names of values that there are here, such as {order.id}",
        ),
        (
            "open.fields.x = '{came.status}'",
            "profile.open.fields.x: expected names of values that there are here, such as {order.id}",
        ),
        (
            "callback.reply.fields.x = '{setting.hash_key_1}'",
            "profile.callback.reply.fields.x: expected names of values that there are here, such as {order.id}",
        ),
        (
            "query.method = 'GET'\nquery.fields.x = '{setting.hash_key_1}'",
            "profile.query.fields.x: expected names of values that there are here, such as {order.id}",
        ),
        (
            "open.path = '/{setting.hash_key_1}'",
            "profile.open.path: expected names of values that there are here, such as {order.id}",
        ),
        (
            "open.fields.x = '{order.id'",
            "profile.open.fields.x: expected a text whose braces are closed, such as PAY or {bill.dossier}-{order.id}",
        ),
        (
            "open.fields.x = '{order.id|cut 5}'",
            "profile.open.fields.x: expected a way to write a value behind each |: number, plain, unaccented, upper, lower, required, most N, times N, time PATTERN, either YES NO",
        ),
        (
            "open.fields.x = '{order.opened_at|time yyyyMMddhhmmss}'",
            "profile.open.fields.x: expected a way to write a value behind each |: number, plain, unaccented, upper, lower, required, most N, times N, time PATTERN, either YES NO",
        ),
        (
            "open.fields.x = '{order.id|time yyyy}'",
            "profile.open.fields.x: expected a way to write that such a value has: times for amounts, time for times, either for yes or no",
        ),
        (
            "open.fields.x = '{order.amount|most 5|times 100}'",
            "profile.open.fields.x: expected a way to write that such a value has: times for amounts, time for times, either for yes or no",
        ),
        (
            "open.fields.x = 'a{order.amount|number}'",
            "profile.open.fields.x: expected |number last, behind a value that stands alone",
        ),
        (
            "open.fields.x = { surprise = 1 }",
            "profile.open.fields.x: expected a text, a whole number, true or false, a list, or a table with one of object, each, json, base64, omit",
        ),
        ("open.fields.x = { each = 'bill.payers', of = '' }", "profile.open.fields.x.each: expected bill.fees"),
        (
            "open.fields.x = 1.5",
            "profile.open.fields.x: expected a text, a whole number, true or false, a list, or a table with one of object, each, json, base64, omit",
        ),
        (
            "open.signature.over = []",
            "profile.open.signature.over: expected a list of fields of this message, or of settings such as {setting.access_code}",
        ),
        (
            "open.signature.over = ['nothing']",
            "profile.open.signature.over[0]: expected a list of fields of this message, or of settings such as {setting.access_code}",
        ),
        (
            "open.signature.over = ['bill_info']",
            "profile.open.signature.over[0]: expected a list of fields of this message, or of settings such as {setting.access_code}",
        ),
        (
            "open.signature.algorithm = 'md5'",
            "profile.open.signature.algorithm: expected one of hmac-sha256, hmac-sha512, hmac-sha1, sha256, sha512",
        ),
        ("open.signature.algorithm = 'sha256'", "profile.open.signature.secret: is required"),
        ("open.signature.secret = 'after'", "profile.open.signature.secret: no such setting"),
        (
            "open.signature.key = 'client_id'",
            "profile.open.signature.key: expected the name of a setting of the kind keys",
        ),
        (
            "open.signature.field = 'command'",
            "profile.open.signature.field: expected a name of its own among the fields",
        ),
        ("open.headers.'a b' = 'x'", "profile.open.headers.a b: expected the name of a header"),
        ("open.answer.codes.7 = 'paid'", "profile.open.answer.codes.7: expected ok, refused or later"),
        (
            "query.answer.standings.7 = 'lost'",
            "profile.query.answer.standings.7: expected pending, unclear, paid, failed, not_found or refunded",
        ),
        (
            "callback.standings.7 = 1",
            "profile.callback.standings.7: expected pending, unclear, paid, failed, not_found or refunded",
        ),
        (
            "callback.amount = ''",
            "profile.callback.amount: expected where in the message it stands, such as data.url, or a list of such places",
        ),
        ("callback.reply.verdicts.recorded = 1", "profile.callback.reply.verdicts.recorded: expected a table"),
        (
            "callback.reply.verdicts.recorded.status = 99",
            "profile.callback.reply.verdicts.recorded.status: expected a status of HTTP, 200 to 599",
        ),
        ("callback.reply.verdicts.lost = { code = '1' }", "profile.callback.reply.verdicts.lost: no such setting"),
        ("settings.url = {}", "profile.settings.url: expected at most 32 settings with names of their own"),
        ("settings.x = { kind = 'colour' }", "profile.settings.x.kind: expected one of text, secret, keys, address"),
        ("receipt = { answer = { url = 'u' }, ask_first = 1 }", "profile.receipt.ask_first: expected true or false"),
        ("token = { path = '/token' }", "profile.token.answer: is required"),
        ("refund = { answer = { } }", "profile.refund.answer.code: is required"),
        ("pull = { path = 'lookup' }", "profile.pull.dossier: is required"),
        ("least = 0", "profile.least: expected an amount in whole đồng"),
    ] {
        let mut settings: Table = GOOD.parse().unwrap();
        settings.insert("profile".into(), Value::Table(over.parse().unwrap()));
        let errors = check_keypay(&settings).err().unwrap_or_default();
        assert_eq!(errors.first().map(ToString::to_string).unwrap_or_default(), told_, "{over}");
    }
}

#[test]
fn a_profile_that_lacks_a_table_of_codes_is_refused() {
    for (gone, told_) in [
        ("open", "profile.open: is required"),
        ("open.answer", "profile.open.answer: is required"),
        ("open.answer.codes", "profile.open.answer.codes: is required"),
        ("open.answer.pay_url", "profile.open.answer.pay_url: is required"),
        ("open.signature.separator", "profile.open.signature.separator: is required"),
        ("open.signature.over", "profile.open.signature.over: is required"),
        ("query", "profile.query: is required"),
        ("query.answer.codes", "profile.query.answer.codes: is required"),
        ("query.answer.standing", "profile.query.answer.standing: is required"),
        ("query.answer.standings", "profile.query.answer.standings: is required"),
        ("callback.signature", "profile.callback.signature: is required"),
        ("callback.order", "profile.callback.order: is required"),
        ("callback.standing", "profile.callback.standing: is required"),
        ("callback.standings", "profile.callback.standings: is required"),
        ("callback.reply", "profile.callback.reply: is required"),
        ("callback.reply.verdicts", "profile.callback.reply.verdicts: is required"),
        ("callback.reply.verdicts.try_again", "profile.callback.reply.verdicts.try_again: is required"),
        ("callback.reply.verdicts.malformed.code", "profile.callback.reply.verdicts.malformed.code: is required"),
    ] {
        let mut profile: Table = KEYPAY.parse().unwrap();
        let (last, before) = match gone.rsplit_once('.') {
            Some((before, last)) => (last, before.split('.').collect()),
            None => (gone, Vec::new()),
        };
        let inside = before.iter().fold(&mut profile, |table, key| table[*key].as_table_mut().unwrap());
        inside.remove(last).unwrap();
        let errors = Profile::read(&profile).err().unwrap_or_default();
        assert!(errors.iter().any(|error| error.to_string() == told_), "{gone}: {errors:?}");
    }
}
