//! Reads the bodies of the national dialect: one flat JSON object. Records inside stay the bytes that came.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use lgsp_model::ErrorCode;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::failure::Failure;

/// The login's body.
#[derive(Deserialize)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
}

impl Login {
    pub(super) fn read(body: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(body).map_err(|error| malformed(&error, "username and password, both strings"))
    }
}

/// A call's body.
pub(crate) struct Envelope {
    pub(super) session: String,
    pub(crate) service: String,
    /// `isUpdating`, which clients send as the string `"True"` or as a boolean.
    pub(super) is_updating: Option<bool>,
    /// The records of `data`: an array's elements, or one object.
    pub(super) data: Vec<Bytes>,
    /// Every other field: the parameters of queries.
    pub(crate) parameters: BTreeMap<String, Value>,
}

/// The fields of a call's body, each at most once.
#[derive(Default)]
struct Raw<'a> {
    session: Option<String>,
    service: Option<String>,
    is_updating: Option<Value>,
    data: Option<&'a RawValue>,
    others: BTreeMap<String, Value>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with session and service")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Raw<'de>, A::Error> {
        let mut raw = Raw::default();
        while let Some(name) = fields.next_key::<String>()? {
            let repeated = match name.as_str() {
                "session" => raw.session.replace(fields.next_value()?).is_some(),
                "service" => raw.service.replace(fields.next_value()?).is_some(),
                "isUpdating" => raw.is_updating.replace(fields.next_value()?).is_some(),
                "data" => raw.data.replace(fields.next_value()?).is_some(),
                _ => raw.others.insert(name, fields.next_value()?).is_some(),
            };
            if repeated {
                return Err(A::Error::custom("a field appears twice"));
            }
        }
        Ok(raw)
    }
}

impl Envelope {
    pub(super) fn read(body: &Bytes) -> Result<Self, Failure> {
        let raw = read_raw(body)?;
        let (Some(session), Some(service)) = (raw.session, raw.service) else {
            return Err(Failure::new(ErrorCode::MalformedJson, "session and service must be there, both as text"));
        };
        let is_updating = match &raw.is_updating {
            None | Some(Value::Null) => None,
            Some(Value::Bool(value)) => Some(*value),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Some(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Some(false),
            Some(_) => return Err(Failure::new(ErrorCode::BadParameter, "isUpdating must be \"True\" or \"False\"")),
        };
        let data = raw.data.map_or(Ok(Vec::new()), |data| split_data(body, data))?;
        Ok(Self { session, service, is_updating, data, parameters: raw.others })
    }

    /// A parameter that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).and_then(Value::as_str)
    }
}

fn read_raw(body: &[u8]) -> Result<Raw<'_>, Failure> {
    serde_json::from_slice(body).map_err(|error| malformed(&error, "session and service, both strings"))
}

fn split_data(body: &Bytes, data: &RawValue) -> Result<Vec<Bytes>, Failure> {
    let text = data.get();
    let bytes = |record: &str| body.slice_ref(record.as_bytes());
    match text.as_bytes().first() {
        Some(b'[') => {
            let records: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| malformed(&error, "data"))?;
            Ok(records.into_iter().map(|record| bytes(record.get())).collect())
        }
        Some(b'{') => Ok(vec![bytes(text)]),
        _ => Err(Failure::new(ErrorCode::BadParameter, "data must be an array of records or one record")),
    }
}

/// The parser's own text may repeat values; its place does not.
fn malformed(error: &serde_json::Error, expected: &str) -> Failure {
    let place = format!("line {} column {}: expected a JSON object with {expected}", error.line(), error.column());
    Failure::new(ErrorCode::MalformedJson, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Envelope, Failure> {
        Envelope::read(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn records_stay_the_bytes_that_came() {
        let call = read(
            r#"{"session":"s","service":"DongBoHoSoMC","isUpdating":"True","madonvi":"H56","data":[{"a" : 1},{}]}"#,
        )
        .unwrap();
        assert_eq!(call.data, [&br#"{"a" : 1}"#[..], b"{}"]);
        assert_eq!((call.is_updating, call.text("madonvi")), (Some(true), Some("H56")));
    }

    #[test]
    fn a_field_that_appears_twice_or_is_missing_is_refused() {
        for (text, code) in [
            (r#"{"session":"s","service":"TraCuuHoSo","mahoso":"1","mahoso":"2"}"#, ErrorCode::MalformedJson),
            (r#"{"session":"s","session":"t","service":"TraCuuHoSo"}"#, ErrorCode::MalformedJson),
            (r#"{"session":"s","service":"TraCuuHoSo","data":[],"data":[]}"#, ErrorCode::MalformedJson),
            (r#"{"session":"s"}"#, ErrorCode::MalformedJson),
            (r#"{"session":"s","service":"x","isUpdating":7}"#, ErrorCode::BadParameter),
            (r#"{"session":"s","service":"x","data":"7"}"#, ErrorCode::BadParameter),
            ("[]", ErrorCode::MalformedJson),
        ] {
            assert_eq!(read(text).err().map(|failure| failure.code), Some(code), "{text}");
        }
    }
}
