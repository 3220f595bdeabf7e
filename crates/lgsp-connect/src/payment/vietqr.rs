//! VietQR (NAPAS): the text behind the QR code by which a citizen transfers money to a bank account, written and read.
//!
//! It follows EMVCo's merchant-presented layout: two digits of a tag, two of a length, a value, and a checksum over all of it. It draws
//! no picture, and it does not know whether the account exists.

use std::fmt;
use std::fmt::Write as _;

use lgsp_model::Dong;

/// EMVCo's bound of the whole text, in characters.
const MOST_CHARS: usize = 512;

/// Whose layout the account has: NAPAS.
const NAPAS: &str = "A000000727";

/// An account's or a card's number: letters and digits.
const ACCOUNT_CHARS: std::ops::RangeInclusive<usize> = 1..=19;

/// What a bank passes on of a purpose.
const PURPOSE_CHARS: std::ops::RangeInclusive<usize> = 1..=25;

/// A tag, the length of the checksum, and four digits of it.
const CHECKSUM_CHARS: usize = 8;

/// Đồng among the currencies (ISO 4217).
const DONG: &str = "704";

/// What the number names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrService {
    /// An account at the bank.
    Account,
    /// A card of the bank.
    Card,
}

impl QrService {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "QRIBFTTA",
            Self::Card => "QRIBFTTC",
        }
    }
}

/// A transfer that a citizen is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VietQr {
    /// The bank's six digits at NAPAS.
    pub bin: String,
    /// The number there: 1 to 19 letters and digits.
    pub account: String,
    /// What the number names.
    pub service: QrService,
    /// Whether the text is for one transfer (`12`) and not for many (`11`).
    pub once: bool,
    /// How much; `None`: the citizen says.
    pub amount: Option<Dong>,
    /// What the transfer shall be marked with: 1 to 25 printable ASCII characters.
    pub purpose: Option<String>,
}

/// Why a text is no VietQR, or a transfer cannot be written as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadQr {
    /// It is longer than EMVCo's 512 characters.
    TooLong,
    /// The checksum is missing or is another one.
    Checksum,
    /// It is no sequence of tags, lengths and values; or a tag comes twice.
    Layout,
    /// The value of this tag is missing or cannot be.
    Tag(&'static str),
}

impl fmt::Display for BadQr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("longer than 512 characters"),
            Self::Checksum => f.write_str("the checksum is missing or is another one"),
            Self::Layout => f.write_str("not a sequence of tags, lengths and values"),
            Self::Tag(tag) => write!(f, "tag {tag} is missing or cannot be"),
        }
    }
}

impl std::error::Error for BadQr {}

impl VietQr {
    /// A transfer of one amount for one purpose.
    #[must_use]
    pub fn transfer(bin: &str, account: &str, amount: Dong, purpose: &str) -> Self {
        Self {
            bin: bin.to_owned(),
            account: account.to_owned(),
            service: QrService::Account,
            once: true,
            amount: Some(amount),
            purpose: Some(purpose.to_owned()),
        }
    }

    fn check(&self) -> Result<(), BadQr> {
        let printable = |text: &str| text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if self.bin.len() != 6 || !self.bin.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadQr::Tag("38.01.00"));
        }
        if !ACCOUNT_CHARS.contains(&self.account.len()) || !self.account.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(BadQr::Tag("38.01.01"));
        }
        if self.amount == Some(Dong::ZERO) {
            return Err(BadQr::Tag("54"));
        }
        let purpose = self.purpose.as_deref().unwrap_or("-");
        if !PURPOSE_CHARS.contains(&purpose.len()) || !printable(purpose) {
            return Err(BadQr::Tag("62.08"));
        }
        Ok(())
    }
}

/// Writes the text of a QR code.
pub fn encode(qr: &VietQr) -> Result<String, BadQr> {
    qr.check()?;
    let mut account = String::new();
    put(&mut account, "00", &qr.bin);
    put(&mut account, "01", &qr.account);
    let mut napas = String::new();
    put(&mut napas, "00", NAPAS);
    put(&mut napas, "01", &account);
    put(&mut napas, "02", qr.service.as_str());
    let mut text = String::new();
    put(&mut text, "00", "01");
    put(&mut text, "01", if qr.once { "12" } else { "11" });
    put(&mut text, "38", &napas);
    put(&mut text, "53", DONG);
    if let Some(amount) = qr.amount {
        put(&mut text, "54", &amount.to_string());
    }
    put(&mut text, "58", "VN");
    if let Some(purpose) = &qr.purpose {
        let mut more = String::new();
        put(&mut more, "08", purpose);
        put(&mut text, "62", &more);
    }
    text.push_str("6304");
    let checksum = crc(text.as_bytes());
    write!(text, "{checksum:04X}").expect("writing to a text cannot fail");
    Ok(text)
}

