//! Why a text is not acceptable XML, and where. Holds nothing of the text.

use std::fmt;

/// Why a text is not acceptable XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlErrorKind {
    /// Not XML.
    Syntax,
    /// Ends before its root element does.
    Truncated,
    /// There is no element at all.
    Empty,
    /// Something other than comments follows the root element.
    TrailingData,
    /// An end tag without its start tag.
    Mismatched,
    /// A document type declaration.
    Doctype,
    /// A reference to an entity that XML itself does not define, or an `&` that starts no reference.
    Entity,
    /// A character that XML does not allow.
    Character,
    /// A name that is no name.
    Name,
    /// One element has the same attribute twice.
    DuplicateAttribute,
    /// A prefix that nothing declares.
    UnboundPrefix,
    /// A declaration of a namespace that the standard forbids.
    Namespace,
    /// Texts and elements alternate.
    MixedContent,
    /// An element says that it is nil and holds something.
    NilContent,
    /// A version other than 1.0.
    Version,
    /// An encoding other than UTF-8 and UTF-16.
    Charset,
    /// Content-Type, byte order mark and declaration name different encodings.
    CharsetConflict,
    /// The bytes are not what their encoding says.
    Encoding,
    /// Elements are nested too deep.
    TooDeep,
    /// An element has too many attributes.
    TooManyAttributes,
    /// Too many elements and attributes.
    TooManyNodes,
    /// Too many namespaces are declared at once.
    TooManyNamespaces,
    /// Names are too long, or names and namespaces together.
    NamesTooLong,
}

impl XmlErrorKind {
    /// The stable name, as findings use it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::TrailingData => "trailing-data",
            Self::Mismatched => "mismatched-tag",
            Self::Doctype => "doctype",
            Self::Entity => "entity",
            Self::Character => "character",
            Self::Name => "name",
            Self::DuplicateAttribute => "duplicate-attribute",
            Self::UnboundPrefix => "unbound-prefix",
            Self::Namespace => "namespace",
            Self::MixedContent => "mixed-content",
            Self::NilContent => "nil-content",
            Self::Version => "xml-version",
            Self::Charset => "charset",
            Self::CharsetConflict => "charset-conflict",
            Self::Encoding => "encoding",
            Self::TooDeep => "too-deep",
            Self::TooManyAttributes => "too-many-attributes",
            Self::TooManyNodes => "too-many-nodes",
            Self::TooManyNamespaces => "too-many-namespaces",
            Self::NamesTooLong => "names-too-long",
        }
    }

    /// What the sender should do, in English.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Syntax => "this is not well-formed XML; send one complete document",
            Self::Truncated => "the document ends before its root element; send it whole",
            Self::Empty => "there is no element; send one XML document",
            Self::TrailingData => "something follows the root element; send exactly one document",
            Self::Mismatched => "an end tag does not match its start tag; close elements in order",
            Self::Doctype => "a document type declaration is not accepted; leave <!DOCTYPE> out",
            Self::Entity => {
                "only &amp; &lt; &gt; &quot; &apos; and character references are accepted; write & as &amp;"
            }
            Self::Character => "a character that XML 1.0 does not allow; leave control characters out",
            Self::Name => "the name of an element, attribute or instruction is not valid; use letters, digits, . - _",
            Self::DuplicateAttribute => "an element has the same attribute twice; send every attribute once",
            Self::UnboundPrefix => "a prefix is not declared; declare it with xmlns:prefix",
            Self::Namespace => "this namespace must not be declared so; see Namespaces in XML 1.0, section 3",
            Self::MixedContent => "an element mixes texts and elements; put the texts into elements of their own",
            Self::NilContent => "an element with xsi:nil holds something; send it empty, or without xsi:nil",
            Self::Version => "only XML 1.0 is accepted; declare version=\"1.0\"",
            Self::Charset => "only UTF-8 and UTF-16 are accepted; convert the document and send it as UTF-8",
            Self::CharsetConflict => {
                "Content-Type, byte order mark and XML declaration name different encodings; make them agree"
            }
            Self::Encoding => "the bytes are not in the encoding that they are said to be in; send UTF-8",
            Self::TooDeep => "elements are nested too deep; send a flatter document",
            Self::TooManyAttributes => "an element has too many attributes; send fewer",
            Self::TooManyNodes => "there are too many elements and attributes; split the document",
            Self::TooManyNamespaces => "too many namespaces are declared; send fewer",
            Self::NamesTooLong => "names and namespaces are too long; send shorter ones",
        }
    }
}

/// Where a text stops being acceptable XML, and why. Holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: XmlErrorKind,
}

impl XmlError {
    /// The error at byte `offset` of `text`; the end of the text if that is shorter.
    pub(crate) fn at(text: &[u8], offset: usize, kind: XmlErrorKind) -> Self {
        let before = &text[..offset.min(text.len())];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        Self { line: memchr::memchr_iter(b'\n', before).count() + 1, column: before.len() - line_start + 1, kind }
    }
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.kind.advice())
    }
}

impl std::error::Error for XmlError {}
