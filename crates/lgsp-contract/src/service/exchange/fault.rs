//! A fault of the upstream, between dialects: SOAP faults and JSON errors become one thing, and that becomes whatever the
//! caller speaks.

use serde_json::Value;

use crate::tree::{Member, Members, Tree};
use crate::xml::soap;

/// What an upstream said instead of a result. It goes to the caller and never to a log: it may quote the message.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The status of the answer to the caller, when the contract's map chose one.
    pub status: Option<u16>,
    /// The status that the upstream answered with.
    pub upstream_status: u16,
    /// The upstream's code, such as a SOAP fault code.
    pub code: Option<String>,
    /// The upstream's words.
    pub reason: Option<String>,
    /// Whatever else it said.
    pub detail: Option<Value>,
}

impl Fault {
    /// A fault of which only the status can be read.
    pub(super) fn of_status(status: u16) -> Self {
        Self { status: None, upstream_status: status, code: None, reason: None, detail: None }
    }

    pub(super) fn of_answer(status: u16, fault: Option<soap::Fault<'_>>, tree: Tree<'_>) -> Self {
        match fault {
            Some(fault) => Self {
                code: Some(
                    fault
                        .subcode
                        .as_deref()
                        .map_or_else(|| fault.code.name(soap::Version::Soap11).to_owned(), str::to_owned),
                ),
                reason: Some(fault.reason("vi").to_owned()),
                detail: fault.detail.as_ref().map(Tree::to_value),
                ..Self::of_status(status)
            },
            None => Self { detail: Some(tree.to_value()), ..Self::of_status(status) },
        }
    }

    /// The value that the contract's map of faults sees: `status`, `code`, `reason`, `detail`.
    pub(super) fn to_tree(&self) -> Tree<'_> {
        let mut members = vec![Member::new("status", Tree::Number(self.upstream_status.into()))];
        let text = |text: &'_ String| Tree::Text(text.clone().into());
        members.extend(self.code.as_ref().map(|code| Member::new("code", text(code))));
        members.extend(self.reason.as_ref().map(|reason| Member::new("reason", text(reason))));
        members.extend(self.detail.as_ref().map(|detail| Member::new("detail", Tree::from_value(detail))));
        Tree::Object(Members::sorted(members).expect("four different keys"))
    }

    /// What the map made of it: `status` 400 to 599, `code`, `reason`, `detail`; what it leaves out is not told.
    pub(super) fn mapped(&self, tree: &Tree<'_>) -> Self {
        let text = |key: &str| tree.get(key).and_then(Tree::as_str).map(str::to_owned);
        let status = match tree.get("status") {
            Some(Tree::Number(number)) => number.as_u64(),
            Some(Tree::Text(text)) => text.parse().ok(),
            _ => None,
        };
        Self {
            status: status.and_then(|status| u16::try_from(status).ok()).filter(|status| (400..600).contains(status)),
            upstream_status: self.upstream_status,
            code: text("code"),
            reason: text("reason"),
            detail: tree.get("detail").map(Tree::to_value),
        }
    }
}