/// Reads the text of a QR code. Tags that it does not know, such as a shop's name, are passed over.
pub fn decode(text: &str) -> Result<VietQr, BadQr> {
    if text.chars().count() > MOST_CHARS {
        return Err(BadQr::TooLong);
    }
    let parts = parts(without_checksum(text)?)?;
    if parts.first() != Some(&("00", "01")) {
        return Err(BadQr::Tag("00"));
    }
    if find(&parts, "53") != Some(DONG) {
        return Err(BadQr::Tag("53"));
    }
    if find(&parts, "58") != Some("VN") {
        return Err(BadQr::Tag("58"));
    }
    let once = match find(&parts, "01") {
        Some("11") => false,
        Some("12") => true,
        _ => return Err(BadQr::Tag("01")),
    };
    let (bin, account, service) = napas(find(&parts, "38").ok_or(BadQr::Tag("38"))?)?;
    let amount = find(&parts, "54").map(|amount| amount.parse::<Dong>().map_err(|_| BadQr::Tag("54"))).transpose()?;
    let purpose = match find(&parts, "62") {
        Some(more) => find(&self::parts(more)?, "08").map(str::to_owned),
        None => None,
    };
    let qr = VietQr { bin: bin.to_owned(), account: account.to_owned(), service, once, amount, purpose };
    qr.check()?;
    Ok(qr)
}

fn napas(text: &str) -> Result<(&str, &str, QrService), BadQr> {
    let inner = parts(text)?;
    if find(&inner, "00") != Some(NAPAS) {
        return Err(BadQr::Tag("38.00"));
    }
    let account = parts(find(&inner, "01").ok_or(BadQr::Tag("38.01"))?)?;
    let service = match find(&inner, "02") {
        Some("QRIBFTTA") => QrService::Account,
        Some("QRIBFTTC") => QrService::Card,
        _ => return Err(BadQr::Tag("38.02")),
    };
    let bin = find(&account, "00").ok_or(BadQr::Tag("38.01.00"))?;
    let number = find(&account, "01").ok_or(BadQr::Tag("38.01.01"))?;
    Ok((bin, number, service))
}

fn put(text: &mut String, tag: &str, value: &str) {
    write!(text, "{tag}{:02}{value}", value.len()).expect("writing to a text cannot fail");
}

/// The text before its checksum, which stands at the end and is right.
fn without_checksum(text: &str) -> Result<&str, BadQr> {
    let at = text.len().checked_sub(CHECKSUM_CHARS).ok_or(BadQr::Checksum)?;
    let (before, checksum) = text.split_at_checked(at).ok_or(BadQr::Checksum)?;
    let covered = text.get(..at + 4).ok_or(BadQr::Checksum)?;
    if checksum == format!("6304{:04X}", crc(covered.as_bytes())) { Ok(before) } else { Err(BadQr::Checksum) }
}

fn find<'a>(parts: &[(&'a str, &'a str)], tag: &str) -> Option<&'a str> {
    parts.iter().find(|(name, _)| *name == tag).map(|(_, value)| *value)
}

/// Tags and values in their order; lengths count characters.
fn parts(mut text: &str) -> Result<Vec<(&str, &str)>, BadQr> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    while !text.is_empty() {
        let (head, rest) = text.split_at_checked(4).ok_or(BadQr::Layout)?;
        let (tag, length) = head.split_at_checked(2).ok_or(BadQr::Layout)?;
        if !head.bytes().all(|b| b.is_ascii_digit()) || find(&found, tag).is_some() {
            return Err(BadQr::Layout);
        }
        let length: usize = length.parse().map_err(|_| BadQr::Layout)?;
        let end = rest.char_indices().map(|(at, _)| at).chain([rest.len()]).nth(length).ok_or(BadQr::Layout)?;
        found.push((tag, &rest[..end]));
        text = &rest[end..];
    }
    Ok(found)
}

