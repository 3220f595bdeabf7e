//! The examples of a service: requests with what the upstream must get, answers with what the caller must get. They are
//! data that `lgsp check` runs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_model::{Finding, Timestamp};
use serde::Deserialize;

use super::exchange::{Inbound, Refusal, UpstreamAnswer};
use super::read::Folder;
use super::{Format, Operation, Service};
use crate::manifest::line_of;
use crate::map::Context;
use crate::xml::{Lists, Names, XmlLimits};
use crate::{Diagnostic, ExampleReport, json, xml};

/// The examples of one service.
#[derive(Default)]
pub(crate) struct Examples(Vec<(String, Case)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(rename = "case", default)]
    cases: Vec<Case>,
}

/// One request, and the answer to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    operation: String,
    /// The form of `send`; the first that the service speaks when it is absent.
    format: Option<String>,
    #[serde(default)]
    send: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    path: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What the upstream gets; absent: it is not looked at.
    expect: Option<String>,
    expect_path: Option<String>,
    expect_audit: Option<String>,
    expect_key: Option<String>,
    /// The findings that refuse the request, as `path rule`.
    #[serde(default)]
    errors: Vec<String>,
    /// Instead of findings: the request is refused before it is checked, as `json`, `xml`, `soap` or `media-type`.
    refused: Option<String>,
    answer: Option<Answer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(default = "ok")]
    status: u16,
    #[serde(rename = "type")]
    content_type: Option<String>,
    #[serde(default)]
    body: String,
    /// What the caller gets.
    expect: Option<String>,
    expect_status: Option<u16>,
    /// The findings that keep it from the caller.
    #[serde(default)]
    errors: Vec<String>,
    /// Whether it is a fault.
    #[serde(default)]
    fault: bool,
}

fn ok() -> u16 {
    200
}

/// The instant that examples are run at: 2026-01-15T09:30:00+07:00.
const NOW: Timestamp = Timestamp(1_768_444_200_000);

/// The key of digests in examples.
const DIGEST_KEY: &[u8] = b"examples";

impl Examples {
    pub(super) fn read(name: Option<&str>, folder: &mut Folder<'_>) -> Self {
        let Some(name) = name else { return Self::default() };
        let files: Vec<_> = folder.below(name).collect();
        let mut cases = Vec::new();
        for (file, text) in files.into_iter().filter(|(file, _)| file.ends_with(".toml")) {
            let inside = format!("{name}/{file}");
            match toml::from_str::<CaseFile>(text) {
                Ok(read) => cases.extend(read.cases.into_iter().map(|case| (folder.path(&inside), case))),
                Err(error) => {
                    let place = error.span().map_or_else(|| "the file".to_owned(), |span| line_of(text, span.start));
                    folder.refuse_in(&inside, place, error.message().to_owned());
                }
            }
        }
        if cases.is_empty() {
            folder.refuse("examples", format!("there is no example in {name}/*.toml: write at least one [[case]]"));
        }
        Self(cases)
    }

    pub(super) fn run(&self, service: &Service) -> ExampleReport {
        let mut report = ExampleReport { run: self.0.len(), failures: Vec::new() };
        for (file, case) in &self.0 {
            if let Err(message) = case.run(service) {
                report.failures.push(Diagnostic { file: file.clone(), place: case.name.clone(), message });
            }
        }
        report
    }
}

impl Case {
    fn run(&self, service: &Service) -> Result<(), String> {
        let operation = service.operation(&self.operation).ok_or("there is no operation of this name")?;
        let pairs = |map: &BTreeMap<String, String>| -> Vec<(Cow<'static, str>, Cow<'static, str>)> {
            map.iter().map(|(name, value)| (Cow::Owned(name.clone()), Cow::Owned(value.clone()))).collect()
        };
        let (query, path, headers) = (pairs(&self.query), pairs(&self.path), pairs(&self.headers));
        let context = Context {
            trace: Some("0af7651916cd43dd8448eb211c80319c"),
            now: Some(NOW),
            member: Some("example"),
            person: None,
            agency: Some("H11"),
            service: Some(service.id()),
            operation: Some(operation.name()),
            message: Some("1"),
            status: None,
            query: &query,
            path: &path,
            headers: &headers,
            digest_key: DIGEST_KEY,
        };
        let format = match self.format.as_deref() {
            Some(word) => Format::parse(word).ok_or("format must be json, xml, soap11 or soap12")?,
            None => {
                service.exposed.formats.first().map(|first| Format::first_of(*first)).ok_or("nothing is read here")?
            }
        };
        let body = Bytes::copy_from_slice(self.send.trim().as_bytes());
        let inbound = Inbound { content_type: Some(format.media_type()), body: &body, context: &context, path: "" };
        let call = match operation.request(&inbound) {
            Ok(_) if !self.errors.is_empty() || self.refused.is_some() => {
                return Err("the request passes, but should be refused".to_owned());
            }
            Ok(call) => call,
            Err(refusal) => return self.check_refusal(&refusal),
        };
        let upstream = operation.exchange.upstream.unwrap_or(format);
        let sent = call.content_type.as_deref().map_or(format, |_| upstream);
        same("the upstream's request", self.expect.as_deref(), &call.body, sent, &service.names)?;
        equal("path", self.expect_path.as_deref(), call.path.as_deref())?;
        equal("key", self.expect_key.as_deref(), call.key.as_deref())?;
        if let Some(expected) = &self.expect_audit {
            let audit = call.audit.unwrap_or_default();
            same("the audit", Some(expected), &audit, Format::Json, &service.names)?;
        }
        match &self.answer {
            Some(answer) => answer.run(operation, call.caller, upstream, &context, &service.names),
            None => Ok(()),
        }
    }

