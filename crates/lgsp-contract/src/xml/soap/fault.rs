//! Faults of both versions as one value.
//!
//! It does not decide which fault answers which error.

use std::borrow::Cow;

use super::super::names::Names;
use super::super::read::TEXT;
use super::super::write::{Nil, WriteError, WriteOptions, Writer, write_into};
use super::{Version, begin, end};
use crate::tree::{Member, Members, Tree};

/// An error that one side tells the other. No `Debug`: the detail may hold personal data.
pub(crate) struct Fault<'a> {
    pub(crate) code: FaultCode<'a>,
    /// What is more exact than the code, without its prefix: the last `Subcode` of 1.2, or in 1.1 what follows the dot.
    pub(crate) subcode: Option<Cow<'a, str>>,
    /// At least one; 1.1 has exactly one.
    pub(crate) reasons: Vec<Reason<'a>>,
    /// Who failed: `faultactor` of 1.1, `Role` of 1.2.
    pub(crate) actor: Option<Cow<'a, str>>,
    /// What stands inside the element of that name.
    pub(crate) detail: Option<Tree<'a>>,
}

/// Whose fault it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultCode<'a> {
    /// The sender's: `Client` in 1.1, `Sender` in 1.2.
    Client,
    /// The receiver's: `Server` in 1.1, `Receiver` in 1.2.
    Server,
    VersionMismatch,
    MustUnderstand,
    /// Any other, without its prefix.
    Other(Cow<'a, str>),
}

/// What happened, for people.
#[derive(Clone)]
pub(crate) struct Reason<'a> {
    /// `vi`, `en` …; empty when it is not said.
    pub(crate) language: Cow<'a, str>,
    pub(crate) text: Cow<'a, str>,
}

impl<'a> Fault<'a> {
    /// A fault in two languages, without detail.
    pub(crate) fn new(code: FaultCode<'a>, vi: impl Into<Cow<'a, str>>, en: impl Into<Cow<'a, str>>) -> Self {
        let reason = |language, text| Reason { language: Cow::Borrowed(language), text };
        let reasons = vec![reason("vi", vi.into()), reason("en", en.into())];
        Self { code, subcode: None, reasons, actor: None, detail: None }
    }

    /// The reason in the language asked for, else the first one.
    pub(crate) fn reason(&self, language: &str) -> &str {
        let asked = self.reasons.iter().find(|reason| {
            let tag = reason.language.split('-').next().unwrap_or_default();
            tag.eq_ignore_ascii_case(language)
        });
        asked.or(self.reasons.first()).map_or("", |reason| &reason.text)
    }

    pub(super) fn from_tree(tree: Tree<'a>, version: Version) -> Option<Self> {
        let Tree::Object(members) = tree else { return None };
        let (mut code, mut reasons, mut actor, mut detail) = (None, Vec::new(), None, None);
        for member in members.into_order() {
            let key = member.key.as_str();
            match (version, local(key)) {
                (Version::Soap11, "faultcode") => code = text(member.value).map(code11),
                (Version::Soap11, "faultstring") => reasons.extend(reason(member.value)),
                (Version::Soap11, "faultactor") | (Version::Soap12, "Role") => actor = text(member.value),
                (Version::Soap11, "detail") | (Version::Soap12, "Detail") => detail = Some(member.value),
                (Version::Soap12, "Code") => code = code12(&member.value),
                (Version::Soap12, "Reason") => reasons = reasons12(member.value),
                _ => {}
            }
        }
        let (code, subcode) = code?;
        if reasons.is_empty() {
            return None;
        }
        Some(Self { code, subcode, reasons, actor, detail })
    }
}

/// A key or a qualified name without its prefix.
fn local(name: &str) -> &str {
    let name = name.rsplit('}').next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default().trim()
}

/// The text of an element, whatever attributes it has.
fn text(tree: Tree<'_>) -> Option<Cow<'_, str>> {
    match tree {
        Tree::Text(text) => Some(text),
        Tree::Object(members) => {
            let text = members.into_order().into_iter().find(|member| member.key.as_str() == TEXT)?;
            text_of(text)
        }
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::List(_) => None,
    }
}

fn text_of(member: Member<'_>) -> Option<Cow<'_, str>> {
    match member.value {
        Tree::Text(text) => Some(text),
        _ => None,
    }
}

fn reason(tree: Tree<'_>) -> Option<Reason<'_>> {
    let language = tree.get("@xml:lang").and_then(Tree::as_str).unwrap_or_default().to_owned();
    Some(Reason { language: Cow::Owned(language), text: text(tree)? })
}

fn named(name: &str) -> FaultCode<'static> {
    match name {
        "Client" | "Sender" => FaultCode::Client,
        "Server" | "Receiver" => FaultCode::Server,
        "VersionMismatch" => FaultCode::VersionMismatch,
        "MustUnderstand" => FaultCode::MustUnderstand,
        other => FaultCode::Other(Cow::Owned(other.to_owned())),
    }
}

/// `soap:Client` or, with a subcode, `soap:Client.Authentication`.
fn code11<'a>(value: Cow<'a, str>) -> (FaultCode<'a>, Option<Cow<'a, str>>) {
    let name = local(&value);
    match name.split_once('.').map(|(first, rest)| (named(first), rest)) {
        None | Some((FaultCode::Other(_), _)) => (named(name), None),
        Some((code, subcode)) => (code, Some(Cow::Owned(subcode.to_owned()))),
    }
}

fn code12<'a>(tree: &Tree<'a>) -> Option<(FaultCode<'a>, Option<Cow<'a, str>>)> {
    let value = |tree: &Tree<'a>| tree.get("soap:Value").and_then(Tree::as_str).map(|value| local(value).to_owned());
    let code = named(&value(tree)?);
    let (mut subcode, mut inner) = (None, tree.get("soap:Subcode"));
    while let Some(tree) = inner {
        subcode = value(tree).or(subcode);
        inner = tree.get("soap:Subcode");
    }
    Some((code, subcode.map(Cow::Owned)))
}

