//! What reading XML promises: the convention, the refusals, and that nothing costs much.

use super::super::error::XmlErrorKind as Kind;
use super::*;
use crate::json;
use proptest::prelude::*;

const NAMES: [(&str, &str); 2] = [("", "http://dancuquocgia.bca"), ("mic", "http://www.mic.gov.vn/dancu/1.0")];

fn names() -> Names {
    Names::new(NAMES).unwrap()
}

fn read_with(text: &str, lists: &[&str]) -> Result<String, XmlError> {
    let names = names();
    let lists = Lists::new(lists);
    let limits = XmlLimits::default();
    let root = read(text, &names, &lists, &limits)?;
    let mut out = format!("{}=", root.key).into_bytes();
    json::write(&root.value, &mut out);
    Ok(String::from_utf8(out).unwrap())
}

fn kind(text: &str) -> Kind {
    read_with(text, &[]).expect_err(&text[..text.len().min(99)]).kind
}

#[test]
fn elements_attributes_and_texts_follow_the_convention() {
    for (text, value) in [
        ("<a/>", r#"a="""#),
        ("<a></a>", r#"a="""#),
        ("<a> x </a>", r#"a=" x ""#),
        ("<a>  </a>", r#"a="  ""#),
        ("<a x='1'>t</a>", r##"a={"@x":"1","#text":"t"}"##),
        ("<a x='1'/>", r#"a={"@x":"1"}"#),
        ("<a x='1'>\n</a>", "a={\"@x\":\"1\",\"#text\":\"\\n\"}"),
        ("<a>\n <z>1</z>\n <b>2</b>\n</a>\n", r#"a={"z":"1","b":"2"}"#),
        ("<a><b>1</b><b>2</b></a>", r#"a={"b":["1","2"]}"#),
        ("<a><b>1</b><c/><b x='1'/></a>", r#"a={"b":["1",{"@x":"1"}],"c":""}"#),
        ("<a>one run<b/></a>", r##"a={"#text":"one run","b":""}"##),
        ("<a><b/>one <!-- c --><![CDATA[run]]></a>", r##"a={"b":"","#text":"one run"}"##),
        ("<a>x<![CDATA[<&>]]>y</a>", r#"a="x<&>y""#),
        ("<a>&lt;&#x1EA1;&amp;amp;</a>", r#"a="<ạ&amp;""#),
        ("<a>1\r\n2\r3&#13;</a>", r#"a="1\n2\n3\r""#),
        ("<?xml version='1.0' encoding='utf-8'?><!-- c --><?pi x?>\n<a/><!-- d -->", r#"a="""#),
        ("\u{feff}<a/>", r#"a="""#),
        ("<họ.tên>Nguyễn</họ.tên>", r#"họ.tên="Nguyễn""#),
    ] {
        assert_eq!(read_with(text, &[]).unwrap(), value, "{text}");
    }
}

#[test]
fn keys_have_the_prefixes_of_the_contract_whatever_the_document_uses() {
    for (text, value) in [
        ("<a xmlns='http://dancuquocgia.bca'><b/></a>", r#"a={"b":""}"#),
        ("<d:a xmlns:d='http://dancuquocgia.bca'><d:b/><c/></d:a>", r#"a={"b":"","c":""}"#),
        ("<mic:a xmlns:mic='http://www.mic.gov.vn/dancu/1.0'/>", r#"mic:a="""#),
        ("<x:a xmlns:x='http://www.mic.gov.vn/dancu/1.0'/>", r#"mic:a="""#),
        ("<a xmlns='http://www.mic.gov.vn/dancu/1.0'><b xmlns=''/></a>", r#"mic:a={"b":""}"#),
        ("<mic:a xmlns:mic='urn:other'/>", r#"{urn:other}a="""#),
        (
            "<a xmlns:m='http://www.mic.gov.vn/dancu/1.0' xmlns:d='http://dancuquocgia.bca' m:x='1' d:x='2' x='3'/>",
            r#"a={"@mic:x":"1","@{http://dancuquocgia.bca}x":"2","@x":"3"}"#,
        ),
        ("<a xml:lang='vi'/>", r#"a={"@xml:lang":"vi"}"#),
        ("<a><x:b xmlns:x='urn:1'/><x:b xmlns:x='urn:2'/></a>", r#"a={"{urn:1}b":"","{urn:2}b":""}"#),
    ] {
        assert_eq!(read_with(text, &[]).unwrap(), value, "{text}");
    }
}

#[test]
fn envelopes_have_the_prefix_soap_and_only_in_their_own_version() {
    for (own, other) in [(Version::Soap11, Version::Soap12), (Version::Soap12, Version::Soap11)] {
        let (own, other) = (own.namespace(), other.namespace());
        let text =
            format!("<e:Envelope xmlns:e='{own}' xmlns:f='{other}'><e:Body f:x=''><f:Body/></e:Body></e:Envelope>");
        let value = format!(r#"soap:Envelope={{"soap:Body":{{"@{{{other}}}x":"","{{{other}}}Body":""}}}}"#);
        assert_eq!(read_with(&text, &[]).unwrap(), value);
    }
}

#[test]
fn nil_is_null_and_hints_for_validators_are_dropped() {
    let xsi = "xmlns:i='http://www.w3.org/2001/XMLSchema-instance'";
    for (inside, value) in [
        ("<b i:nil='true'/>", r#"{"b":null}"#),
        ("<b i:nil=' 1 ' i:type='x'></b>", r#"{"b":null}"#),
        ("<b i:nil='false'>x</b>", r#"{"b":"x"}"#),
        ("<b i:nil='true' id='1'/>", r#"{"b":{"@xsi:nil":"true","@id":"1"}}"#),
        ("<b i:type='x'>y</b>", r##"{"b":{"@xsi:type":"x","#text":"y"}}"##),
        ("<b i:schemaLocation='u l' i:noNamespaceSchemaLocation='l'>y</b>", r#"{"b":"y"}"#),
    ] {
        assert_eq!(read_with(&format!("<a {xsi}>{inside}</a>"), &[]).unwrap(), format!("a={value}"));
    }
    for inside in ["x", "<c/>"] {
        assert_eq!(kind(&format!("<a {xsi} i:nil='true'>{inside}</a>")), Kind::NilContent);
    }
}

#[test]
fn what_the_contract_calls_a_list_is_one_even_alone() {
    let text = "<r><a><b>1</b></a><c><b/></c><d/></r>";
    assert_eq!(read_with(text, &["b"]).unwrap(), r#"r={"a":{"b":["1"]},"c":{"b":[""]},"d":""}"#);
    assert_eq!(read_with(text, &["a/b"]).unwrap(), r#"r={"a":{"b":["1"]},"c":{"b":""},"d":""}"#);
    assert_eq!(read_with(text, &["/r/c", "r"]).unwrap(), r#"r={"a":{"b":"1"},"c":[{"b":""}],"d":""}"#);
    let soap = Version::Soap11.namespace();
    let text = format!("<s:Envelope xmlns:s='{soap}'><s:Body><r><b/></r></s:Body></s:Envelope>");
    let value = r#"soap:Envelope={"soap:Body":{"r":{"b":[""]}}}"#;
    assert_eq!(read_with(&text, &["/r/b", "r", "/r"]).unwrap(), value);
}

#[test]
fn what_is_not_well_formed_is_refused_with_its_kind() {
    for (text, expected) in [
        ("", Kind::Empty),
        (" \n", Kind::Empty),
        ("<!-- only -->", Kind::Empty),
        ("x<a/>", Kind::Syntax),
        ("{\"a\":1}", Kind::Syntax),
        ("<a/>x", Kind::TrailingData),
        ("<a/><b/>", Kind::TrailingData),
        ("<a/>&amp;", Kind::TrailingData),
        ("<a/><![CDATA[]]>", Kind::TrailingData),
        ("&amp;<a/>", Kind::Syntax),
        ("<a>", Kind::Truncated),
        ("<a><b></b>", Kind::Truncated),
        ("<a", Kind::Truncated),
        ("<a x='1", Kind::Truncated),
        ("<a><!-- ", Kind::Truncated),
        ("<a><![CDATA[ ]]", Kind::Truncated),
        ("<a></b>", Kind::Mismatched),
        ("<a></A>", Kind::Mismatched),
        ("</a>", Kind::Mismatched),
        ("<a></a x='1'>", Kind::Mismatched),
        ("<p:a xmlns:p='u' xmlns:q='u'></q:a>", Kind::Mismatched),
        ("<a>]]></a>", Kind::Syntax),
        ("<a><!-- -- --></a>", Kind::Syntax),
        ("<a>\u{1}</a>", Kind::Character),
        ("<a>\u{ffff}</a>", Kind::Character),
        ("<a>&#0;</a>", Kind::Character),
        ("<a>&#xD800;</a>", Kind::Character),
        ("<a b='&#8;'/>", Kind::Character),
        ("<a>&nbsp;</a>", Kind::Entity),
        ("<a>& b</a>", Kind::Entity),
        ("<a>a&b</a>", Kind::Entity),
        ("<a b='&x;'/>", Kind::Entity),
        ("<1a/>", Kind::Name),
        ("<a:b:c/>", Kind::Name),
        ("< a/>", Kind::Name),
        ("<></>", Kind::Name),
        ("<a b/c='1'/>", Kind::Syntax),
        ("<a 1='1'/>", Kind::Name),
        ("<a b/>", Kind::Syntax),
        ("<a b=1/>", Kind::Syntax),
        ("<a b='<'/>", Kind::Syntax),
        ("<a b='1'c='2'/>", Kind::Syntax),
        ("<a b='1' b='2'/>", Kind::DuplicateAttribute),
        ("<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>", Kind::DuplicateAttribute),
        ("<a xmlns:x='u' xmlns:x='v'/>", Kind::DuplicateAttribute),
        ("<a xmlns='u' xmlns='v'/>", Kind::DuplicateAttribute),
        ("<p:a/>", Kind::UnboundPrefix),
        ("<a p:b='1'/>", Kind::UnboundPrefix),
        ("<a><b xmlns:p='u'/><p:c/></a>", Kind::UnboundPrefix),
        ("<a xmlns:p=''/>", Kind::Namespace),
        ("<a xmlns:xmlns='u'/>", Kind::Namespace),
        ("<a xmlns:xml='u'/>", Kind::Namespace),
        ("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", Kind::Namespace),
        ("<a xmlns='http://www.w3.org/2000/xmlns/'/>", Kind::Namespace),
        ("<a>x<b/>y</a>", Kind::MixedContent),
        ("<?xml version='1.1'?><a/>", Kind::Version),
        ("<?xml encoding='utf-8'?><a/>", Kind::Syntax),
        ("<?xml version='1.0' x='1'?><a/>", Kind::Syntax),
        ("<?xml version='1.0' standalone='maybe'?><a/>", Kind::Syntax),
        (" <?xml version='1.0'?><a/>", Kind::Syntax),
        ("<a/><?xml version='1.0'?>", Kind::Syntax),
        ("<a><?XML x?></a>", Kind::Syntax),
        ("<a><?1 x?></a>", Kind::Syntax),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
}

#[test]
fn document_types_and_their_entities_are_refused_before_they_cost_anything() {
    let mut bomb = String::from("<!DOCTYPE lolz [<!ENTITY lol \"lol\">");
    for n in 1..10 {
        bomb.push_str(&format!("<!ENTITY lol{n} \"{}\">", format!("&lol{};", n - 1).repeat(10)));
    }
    bomb.push_str("]><lolz>&lol9;</lolz>");
    for text in [
        &bomb,
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1/x'>%x;]><a/>",
        "<!DOCTYPE a><a/>",
        "<!doctype a><a/>",
        "<!DOCTYPE>",
        "<!DOCTYPE a [",
        "<a><!DOCTYPE a><b/></a>",
    ] {
        assert_eq!(kind(text), Kind::Doctype, "{text}");
    }
    assert_eq!(kind("<a>&lol9;</a>"), Kind::Entity);
}

#[test]
fn an_error_says_where_and_what_to_do_and_nothing_of_the_text() {
    let error = read_with("<a>\n <b>s3cret</b>\n <c s3cret='s3cret' s3cret=''/>\n</a>", &[]).unwrap_err();
    assert_eq!((error.line, error.column, error.kind), (3, 21, Kind::DuplicateAttribute));
    let text = format!("{error} {error:?}");
    assert!(text.contains("line 3, column 21") && text.contains("every attribute once") && !text.contains("s3cret"));
}

#[test]
fn every_bound_is_kept() {
    let many = |n: usize, text: &dyn Fn(usize) -> String| (0..n).map(text).collect::<String>();
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(read_with(&nested(64), &[]).is_ok());
    for depth in [65, 100_000] {
        assert_eq!(kind(&nested(depth)), Kind::TooDeep);
        assert_eq!(kind(&"<a>".repeat(depth)), Kind::TooDeep);
    }
    let attributes = |n| format!("<a{}/>", many(n, &|n| format!(" a{n}=''")));
    assert!(read_with(&attributes(64), &[]).is_ok());
    assert_eq!(kind(&attributes(65)), Kind::TooManyAttributes);
    assert_eq!(kind(&attributes(200_000)), Kind::TooManyAttributes);
    let spaces = |n| format!("<a>{}", many(n, &|n| format!("<b xmlns:p{n}='u{n}' xmlns:q{n}='u'>")));
    assert_eq!(kind(&spaces(60)), Kind::TooManyNamespaces);
    assert_eq!(kind(&format!("<{}/>", "a".repeat(257))), Kind::NamesTooLong);
    assert_eq!(kind(&format!("<a>{}</a>", "<b/>".repeat(250_000))), Kind::TooManyNodes);
    let uri = "u".repeat(60_000);
    assert_eq!(kind(&format!("<a xmlns='{uri}'>{}</a>", "<b/>".repeat(1000))), Kind::NamesTooLong);
}

#[test]
fn texts_without_escapes_are_borrowed() {
    let names = Names::default();
    let (lists, limits) = (Lists::default(), XmlLimits::default());
    let root = read("<a><b>x</b><c y='z'/><d>&amp;</d></a>", &names, &lists, &limits).ok().unwrap();
    assert!(matches!(root.key, Cow::Borrowed("a")));
    assert!(matches!(root.value.get("b"), Some(Tree::Text(Cow::Borrowed("x")))));
    assert!(matches!(root.value.get("c").and_then(|c| c.get("@y")), Some(Tree::Text(Cow::Borrowed("z")))));
    assert!(matches!(root.value.get("d"), Some(Tree::Text(Cow::Owned(_)))));
}

/// Pieces that make and break documents.
const PIECES: [&str; 40] = [
    "<a>",
    "</a>",
    "<b x='1'>",
    "</b>",
    "<a/>",
    "<p:a xmlns:p='u'>",
    "</p:a>",
    "<p:b/>",
    " xmlns='v'",
    " x=\"2\"",
    "text",
    " ",
    "\n",
    "\r\n",
    "&amp;",
    "&#65;",
    "&#x0;",
    "&lol;",
    "&",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "--",
    "<?xml version='1.0'?>",
    "<?p i?>",
    "<!DOCTYPE a>",
    "<",
    ">",
    "/",
    "'",
    "\"",
    "=",
    "\0",
    "\u{feff}",
    "\u{fffe}",
    "ạ",
    ":",
    "xmlns:",
    "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'>",
];

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = read_with(&text, &["a"]);
    }

    #[test]
    fn no_mixture_of_markup_makes_it_panic(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..30),
    ) {
        let _ = read_with(&pieces.concat(), &["a", "/a/b"]);
    }

    #[test]
    fn no_change_to_a_good_envelope_makes_it_panic(
        at in 0usize..400, cut in 0usize..20, piece in prop::sample::select(PIECES.to_vec()),
    ) {
        const GOOD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
            xmlns:i='http://www.w3.org/2001/XMLSchema-instance'><s:Header/><s:Body><d:TraCuu xmlns:d='http://dancuquocgia.bca'>\
            <d:MaYeuCau>1&amp;2</d:MaYeuCau><d:Paging i:nil='true'/><x><![CDATA[<]]></x></d:TraCuu></s:Body></s:Envelope>";
        prop_assert!(read_with(GOOD, &[]).is_ok());
        let (mut at, mut end) = (at.min(GOOD.len()), (at + cut).min(GOOD.len()));
        while !GOOD.is_char_boundary(at) { at -= 1; }
        while !GOOD.is_char_boundary(end) { end += 1; }
        let changed = [&GOOD[..at], piece, &GOOD[end..]].concat();
        if let Err(error) = read_with(&changed, &[]) {
            prop_assert!(error.line <= changed.lines().count() + 1);
        }
    }
}
