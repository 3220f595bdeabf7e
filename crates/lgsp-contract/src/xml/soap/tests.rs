//! What reading and writing envelopes promises, in both versions.

use super::*;
use crate::json;
use proptest::prelude::*;

fn envelope(version: Version, inside: &str) -> String {
    format!("<e:Envelope xmlns:e='{}' xmlns='urn:x'>{inside}</e:Envelope>", version.namespace())
}

fn names() -> Names {
    Names::new([("", "urn:x")]).unwrap()
}

fn read_with(text: &str, understood: Understood) -> Result<Envelope<'_>, SoapError> {
    read(text, &names(), &Lists::default(), &XmlLimits::default(), understood)
}

fn error(text: &str) -> SoapError {
    match read_with(text, Understood::None) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error,
    }
}

fn json_of(tree: &Tree<'_>) -> String {
    let mut out = Vec::new();
    json::write(tree, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn payload_and_headers_are_read_in_both_versions() {
    for version in [Version::Soap11, Version::Soap12] {
        let text = envelope(
            version,
            "<e:Header><t>1</t><t>2</t><u a='b'/></e:Header>\n<e:Body a='b'> <p><q>1</q></p> </e:Body>",
        );
        let envelope = read_with(&text, Understood::None).ok().unwrap();
        assert_eq!(envelope.version, version);
        let headers: Vec<_> = envelope.headers.iter().map(|header| (&*header.key, json_of(&header.value))).collect();
        assert_eq!(headers, [("t", "\"1\"".into()), ("t", "\"2\"".into()), ("u", r#"{"@a":"b"}"#.into())]);
        let Body::Payload(payload) = envelope.body else { panic!("no payload") };
        assert_eq!((&*payload.key, json_of(&payload.value).as_str()), ("p", r#"{"q":"1"}"#));
    }
}

#[test]
fn a_body_may_be_empty_and_has_at_most_one_element() {
    for inside in ["<e:Body/>", "<e:Header/><e:Body>\n</e:Body>"] {
        assert!(matches!(
            read_with(&envelope(Version::Soap11, inside), Understood::None),
            Ok(Envelope { body: Body::Empty, .. })
        ));
    }
    for inside in ["<e:Body><p/><q/></e:Body>", "<e:Body><p/><p/></e:Body>"] {
        let text = envelope(Version::Soap12, inside);
        assert!(matches!(error(&text), SoapError::Shape { what: ShapeError::SeveralPayloads, .. }));
    }
}

#[test]
fn what_is_no_envelope_of_a_known_version_is_a_version_mismatch() {
    for text in ["<Envelope xmlns='urn:other'><Body/></Envelope>", "<Envelope/>", "<a/>"] {
        assert_eq!(error(text), SoapError::VersionMismatch);
    }
    assert!(matches!(error("<!DOCTYPE a><a/>"), SoapError::Xml(_)));
}

#[test]
fn parts_that_do_not_belong_into_an_envelope_are_refused() {
    for (inside, what) in [
        ("", ShapeError::NoBody),
        ("<e:Header/>", ShapeError::NoBody),
        ("<Body/>", ShapeError::UnknownPart),
        ("<e:Body/><e:Header/>", ShapeError::UnknownPart),
        ("<e:Body/><e:Body/>", ShapeError::UnknownPart),
        ("<e:Body/><p/>", ShapeError::UnknownPart),
        ("text<e:Body/>", ShapeError::Text),
        ("<e:Body>text</e:Body>", ShapeError::Text),
        ("<e:Body><e:Fault/></e:Body>", ShapeError::Fault),
        ("<e:Body><e:Fault><x/></e:Fault></e:Body>", ShapeError::Fault),
    ] {
        let found = error(&envelope(Version::Soap11, inside));
        assert_eq!(found, SoapError::Shape { version: Version::Soap11, what }, "{inside}");
    }
}

#[test]
fn a_header_that_must_be_understood_and_is_not_is_refused() {
    let with = |version, header: &str| envelope(version, &format!("<e:Header>{header}</e:Header><e:Body/>"));
    for (version, header) in [
        (Version::Soap11, "<h e:mustUnderstand='1'/>"),
        (Version::Soap12, "<h e:mustUnderstand='true'/>"),
        (Version::Soap11, "<known/><h e:mustUnderstand='1' e:actor='http://schemas.xmlsoap.org/soap/actor/next'/>"),
    ] {
        let error = read_with(&with(version, header), Understood::None).err().unwrap();
        assert_eq!(error, SoapError::MustUnderstand { version, header: "h".into() });
        assert!(read_with(&with(version, header), Understood::Passed).is_ok());
    }
    for (version, header) in [
        (Version::Soap11, "<h e:mustUnderstand='0'/>"),
        (Version::Soap12, "<h e:mustUnderstand='true' e:role='urn:other'/>"),
        (Version::Soap11, "<h mustUnderstand='1'/>"),
    ] {
        assert!(read_with(&with(version, header), Understood::None).is_ok(), "{header}");
    }
}

#[test]
fn faults_of_the_field_are_read_in_both_versions() {
    let fault = |version, inside: &str| {
        let text = envelope(version, &format!("<e:Body><e:Fault>{inside}</e:Fault></e:Body>"));
        let Body::Fault(fault) = read_with(&text, Understood::None).ok().unwrap().body else { panic!("no fault") };
        let detail = fault.detail.as_ref().map(json_of);
        (format!("{:?}", fault.code), fault.subcode.clone().map(Cow::into_owned), fault.reason("vi").to_owned(), detail)
    };
    let read = fault(
        Version::Soap11,
        "<faultcode xmlns=''>e:Client.Auth</faultcode><faultstring xmlns='' xml:lang='vi'>Sai</faultstring>\
         <detail xmlns=''><code>7</code></detail>",
    );
    assert_eq!(read, ("Client".into(), Some("Auth".into()), "Sai".into(), Some(r#"{"code":"7"}"#.into())));
    let read = fault(Version::Soap11, "<faultcode>ns:TooBusy</faultcode><faultstring/>");
    assert_eq!(read, ("Other(\"TooBusy\")".into(), None, String::new(), None));
    let read = fault(
        Version::Soap12,
        "<e:Code><e:Value>e:Receiver</e:Value><e:Subcode><e:Value>m:Busy</e:Value></e:Subcode></e:Code><e:Reason>\
         <e:Text xml:lang='en'>Wrong</e:Text><e:Text xml:lang='vi-VN'>Sai</e:Text></e:Reason><e:Role>urn:r</e:Role>",
    );
    assert_eq!(read, ("Server".into(), Some("Busy".into()), "Sai".into(), None));
}

#[test]
fn the_payload_declares_its_own_namespaces() {
    let payload = Element::new("p", json::parse(br#"{"q":"1 < 2","@xsi:type":"t"}"#).ok().unwrap());
    let header = Element::new("h", json::parse(br#"{"@soap:mustUnderstand":"1"}"#).ok().unwrap());
    let options = WriteOptions { declaration: false, ..WriteOptions::default() };
    let bytes = write(Version::Soap12, &[header], Some(&payload), &names(), &options).unwrap();
    let soap = "http://www.w3.org/2003/05/soap-envelope";
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        format!(
            "<soap:Envelope xmlns:soap=\"{soap}\"><soap:Header><h xmlns=\"urn:x\" xmlns:soap=\"{soap}\" \
             soap:mustUnderstand=\"1\"/></soap:Header><soap:Body><p xmlns=\"urn:x\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"t\"><q>1 &lt; 2</q></p></soap:Body>\
             </soap:Envelope>"
        )
    );
    let error = write(Version::Soap11, &[], Some(&Element::new("a b", Tree::Null)), &names(), &options).unwrap_err();
    assert_eq!(error.path, "/a b");
}

fn code() -> impl Strategy<Value = FaultCode<'static>> {
    prop_oneof![
        Just(FaultCode::Client),
        Just(FaultCode::Server),
        Just(FaultCode::VersionMismatch),
        Just(FaultCode::MustUnderstand),
    ]
}

proptest! {
    #[test]
    fn a_fault_that_is_written_is_read_back_the_same(
        code in code(), subcode in prop::option::of("[A-Za-z]{1,8}"), vi in "[a-zạ<&]{1,9}", en in "[a-z]{1,9}",
        actor in prop::option::of("urn:[a-z]{1,5}"), detail in prop::option::of("[a-z<]{1,9}"), twelve in any::<bool>(),
    ) {
        let version = if twelve { Version::Soap12 } else { Version::Soap11 };
        let mut fault = Fault::new(code, vi, en);
        fault.subcode = subcode.map(Cow::Owned);
        fault.actor = actor.map(Cow::Owned);
        let detail = detail.map(|text| format!(r#"{{"Loi":["{text}","2"],"m":{{"a":"b"}}}}"#));
        fault.detail = detail.as_ref().map(|detail| json::parse(detail.as_bytes()).ok().unwrap());
        let text = String::from_utf8(write_fault(version, &fault, &names(), "vi").unwrap()).unwrap();
        let Body::Fault(read) = read_with(&text, Understood::None).ok().unwrap().body else { panic!("no fault") };
        prop_assert_eq!((&read.code, &read.subcode, &read.actor), (&fault.code, &fault.subcode, &fault.actor));
        prop_assert_eq!(read.reason("vi"), fault.reason("vi"));
        if version == Version::Soap12 {
            prop_assert_eq!(read.reason("en"), fault.reason("en"));
        }
        prop_assert_eq!(read.detail.as_ref().map(json_of), detail);
    }

    #[test]
    fn no_arrangement_of_parts_makes_it_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<e:Header>", "</e:Header>", "<e:Body>", "</e:Body>", "<e:Fault>", "</e:Fault>", "<faultcode>", "</faultcode>",
            "<e:Code/>", "<e:Reason/>", "<e:Text/>", "<p/>", "x", "<h e:mustUnderstand='1'/>",
        ]), 0..12), twelve in any::<bool>(),
    ) {
        let version = if twelve { Version::Soap12 } else { Version::Soap11 };
        let _ = read_with(&envelope(version, &parts.concat()), Understood::None);
    }
}
