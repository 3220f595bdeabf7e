//! The media types of XML and SOAP messages, from and to the header Content-Type.
//!
//! Attachments (`multipart/related`) have their own module, which uses this one for its parts.

use std::borrow::Cow;

use super::Version;

/// A media type with the parameters that matter here. Parameters come as they are, without quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MediaType<'a> {
    /// In lower case, without parameters.
    pub(crate) essence: String,
    pub(crate) parameters: Vec<(String, Cow<'a, str>)>,
}

/// More parameters than any real header has.
const MAX_PARAMETERS: usize = 16;

/// Reads a Content-Type; `None` when it is malformed or has a parameter twice.
pub(crate) fn media_type(header: &str) -> Option<MediaType<'_>> {
    let (essence, mut rest) = header.split_once(';').unwrap_or((header, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let mut parameters: Vec<(String, Cow<'_, str>)> = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return Some(MediaType { essence, parameters });
        }
        let (name, after) = rest.split_once('=')?;
        let name = name.trim().to_ascii_lowercase();
        let (value, left) = parameter_value(after.trim_start())?;
        if !is_token(&name) || parameters.len() >= MAX_PARAMETERS || parameters.iter().any(|(known, _)| *known == name)
        {
            return None;
        }
        parameters.push((name, value));
        rest = left.trim_start();
        if !rest.is_empty() && !rest.starts_with(';') {
            return None;
        }
    }
}

fn parameter_value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (!value.is_empty()).then_some((Cow::Borrowed(value), rest));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((Cow::Owned(value), &quoted[at + 1..])),
            c => value.push(c),
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

impl MediaType<'_> {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

impl Version {
    /// The Content-Type of a message; 1.2 has its action here.
    pub(crate) fn content_type(self, action: Option<&str>) -> String {
        match (self, action) {
            (Self::Soap11, _) => "text/xml; charset=utf-8".to_owned(),
            (Self::Soap12, None) => "application/soap+xml; charset=utf-8".to_owned(),
            (Self::Soap12, Some(action)) => {
                let quoted = action.replace('\\', "\\\\").replace('"', "\\\"");
                format!("application/soap+xml; charset=utf-8; action=\"{quoted}\"")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn types_and_parameters_are_read_as_http_writes_them() {
        let read = media_type("Application/SOAP+xml; charset=utf-8 ;action=\"urn:\\\"a;b\"; ").unwrap();
        assert_eq!(read.essence, "application/soap+xml");
        assert_eq!(read.parameter("action"), Some("urn:\"a;b"));
        assert_eq!(read.parameter("charset"), Some("utf-8"));
    }

    #[test]
    fn what_two_readers_could_understand_differently_is_refused() {
        for header in [
            "",
            "text",
            "text/",
            "/xml",
            "text/xml; a",
            "text/xml; a=",
            "text/xml; a=\"b",
            "text/xml; a=b; A=c",
            "text/xml; a=b c=d",
            "text/xml; =b",
            "te xt/xml",
        ] {
            assert_eq!(media_type(header), None, "{header}");
        }
    }

    #[test]
    fn the_action_travels_in_the_header_of_its_version() {
        let header = Version::Soap12.content_type(Some("urn:\"a\\"));
        assert_eq!(media_type(&header).unwrap().parameter("action"), Some("urn:\"a\\"));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(header in "[a/;=\" \\\\é]{0,24}") {
            let _ = media_type(&header);
        }
    }
}
