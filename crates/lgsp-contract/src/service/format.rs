//! The languages that callers and upstreams speak, and how a message says which it is. It converts nothing.

use super::Dialogue;

/// The form of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON (RFC 8259).
    Json,
    /// XML without an envelope.
    Xml,
    /// SOAP 1.1.
    Soap11,
    /// SOAP 1.2.
    Soap12,
}

impl Format {
    /// The word of contracts.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "json" => Some(Self::Json),
            "xml" => Some(Self::Xml),
            "soap11" => Some(Self::Soap11),
            "soap12" => Some(Self::Soap12),
            _ => None,
        }
    }

    /// The media type of a message without attachments.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml; charset=utf-8",
            Self::Soap11 => "text/xml; charset=utf-8",
            Self::Soap12 => "application/soap+xml; charset=utf-8",
        }
    }

    /// Whether it is one of the XML forms.
    pub const fn is_xml(self) -> bool {
        !matches!(self, Self::Json)
    }

    /// Whether it has an envelope.
    pub const fn is_soap(self) -> bool {
        matches!(self, Self::Soap11 | Self::Soap12)
    }

    /// The form of a caller's message by its media type (without parameters, lower case), among those that the service
    /// speaks. A message without a body or a type is in the service's first language.
    pub(super) fn of_caller(media_type: Option<&str>, spoken: &[Dialogue]) -> Option<Self> {
        let speaks = |dialogue| spoken.contains(&dialogue);
        let Some(media_type) = media_type else { return spoken.first().map(|first| Self::first_of(*first)) };
        match media_type {
            "application/soap+xml" if speaks(Dialogue::Soap) => Some(Self::Soap12),
            // Soap 1.1 and plain XML share this one: a service that speaks both takes it for an envelope.
            "text/xml" if speaks(Dialogue::Soap) => Some(Self::Soap11),
            "text/xml" | "application/xml" if speaks(Dialogue::Xml) => Some(Self::Xml),
            // Old clients send envelopes under this type; what they are, the envelope's namespace says.
            "application/xml" if speaks(Dialogue::Soap) => Some(Self::Soap11),
            json if is_json(json) && speaks(Dialogue::Json) => Some(Self::Json),
            _ => None,
        }
    }

    pub(super) fn first_of(dialogue: Dialogue) -> Self {
        match dialogue {
            Dialogue::Json => Self::Json,
            Dialogue::Xml => Self::Xml,
            Dialogue::Soap => Self::Soap11,
        }
    }
}

/// Whether a media type is JSON (RFC 6839 §3.1).
pub(super) fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type == "text/json" || media_type.ends_with("+json")
}

/// The media type of a header's value: without parameters, lower case.
pub(super) fn media_type(header: &str) -> String {
    header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_in_a_form_that_the_service_speaks_or_in_none() {
        use Dialogue::{Json, Soap, Xml};
        for (media_type, spoken, expected) in [
            (Some("application/json"), &[Json][..], Some(Format::Json)),
            (Some("application/problem+json"), &[Json], Some(Format::Json)),
            (Some("text/xml"), &[Json], None),
            (Some("text/xml"), &[Json, Soap], Some(Format::Soap11)),
            (Some("text/xml"), &[Xml], Some(Format::Xml)),
            (Some("application/xml"), &[Soap], Some(Format::Soap11)),
            (Some("application/xml"), &[Soap, Xml], Some(Format::Xml)),
            (Some("application/soap+xml"), &[Soap], Some(Format::Soap12)),
            (Some("application/soap+xml"), &[Xml], None),
            (Some("text/plain"), &[Json, Xml, Soap], None),
            (None, &[Soap, Json], Some(Format::Soap11)),
            (None, &[], None),
        ] {
            assert_eq!(Format::of_caller(media_type, spoken), expected, "{media_type:?} {spoken:?}");
        }
        assert_eq!(media_type(" Text/XML ; charset=utf-8"), "text/xml");
    }
}
