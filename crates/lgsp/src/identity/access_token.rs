//! The header `lgspaccesstoken`: base64 of a JSON object with an access key and its secret, sent with every call. It
//! holds a secret, so nothing of it is ever logged.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use lgsp_config::Secret;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// The header, lower case.
pub(super) const HEADER: &str = "lgspaccesstoken";

/// The longest value in bytes: five short texts.
const MAX_VALUE: usize = 8192;

/// Some clients leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What names and proves a member in it. `AppName`, `PartnerCode` and `PartnerCodeCus` may say anything.
pub(super) struct Access {
    pub(super) key: String,
    pub(super) secret: Secret,
}

impl Access {
    /// Reads a header value.
    pub(super) fn read(value: &str) -> Option<Self> {
        if value.len() > MAX_VALUE {
            return None;
        }
        let json = Zeroizing::new(BASE64.decode(value.trim()).ok()?);
        serde_json::from_slice(&json).ok()
    }
}

impl<'de> Deserialize<'de> for Access {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Access;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with AccessKey and SecretKey")
    }

    /// No key twice: two readers of the same header must not see two members.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Access, A::Error> {
        let (mut key, mut secret, mut seen) = (None, None, BTreeSet::new());
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "AccessKey" => key = Some(map.next_value()?),
                "SecretKey" => secret = Some(Secret::new(map.next_value()?)),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            if !seen.insert(name) {
                return Err(A::Error::custom("a key stands there twice"));
            }
        }
        match (key, secret) {
            (Some(key), Some(secret)) => Ok(Access { key, secret }),
            _ => Err(A::Error::custom("AccessKey or SecretKey is missing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Option<(String, String)> {
        Access::read(&BASE64.encode(json)).map(|access| (access.key, access.secret.expose().to_owned()))
    }

    #[test]
    fn the_five_fields_are_read_with_and_without_padding() {
        let json = r#"{"AccessKey":"h11","SecretKey":"s3","AppName":"Một cửa","PartnerCode":"000.00.16.H11","PartnerCodeCus":null}"#;
        let expected = Some(("h11".to_owned(), "s3".to_owned()));
        assert_eq!(read(json), expected);
        for padded in [json.to_owned(), json.replace("s3", "s3 ").replace("s3 ", "s3"), format!("{json} ")] {
            let value = BASE64.encode(padded);
            let access = Access::read(value.trim_end_matches('=')).unwrap();
            assert_eq!(Some((access.key, access.secret.expose().to_owned())), expected);
        }
    }

    #[test]
    fn duplicate_keys_and_other_shapes_are_refused() {
        for bad in [
            r#"{"AccessKey":"a","SecretKey":"b","AccessKey":"c"}"#,
            r#"{"AccessKey":"a","SecretKey":"b","AppName":"x","AppName":"y"}"#,
            r#"{"AccessKey":"a"}"#,
            r#"{"accesskey":"a","secretkey":"b"}"#,
            r#"{"AccessKey":1,"SecretKey":"b"}"#,
            r#"[{"AccessKey":"a","SecretKey":"b"}]"#,
            r#"{"AccessKey":"a","SecretKey":"b"} x"#,
            r#"{"AccessKey":"a","SecretKey":"b""#,
            "",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(Access::read(r#"{"AccessKey":"a","SecretKey":"b"}"#).is_none(), "not in base64");
        assert!(Access::read(&"A".repeat(9000)).is_none());
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_refused(value in any::<String>(), json in any::<String>()) {
            let _ = (Access::read(&value), read(&json));
        }

        #[test]
        fn every_key_and_secret_comes_through(key in any::<String>(), secret in any::<String>()) {
            let json = serde_json::json!({"AccessKey": key, "SecretKey": secret, "AppName": "x"}).to_string();
            prop_assert_eq!(read(&json), Some((key, secret)));
        }
    }
}
