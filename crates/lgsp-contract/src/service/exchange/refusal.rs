//! Why a message was not passed on, and whose fault that is. It holds no values of the message.

use std::borrow::Cow;

use lgsp_model::Finding;

use super::Fault;
use crate::JsonError;
use crate::map::MapFailure;
use crate::service::{Blame, Dialogue};
use crate::template::TemplateFailure;
use crate::xml::XmlError;

/// Why a request or an answer was not passed on.
#[derive(Debug)]
pub enum Refusal {
    /// The service does not speak this.
    MediaType {
        /// What it speaks.
        spoken: Vec<Dialogue>,
    },
    /// The request is no acceptable JSON.
    Json(JsonError),
    /// The request is no acceptable XML.
    Xml(XmlError),
    /// The request is no acceptable SOAP message or has broken attachments; what to do.
    Soap {
        /// What is wrong and what to do.
        what: Cow<'static, str>,
        /// How the fault names it.
        blame: Blame,
    },
    /// The request breaks its contract.
    Violates(Vec<Finding>),
    /// Mapping the request cost more than one message may.
    TooCostly,
    /// The mapped request cannot be written; where and why.
    Unwritable(Finding),
    /// The upstream's answer is not what its contract says.
    Answer {
        /// The places that are wrong, if it could be read.
        findings: Vec<Finding>,
        /// What is wrong, in words.
        why: Cow<'static, str>,
    },
    /// The upstream answered with a fault.
    Fault(Fault),
}

impl Refusal {
    /// A message that is no acceptable SOAP for a reason of its own.
    pub(super) fn soap(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Soap { what: what.into(), blame: Blame::Sender }
    }

    /// The same, found in an answer: then it is the upstream's.
    pub(super) fn answer(self) -> Self {
        let (findings, why) = match self {
            Self::Violates(findings) => (findings, "it breaks the contract".into()),
            Self::Unwritable(finding) => (vec![finding], "it cannot be written in the caller's form".into()),
            Self::Json(_) => (Vec::new(), "it is not well-formed JSON".into()),
            Self::Xml(_) => (Vec::new(), "it is not well-formed XML".into()),
            Self::Soap { what, .. } => (Vec::new(), what),
            Self::TooCostly => (Vec::new(), "mapping it costs more than one message may".into()),
            Self::MediaType { .. } => (Vec::new(), "it has another media type".into()),
            answer @ (Self::Answer { .. } | Self::Fault(_)) => return answer,
        };
        Self::Answer { findings, why }
    }
}

impl From<MapFailure> for Refusal {
    fn from(failure: MapFailure) -> Self {
        match failure {
            MapFailure::Findings(findings) => Self::Violates(findings),
            MapFailure::Steps | MapFailure::Output => Self::TooCostly,
        }
    }
}

impl From<TemplateFailure> for Refusal {
    fn from(failure: TemplateFailure) -> Self {
        match failure {
            TemplateFailure::Absent { .. } | TemplateFailure::Unfit { .. } => {
                Self::Violates(vec![Finding::new("", "template", failure.to_string())])
            }
            TemplateFailure::Fuel | TemplateFailure::Output => Self::TooCostly,
        }
    }
}
