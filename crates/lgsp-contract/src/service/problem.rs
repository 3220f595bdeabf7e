//! Errors and acknowledgements for callers who speak XML or SOAP. What they say is decided elsewhere.

use serde_json::Value;

use super::Format;
use super::exchange::{self, CallerAnswer, Envelope};
use crate::json;
use crate::tree::{Member, Members, Tree};
use crate::xml::soap::{self, Fault, FaultCode, Version};
use crate::xml::{self, Names, WriteOptions};

/// An error on its way to a caller: the members of a problem (RFC 9457) and two sentences.
pub struct Problem {
    /// `type`, `title`, `status`, `detail` and so on: a JSON object.
    pub members: Value,
    /// One English sentence.
    pub reason_en: &'static str,
    /// One Vietnamese sentence.
    pub reason_vi: &'static str,
    /// Whose fault it is, in SOAP's words.
    pub blame: Blame,
}

/// Whose fault an error is, as SOAP tells apart (1.1 §4.4.1, 1.2 part 1 §5.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The message is wrong.
    Sender,
    /// This side failed.
    Receiver,
    /// It is no envelope of a known version.
    VersionMismatch,
    /// A header that must be understood is not.
    MustUnderstand,
}

/// The namespace of problem documents (RFC 9457, appendix B).
const PROBLEM: &str = "urn:ietf:rfc:7807";

impl Problem {
    /// Media type and body in a form.
    pub fn write(&self, format: Format) -> (&'static str, Vec<u8>) {
        let names = Names::new([("", PROBLEM)]).expect("one namespace with a plain prefix");
        let tree = Tree::from_value(&self.members);
        match format {
            Format::Json => {
                let mut out = Vec::new();
                json::write(&tree, &mut out);
                ("application/problem+json", out)
            }
            Format::Xml => {
                let written = xml::write("problem", &tree, &names, &WriteOptions::default());
                (
                    "application/problem+xml",
                    written.unwrap_or_else(|_| b"<problem xmlns=\"urn:ietf:rfc:7807\"/>".to_vec()),
                )
            }
            Format::Soap11 => (format.media_type(), self.fault(Version::Soap11, tree, &names)),
            Format::Soap12 => (format.media_type(), self.fault(Version::Soap12, tree, &names)),
        }
    }

    fn fault(&self, version: Version, tree: Tree<'_>, names: &Names) -> Vec<u8> {
        let code = match self.blame {
            Blame::Sender => FaultCode::Client,
            Blame::Receiver => FaultCode::Server,
            Blame::VersionMismatch => FaultCode::VersionMismatch,
            Blame::MustUnderstand => FaultCode::MustUnderstand,
        };
        let mut fault = Fault::new(code, self.reason_vi, self.reason_en);
        let detail = Members::sorted(vec![Member::new("problem", tree)]).expect("one key");
        fault.detail = Some(Tree::Object(detail));
        soap::write_fault(version, &fault, names, "vi").unwrap_or_else(|_| {
            // A partner's words may hold what XML cannot carry: the fault goes without them.
            fault.detail = None;
            soap::write_fault(version, &fault, names, "vi").expect("two sentences of ours are XML")
        })
    }
}

/// What the sender of a stored message gets: its id, in the form that he spoke.
pub(super) fn accepted(format: Format, id: &str, duplicate: bool, names: &Names) -> CallerAnswer {
    let status = if duplicate { "duplicate" } else { "accepted" };
    let members = vec![
        Member::new("message_id", Tree::Text(id.into())),
        Member::new("outcome", Tree::Text(status.into())),
        Member::new("status", Tree::Text(format!("/v1/messages/{id}").into())),
    ];
    let tree = Tree::Object(Members::sorted(members).expect("three different keys"));
    let envelope = Envelope { element: Some("Accepted"), header: Vec::new() };
    let body =
        exchange::write(tree, format, &envelope, names).expect("digits and three names can be written in any form");
    CallerAnswer {
        status: if duplicate { 200 } else { 202 },
        content_type: Some(format.media_type().to_owned()),
        body: body.into(),
        observed: Vec::new(),
    }
}