    fn check_refusal(&self, refusal: &Refusal) -> Result<(), String> {
        let word = match refusal {
            Refusal::MediaType { .. } => "media-type",
            Refusal::Json(_) => "json",
            Refusal::Xml(_) => "xml",
            Refusal::Soap { .. } => "soap",
            Refusal::TooCostly => "too-costly",
            Refusal::Unwritable(finding) => return compare(&self.errors, std::slice::from_ref(finding)),
            Refusal::Violates(findings) => return compare(&self.errors, findings),
            Refusal::Answer { .. } | Refusal::Fault(_) => "answer",
        };
        equal("refusal", self.refused.as_deref(), Some(word))
    }
}

impl Answer {
    fn run(
        &self,
        operation: &Operation,
        caller: Format,
        upstream: Format,
        context: &Context<'_>,
        names: &Names,
    ) -> Result<(), String> {
        let body = Bytes::copy_from_slice(self.body.trim().as_bytes());
        let content_type = self.content_type.as_deref().unwrap_or(upstream.media_type());
        let answer = UpstreamAnswer { status: self.status, content_type: Some(content_type), body: &body };
        let context = Context { status: Some(self.status), ..*context };
        match operation.response(caller, &answer, &context) {
            Ok(_) if self.fault || !self.errors.is_empty() => Err("the answer passes, but should not".to_owned()),
            Ok(made) => {
                let status = self.expect_status.unwrap_or(self.status);
                equal("status", Some(&status.to_string()), Some(&made.status.to_string()))?;
                same("the caller's answer", self.expect.as_deref(), &made.body, caller, names)
            }
            Err(Refusal::Fault(fault)) if self.fault => match self.expect_status {
                Some(status) if fault.status != Some(status) => {
                    Err(format!("the fault's status is {:?}", fault.status))
                }
                _ => Ok(()),
            },
            Err(Refusal::Answer { findings, .. }) if !self.errors.is_empty() => compare(&self.errors, &findings),
            Err(refusal) => Err(format!("the answer does not pass: {refusal:?}")),
        }
    }
}

fn equal(what: &str, expected: Option<&str>, found: Option<&str>) -> Result<(), String> {
    match expected {
        Some(_) if expected != found => Err(format!("{what} is {found:?}")),
        _ => Ok(()),
    }
}

fn compare(expected: &[String], findings: &[Finding]) -> Result<(), String> {
    let found: Vec<String> = findings.iter().map(|finding| format!("{} {}", finding.path, finding.rule)).collect();
    let same = expected.len() == found.len() && expected.iter().all(|one| found.contains(one));
    if same { Ok(()) } else { Err(format!("the findings are {found:?}")) }
}

/// Whether two messages say the same: in JSON whatever the order of members, in XML in the same order and with whatever
/// prefixes.
fn same(what: &str, expected: Option<&str>, found: &[u8], format: Format, names: &Names) -> Result<(), String> {
    let Some(expected) = expected else { return Ok(()) };
    let found = std::str::from_utf8(found).map_err(|_| format!("{what} is not UTF-8"))?;
    let equal = match format {
        Format::Json => {
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).map_err(|error| error.to_string());
            match (expected.trim().is_empty(), found.is_empty()) {
                (true, true) => true,
                (true, false) | (false, true) => false,
                (false, false) => value(expected).map_err(|error| format!("expect: {error}"))? == value(found)?,
            }
        }
        Format::Xml | Format::Soap11 | Format::Soap12 => canonical(expected.trim(), names)? == canonical(found, names)?,
    };
    if equal { Ok(()) } else { Err(format!("{what} is {found}")) }
}

fn canonical(text: &str, names: &Names) -> Result<Vec<u8>, String> {
    let root = xml::read(text, names, &Lists::default(), &XmlLimits::default());
    let root = root.map_err(|error| format!("expect: {error}"))?;
    let mut out = root.key.into_owned().into_bytes();
    json::write(&root.value, &mut out);
    Ok(out)
}
