//! The XML reader: any bytes are read or refused in bounded time, with a place and without a word of the document, and
//! somebody else's reader agrees that what was read is XML.

use std::time::{Duration, Instant};

use lgsp_contract::xml_to_json;

use crate::chance::Chance;
use crate::checks::shown;
use crate::mutate::end;
use crate::texts::Language;

/// The longest reading of one text, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(5);

/// What may stand in no error.
const CANARY: &str = "079199887766";

pub(crate) const DOCUMENTS: [&str; 6] = [
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a xmlns=\"urn:x\" b='1'><c>079199887766</c><c/><d><![CDATA[<&>]]></d></a>",
    "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header/><soap:Body><x:R xmlns:x=\"urn:x\" \
     xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><x:n xsi:nil=\"true\"/><x:t>&#x1EBF;&amp;&lt;</x:t></x:R>\
     </soap:Body></soap:Envelope>",
    "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value>\
     </e:Code><e:Reason><e:Text xml:lang=\"vi\">079199887766</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>",
    "<a>\r\n  <!-- x --><?pi y?><b k=\"v\">t</b>\r\n</a>\n",
    "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
    "<a xmlns:p=\"urn:1\" xmlns:q=\"urn:2\"><p:b q:c=\"1\"/><q:b xmlns:p=\"urn:3\"><p:d/></q:b></a>",
];

pub(crate) const WORDS: [&str; 40] = [
    "<",
    ">",
    "</",
    "/>",
    "<a>",
    "</a>",
    "<a",
    " b='1'",
    " xmlns=\"urn:y\"",
    " xmlns:p=\"urn:p\"",
    "p:",
    "xml:",
    "xmlns:",
    "&",
    "&amp;",
    "&x;",
    "&#0;",
    "&#x1EBF;",
    "&#xD800;",
    "&#99999999999;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "--",
    "<?xml version=\"1.0\"?>",
    "<?pi ",
    "?>",
    "<!DOCTYPE a>",
    "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>",
    "<!ENTITY ",
    " xsi:nil=\"true\"",
    "encoding=\"UTF-16\"",
    "encoding=\"windows-1258\"",
    "version=\"1.1\"",
    "<soap:Body>",
    "</soap:Body>",
    "<soap:Fault>",
    " soap:mustUnderstand=\"1\"",
    "standalone=\"no\"",
];

/// A text in another encoding.
pub(crate) fn encoded(chance: &mut Chance, text: Vec<u8>) -> Vec<u8> {
    let wide = |mark: u16, bytes: fn(u16) -> [u8; 2]| {
        let text = String::from_utf8_lossy(&text).into_owned();
        std::iter::once(mark).chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    match chance.below(12) {
        0 => wide(0xFEFF, u16::to_le_bytes),
        1 => wide(0xFEFF, u16::to_be_bytes),
        _ => text,
    }
}

/// Whether the other reader took it too, or is wrong to refuse it: the prefix `xml` is bound without being declared (Namespaces in
/// XML 1.0, §3), which it knows for attributes only.
fn agrees(theirs: &Result<roxmltree::Document<'_>, roxmltree::Error>) -> bool {
    match theirs {
        Ok(_) => true,
        Err(roxmltree::Error::UnknownNamespace(prefix, _)) => prefix == "xml",
        Err(_) => false,
    }
}

#[test]
fn the_other_reader_is_wrong_about_one_prefix_only() {
    let theirs = |text| agrees(&roxmltree::Document::parse(text));
    for right in ["<a><xml:c/></a>", "<a xml:lang='vi'/>", "<a/>"] {
        assert!(theirs(right) && xml_to_json(right.as_bytes(), None, None).is_ok(), "{right}");
    }
    for wrong in ["<a><other:c/></a>", "<a></b>"] {
        assert!(!theirs(wrong) && xml_to_json(wrong.as_bytes(), None, None).is_err(), "{wrong}");
    }
}

#[test]
fn any_bytes_are_read_or_refused_and_another_reader_agrees() {
    let mut chance = Chance::printed("XML");
    let seeds = DOCUMENTS.map(|text| text.as_bytes().to_vec());
    let language = Language { seeds: &seeds, words: &WORDS };
    let (end, mut read, mut refused) = (end(), 0, 0);
    while Instant::now() < end {
        let text = language.bent(&mut chance);
        let text = encoded(&mut chance, text);
        let charset = [None, Some("utf-8"), Some("UTF-16"), Some("tcvn")][chance.below(4)];
        let begun = Instant::now();
        match xml_to_json(&text, charset, Some("urn:x")) {
            Ok(json) => {
                let value: serde_json::Value =
                    serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{error} of {}", shown(&text)));
                assert_eq!(value.as_object().map(serde_json::Map::len), Some(1), "{}", shown(&text));
                if let Ok(text) = std::str::from_utf8(&text) {
                    let theirs = roxmltree::Document::parse(text);
                    assert!(agrees(&theirs), "{:?} for {}", theirs.err(), shown(text.as_bytes()));
                }
                read += 1;
            }
            Err(error) => {
                assert!(!error.to_string().contains(CANARY), "{error} for {}", shown(&text));
                refused += 1;
            }
        }
        assert!(begun.elapsed() < LONGEST, "{:?} for {}", begun.elapsed(), shown(&text));
    }
    assert!(read > 0 && refused > 0, "the mutations miss a kind: {read}, {refused}");
    println!("{read} documents read, {refused} refused");
}
