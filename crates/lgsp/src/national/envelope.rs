//! Reads the bodies of the national dialect: one flat JSON object. Records inside stay the bytes that came.

use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_model::ErrorCode;
use serde::Deserialize;
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
    pub(crate) parameters: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Raw<'a> {
    session: String,
    service: String,
    #[serde(rename = "isUpdating", default)]
    is_updating: Option<serde_json::Value>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(flatten)]
    others: BTreeMap<String, serde_json::Value>,
}

impl Envelope {
    pub(super) fn read(body: &Bytes) -> Result<Self, Failure> {
        let raw = read_raw(body)?;
        let is_updating = match &raw.is_updating {
            None | Some(serde_json::Value::Null) => None,
            Some(serde_json::Value::Bool(value)) => Some(*value),
            Some(serde_json::Value::String(text)) if text.eq_ignore_ascii_case("true") => Some(true),
            Some(serde_json::Value::String(text)) if text.eq_ignore_ascii_case("false") => Some(false),
            Some(_) => return Err(Failure::new(ErrorCode::BadParameter, "isUpdating must be \"True\" or \"False\"")),
        };
        let data = raw.data.map_or(Ok(Vec::new()), |data| split_data(body, data))?;
        Ok(Self { session: raw.session, service: raw.service, is_updating, data, parameters: raw.others })
    }

    /// A parameter that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).and_then(serde_json::Value::as_str)
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