/// CRC-16/CCITT-FALSE: polynomial 0x1021, begins with 0xFFFF.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts that two other implementations agree on.
    const STATIC: &str = "00020101021138530010A0000007270123000697041601092576788590208QRIBFTTA53037045802VN6304AE9F";
    const DYNAMIC: &str = "00020101021238530010A0000007270123000697041601092576788590208QRIBFTTA53037045405100005802VN62150811Chuyen tien630453E6";

    fn dong(amount: i64) -> Dong {
        Dong::new(amount).unwrap()
    }

    fn sealed(body: &str) -> String {
        let text = format!("{body}6304");
        format!("{text}{:04X}", crc(text.as_bytes()))
    }

    #[test]
    fn the_texts_of_others_are_read_and_written_to_the_letter() {
        let once = VietQr::transfer("970416", "257678859", dong(10_000), "Chuyen tien");
        let many = VietQr { once: false, amount: None, purpose: None, ..once.clone() };
        for (text, qr) in [(STATIC, many), (DYNAMIC, once)] {
            assert_eq!(encode(&qr).as_deref(), Ok(text));
            assert_eq!(decode(text), Ok(qr));
        }
    }

    #[test]
    fn what_a_code_cannot_carry_is_refused_with_its_tag() {
        let good = VietQr::transfer("970416", "257678859", dong(1), "x");
        for (qr, tag) in [
            (VietQr { bin: "97041".into(), ..good.clone() }, "38.01.00"),
            (VietQr { bin: "97041a".into(), ..good.clone() }, "38.01.00"),
            (VietQr { account: String::new(), ..good.clone() }, "38.01.01"),
            (VietQr { account: "1".repeat(20), ..good.clone() }, "38.01.01"),
            (VietQr { account: "12 34".into(), ..good.clone() }, "38.01.01"),
            (VietQr { amount: Some(Dong::ZERO), ..good.clone() }, "54"),
            (VietQr { purpose: Some(String::new()), ..good.clone() }, "62.08"),
            (VietQr { purpose: Some("x".repeat(26)), ..good.clone() }, "62.08"),
            (VietQr { purpose: Some("Chuyển".into()), ..good.clone() }, "62.08"),
        ] {
            assert_eq!(encode(&qr), Err(BadQr::Tag(tag)));
        }
    }

    #[test]
    fn texts_that_are_no_vietqr_are_refused() {
        let body = &DYNAMIC[..DYNAMIC.len() - 8];
        for (text, why) in [
            (String::new(), BadQr::Checksum),
            ("6304".into(), BadQr::Checksum),
            (DYNAMIC.replace("53E6", "53e6"), BadQr::Checksum),
            (format!("{DYNAMIC}0"), BadQr::Checksum),
            ("ệ".repeat(600), BadQr::TooLong),
            ("ệệệệệ".into(), BadQr::Checksum),
            (sealed(&body.replacen("000201", "", 1)), BadQr::Tag("00")),
            (sealed(&body.replace("010212", "010213")), BadQr::Tag("01")),
            (sealed(&body.replace("5303704", "5303840")), BadQr::Tag("53")),
            (sealed(&body.replace("5802VN", "5802TH")), BadQr::Tag("58")),
            (sealed(&body.replace("540510000", "540510.00")), BadQr::Tag("54")),
            (sealed(&body.replace("A000000727", "A000000728")), BadQr::Tag("38.00")),
            (sealed(&body.replace("QRIBFTTA", "QRIBFTTX")), BadQr::Tag("38.02")),
            (sealed(&format!("{body}5802VN")), BadQr::Layout),
            (sealed(&format!("{body}59")), BadQr::Layout),
            (sealed(&format!("{body}5999x")), BadQr::Layout),
            (sealed(&format!("{body}59ệ")), BadQr::Layout),
        ] {
            assert_eq!(decode(&text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_shops_name_and_city_are_passed_over() {
        let (before, after) = DYNAMIC[..DYNAMIC.len() - 8].split_at(DYNAMIC.find("6215").unwrap());
        let named = sealed(&format!("{before}5906Phở 246006Ha Noi{after}"));
        assert_eq!(decode(&named), decode(DYNAMIC));
    }

    fn transfers() -> impl Strategy<Value = VietQr> {
        let service = prop_oneof![Just(QrService::Account), Just(QrService::Card)];
        let amount = proptest::option::of((1..=Dong::MOST.get()).prop_map(dong));
        let purpose = proptest::option::of("[ -~]{1,25}");
        ("[0-9]{6}", "[0-9A-Za-z]{1,19}", service, any::<bool>(), amount, purpose).prop_map(
            |(bin, account, service, once, amount, purpose)| VietQr { bin, account, service, once, amount, purpose },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(qr in transfers()) {
            prop_assert_eq!(decode(&encode(&qr).unwrap()), Ok(qr));
        }

        #[test]
        fn no_single_changed_character_goes_unnoticed(qr in transfers(), at in any::<prop::sample::Index>(), other in " |[!-~]") {
            let text = encode(&qr).unwrap();
            let at = at.index(text.len());
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            prop_assert!(changed == text || decode(&changed).is_err());
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,80}", digits in "[0-9]{0,40}") {
            let _ = decode(&text);
            let _ = decode(&sealed(&digits));
        }
    }
}
