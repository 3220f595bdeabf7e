//! A message of the gateway's own API: strict JSON that keeps a schema, and findings when it does not.
//!
//! It has no maps, versions or examples: those are for what others define.

use crate::contract::Rejection;
use crate::json;
use crate::schema::RecordSchema;

/// The schema of a message, compiled once.
pub struct BodySchema(RecordSchema);

impl BodySchema {
    /// Compiles a JSON Schema 2020-12. The error is one sentence about the schema itself.
    pub fn compile(schema: &str) -> Result<Self, String> {
        let source = serde_json::from_str(schema).map_err(|error| error.to_string())?;
        RecordSchema::compile(source).map(Self)
    }

    /// Whether the message is JSON without repeated keys that keeps the schema; if not, what is wrong, without values.
    pub fn check(&self, message: &[u8]) -> Result<(), Rejection> {
        let tree = json::parse(message).map_err(Rejection::Malformed)?;
        self.0.check(&tree, message.len()).map_err(|findings| Rejection::Violates { code: None, findings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_checked_and_told_what_is_wrong_without_its_values() {
        let schema =
            r#"{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}},"additionalProperties":false}"#;
        let schema = BodySchema::compile(schema).unwrap();
        assert!(schema.check(br#"{"a":1}"#).is_ok());
        for (message, path) in [(r#"{"a":"geheim"}"#, "/a"), ("{}", "/a"), (r#"{"a":1,"b":2}"#, "")] {
            let Err(Rejection::Violates { findings, .. }) = schema.check(message.as_bytes()) else {
                panic!("{message}")
            };
            assert_eq!(findings[0].path, path, "{message}");
            assert!(!findings[0].message.contains("geheim"));
        }
        assert!(matches!(schema.check(br#"{"a":1,"a":2}"#), Err(Rejection::Malformed(_))));
        assert!(BodySchema::compile(r#"{"type":"nonsense"}"#).is_err());
    }
}
