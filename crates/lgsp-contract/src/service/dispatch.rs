//! Several operations at one path: the element of a message says which of them it is for, as document/literal SOAP has
//! it. It looks no further into a message than that, and checks nothing else.

use bytes::Bytes;

use super::exchange::{Refusal, decode_request};
use super::{Dispatch, Format, Operation, Service};
use crate::xml::{XmlError, XmlLimits, payload_key};

impl Service {
    /// The operation that a message is for; `found` is the first one at its path.
    ///
    /// # Errors
    /// When the message cannot be read so far, or is for none of them.
    pub fn dispatch<'s>(
        &'s self,
        found: &'s Operation,
        content_type: Option<&str>,
        body: &Bytes,
    ) -> Result<&'s Operation, Refusal> {
        if self.exposed.dispatch == Dispatch::Path {
            return Ok(found);
        }
        let content_type = content_type.filter(|_| !body.is_empty());
        let (format, text) = decode_request(&found.exchange, content_type, body)?;
        let element = self.element_of(format, &text).map_err(Refusal::Xml)?;
        let beside = self.operations.iter().filter(|operation| operation.path == found.path);
        let known = |operation: &&Operation| operation.exchange.request.element == element;
        beside.clone().find(known).ok_or_else(|| {
            let names: Vec<&str> =
                beside.filter_map(|operation| operation.exchange.request.element.as_deref()).collect();
            let message = format!("the element must be one of {}, in the namespace of the contract", names.join(", "));
            Refusal::Violates(vec![lgsp_model::Finding::new("", "element", message)])
        })
    }

    fn element_of(&self, format: Format, text: &str) -> Result<Option<String>, XmlError> {
        payload_key(text, &self.names, &XmlLimits::default(), format.is_soap())
    }
}
