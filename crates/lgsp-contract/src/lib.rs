//! Contracts: what a record must look like before the gateway takes it, and what a service is that passes through it.
//!
//! A contract is a folder of files: a manifest, schemas, maps, examples. This crate loads such folders from texts that
//! it is given, checks records against them, says in findings what is wrong, and computes the digest by which repeats
//! are recognised. It reads no file, knows no clock, changes no record, and never repeats a record's values.

mod body;
mod canonical;
mod catalogue;
mod contract;
mod describe;
mod example;
mod fields;
mod head;
mod instance;
mod json;
mod manifest;
mod map;
mod rules;
mod schema;
mod service;
mod shipped;
mod template;
mod tree;
mod xml;
mod xsd;

pub use body::BodySchema;
pub use catalogue::{Catalogue, Diagnostic, SourceFile, load};
pub use contract::{Checked, Contract, Rejection};
pub use describe::{openapi, wsdl};
pub use example::ExampleReport;
pub use head::{RecordHead, RecordKind};
pub use json::{JsonError, JsonErrorKind, MAX_DEPTH, parse_strict};
pub use map::{
    BadPattern, Budget, CodeMap, CodeMapError, CodeMapProblem, CodeMaps, Context, Document, FunctionInfo,
    MAX_CODE_BYTES, MAX_CODES, Map, MapError, MapFailure, MapProblem, map_functions,
};
pub use rules::{RuleInfo, Severity, rules};
pub use schema::MAX_FINDINGS;
pub use service::{
    Authentication, Blame, CallerAnswer, Check, CredentialTerms, Dialogue, Dispatch, Exposed, Fault, Format, Found,
    Inbound, LoginTerms, MapContext, Mode, NotFound, OAuth2Terms, Operation, Presence, Problem, QueueTerms, Refusal,
    Router, Service, ServiceLimits, TlsTerms, UpstreamAnswer, UpstreamCall, UpstreamTerms, Verdict,
};
pub use shipped::shipped;
pub use template::{Template, TemplateBudget, TemplateError, TemplateFailure, TemplateProblem};
pub use xml::{XmlError, XmlErrorKind, xml_to_json};
pub use xsd::{XmlSchema, Xsd, XsdError, XsdProblem, load_xsd};