fn reasons12(tree: Tree<'_>) -> Vec<Reason<'_>> {
    let Tree::Object(members) = tree else { return Vec::new() };
    let texts = members.into_order().into_iter().filter(|member| local(member.key.as_str()) == "Text");
    texts
        .flat_map(|member| match member.value {
            Tree::List(items) => items,
            one => vec![one],
        })
        .filter_map(reason)
        .collect()
}

/// Writes an envelope with a fault. Of several reasons 1.1 gets the one in `language`, else the first.
pub(crate) fn write_fault(
    version: Version,
    fault: &Fault<'_>,
    names: &Names,
    language: &str,
) -> Result<Vec<u8>, WriteError> {
    let options = WriteOptions { declaration: true, nil: Nil::Xsi, soap: version };
    let mut out = Vec::new();
    begin(&mut out, version, true);
    out.extend_from_slice(b"<soap:Body><soap:Fault>");
    match version {
        Version::Soap11 => write11(&mut out, fault, names, &options, language)?,
        Version::Soap12 => write12(&mut out, fault, names, &options)?,
    }
    out.extend_from_slice(b"</soap:Fault>");
    end(&mut out);
    Ok(out)
}

fn write11(
    out: &mut Vec<u8>,
    fault: &Fault<'_>,
    names: &Names,
    options: &WriteOptions,
    language: &str,
) -> Result<(), WriteError> {
    let code = fault.code.name(Version::Soap11);
    let code = match (&fault.code, &fault.subcode) {
        // A code of somebody's own is in no namespace of SOAP.
        (FaultCode::Other(_), _) => code.to_owned(),
        (_, Some(subcode)) => format!("soap:{code}.{subcode}"),
        (_, None) => format!("soap:{code}"),
    };
    let none = Names::default();
    let simple =
        |out: &mut Vec<u8>, key, text: &str| write_into(out, key, &Tree::Text(Cow::Borrowed(text)), &none, options);
    simple(out, "faultcode", &code)?;
    simple(out, "faultstring", fault.reason(language))?;
    if let Some(actor) = &fault.actor {
        simple(out, "faultactor", actor)?;
    }
    detail(out, "detail", fault, names, options)
}

fn write12(out: &mut Vec<u8>, fault: &Fault<'_>, names: &Names, options: &WriteOptions) -> Result<(), WriteError> {
    let none = Names::default();
    let simple =
        |out: &mut Vec<u8>, key, text: &str| write_into(out, key, &Tree::Text(Cow::Borrowed(text)), &none, options);
    out.extend_from_slice(b"<soap:Code>");
    simple(out, "soap:Value", &format!("soap:{}", fault.code.name(Version::Soap12)))?;
    let own = match &fault.code {
        FaultCode::Other(own) => Some(own),
        _ => None,
    };
    if let Some(subcode) = fault.subcode.as_ref().or(own) {
        out.extend_from_slice(b"<soap:Subcode>");
        simple(out, "soap:Value", subcode)?;
        out.extend_from_slice(b"</soap:Subcode>");
    }
    out.extend_from_slice(b"</soap:Code><soap:Reason>");
    for reason in &fault.reasons {
        let language = if reason.language.is_empty() { "vi" } else { &*reason.language };
        let members = vec![
            Member::new("@xml:lang", Tree::Text(Cow::Borrowed(language))),
            Member::new(TEXT, Tree::Text(Cow::Borrowed(&*reason.text))),
        ];
        write_into(out, "soap:Text", &Tree::Object(Members::gathered(members)), &none, options)?;
    }
    out.extend_from_slice(b"</soap:Reason>");
    if let Some(actor) = &fault.actor {
        simple(out, "soap:Role", actor)?;
    }
    detail(out, "soap:Detail", fault, names, options)
}

/// The element that holds the detail has no namespace in 1.1, so that what is inside must declare its own.
fn detail(
    out: &mut Vec<u8>,
    name: &'static str,
    fault: &Fault<'_>,
    names: &Names,
    options: &WriteOptions,
) -> Result<(), WriteError> {
    let none = Names::default();
    let Some(Tree::Object(members)) = &fault.detail else {
        return fault.detail.as_ref().map_or(Ok(()), |detail| write_into(out, name, detail, &none, options));
    };
    out.push(b'<');
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
    for member in members.in_order() {
        let key = member.key.as_str();
        match &member.value {
            _ if key.starts_with('@') => {}
            Tree::Text(text) if key == TEXT => {
                let mut writer = Writer::new(out, &none, options);
                writer.text(text).map_err(|kind| writer.error(kind))?;
            }
            Tree::List(items) => {
                for item in items {
                    write_into(out, key, item, names, options)?;
                }
            }
            value => write_into(out, key, value, names, options)?,
        }
    }
    out.extend_from_slice(b"</");
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
    Ok(())
}

impl FaultCode<'_> {
    /// Its name in a version. What only one side knows is the receiver's fault in 1.2.
    pub(crate) fn name(&self, version: Version) -> &str {
        match (self, version) {
            (Self::Client, Version::Soap11) => "Client",
            (Self::Client, Version::Soap12) => "Sender",
            (Self::Server, Version::Soap11) => "Server",
            (Self::Server, Version::Soap12) => "Receiver",
            (Self::VersionMismatch, _) => "VersionMismatch",
            (Self::MustUnderstand, _) => "MustUnderstand",
            (Self::Other(own), Version::Soap11) => own,
            (Self::Other(_), Version::Soap12) => "Receiver",
        }
    }
}
