//! Every function: what its row says, what it does with nothing, and what digests depend on.

use super::*;

#[test]
fn functions_do_what_their_row_says() {
    let input = json!({
        "n": 7, "s": " Nguyễn  Đức ", "d": "17/05/1990", "t": "true", "l": ["a", null, "b"], "big": "12.345", "e": "",
        "deep": {"b": [1], "a": "é"}, "six": "Zm9v", "code": "PHI", "num": "0012", "sp": "  ",
    });
    for (source, expected) in [
        ("text(/n)", r#""7""#),
        ("number(/big)", "12.345"),
        ("number(/n)", "7"),
        ("integer(/num)", "12"),
        ("decimal(/big, 2)", r#""12.35""#),
        ("boolean(/t)", "true"),
        ("date(/d, \"yyyy-MM-dd|dd/MM/yyyy\", \"yyyyMMdd\")", r#""19900517""#),
        ("date($now, \"iso\", \"yyyyMMddHHmmss\")", r#""19700101070000""#),
        ("upper(/s)", "\" NGUYỄN  ĐỨC \""),
        ("lower(/s)", "\" nguyễn  đức \""),
        ("trim(/s)", "\"Nguyễn  Đức\""),
        ("squeeze(/s)", "\"Nguyễn Đức\""),
        ("upper(unaccent(squeeze(/s)))", r#""NGUYEN DUC""#),
        ("nfc(\"e\\u0301\")", "\"é\""),
        ("concat(\"a\", /no, /n)", r#""a7""#),
        ("substring(/s, 1, 6)", "\"Nguyễn\""),
        ("substring(/d, 8, 100)", r#""90""#),
        ("substring(/d, 100, 1)", r#""""#),
        ("replace(/d, \"/\", \"\")", r#""17051990""#),
        ("pad_left(/n, 3, \"0\")", r#""007""#),
        ("length(/s)", "13"),
        ("list(/n, /no, /e)", r#"[7,""]"#),
        ("split(/d, \"/\")", r#"["17","05","1990"]"#),
        ("join(/l, \"-\")", r#""a-b""#),
        ("first(/l)", r#""a""#),
        ("last(split(/d, \"/\"))", r#""1990""#),
        ("item(/l, 2)", r#""b""#),
        ("count(/l)", "3"),
        ("count(/no)", "0"),
        ("sum(list(/n, \"5\", 1))", "13"),
        ("default(/no, \"x\")", r#""x""#),
        ("required(/n)", "7"),
        ("if(/n > 6, \"big\", \"small\")", r#""big""#),
        ("if(/n > 7, \"big\", filled(/e))", "absent"),
        ("filled(/sp)", "absent"),
        ("filled(/n)", "7"),
        ("present(/e)", "true"),
        ("absent(/no)", "true"),
        ("empty(/sp)", "true"),
        ("in(/n, 6, \"7\")", "true"),
        ("in(/n, 6)", "false"),
        ("matches(/d, \"^[0-9/]+$\")", "true"),
        ("matches(/no, \"\")", "false"),
        ("code_back(/code, \"fee-type\")", r#""1""#),
        ("code(/n, \"lossy\")", r#""B""#),
        ("sha256(\"abc\")", r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#),
        ("base64(\"foo\")", r#""Zm9v""#),
        ("base64_decode(/six)", r#""foo""#),
        ("json(/deep)", r#""{\"a\":\"é\",\"b\":[1]}""#),
        ("parse_json(\"[1,{}]\")", "[1,{}]"),
        ("parse_xml(\"<a b='1'><c xmlns='u:1'>x</c></a>\")", r#"{"a":{"@b":"1","{u:1}c":"x"}}"#),
        ("parse_xml(\"<a xmlns='u:1'>x</a>\", \"u:1\")", r#"{"a":"x"}"#),
        ("$status", r#""404""#),
        ("$member", "absent"),
    ] {
        let made = run(&format!("v <- {source}"), input.clone());
        let expected = if expected == "absent" { "{}".to_owned() } else { format!("{{\"v\":{expected}}}") };
        assert_eq!(made, expected, "{source}");
    }
}

#[test]
fn every_function_is_asked_by_an_absent_value_without_harm() {
    for function in super::super::functions::ALL {
        let arguments: Vec<_> = function
            .usage()
            .trim_end_matches(')')
            .split_once('(')
            .map(|(_, names)| names.replace(['[', ']'], "").replace(", …", ""))
            .unwrap()
            .split(", ")
            .map(|name| match name {
                "from" | "to" => "\"iso\"",
                "namespace" => "\"urn:x\"",
                "map" => "\"fee-type\"",
                "regex" | "this" | "by" | "fill" | "separator" | "label" => "\"x\"",
                "digits" | "start" | "length" | "n" => "1",
                "condition" => "present(/no)",
                _ => "/no",
            })
            .collect();
        let source = format!("{}({})", function.name, arguments.join(", "));
        let made = run_with(&format!("v <- {source}"), &json!({}), &Budget::default());
        let expected = match function.name {
            "present" | "in" | "matches" => Ok(r#"{"v":false}"#),
            "absent" | "empty" => Ok(r#"{"v":true}"#),
            "count" => Ok(r#"{"v":0}"#),
            "required" => Err("required"),
            _ => Ok("{}"),
        };
        match (made, expected) {
            (Ok(made), Ok(expected)) => assert_eq!(made, expected, "{source}"),
            (Err(MapFailure::Findings(found)), Err(rule)) => {
                assert_eq!((&*found[0].path, &*found[0].rule), ("/no", rule))
            }
            (made, expected) => panic!("{source}: {made:?}, {expected:?}"),
        }
    }
}

#[test]
fn digests_depend_on_value_label_and_key_and_uuids_on_every_value() {
    let text = |source: &str, key: &[u8]| {
        let map = Map::compile("m", &format!(". <- {source}"), &codes()).ok().unwrap();
        let context = Context { digest_key: key, ..Context::default() };
        let made = map.run(&Tree::Null, &context, &Budget::default()).ok().unwrap();
        made.as_str().unwrap().to_owned()
    };
    let one = text("digest(\"001\", \"person\")", b"k");
    assert_eq!(one.len(), 64);
    assert_eq!(one, text("digest(\"001\", \"person\")", b"k"));
    for other in [
        ("digest(\"002\", \"person\")", "k"),
        ("digest(\"001\", \"officer\")", "k"),
        ("digest(\"001\", \"person\")", "q"),
    ] {
        assert_ne!(one, text(other.0, other.1.as_bytes()));
    }
    let uuid = text("uuid_from(\"a\", \"bc\")", b"");
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
    assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"));
    assert_eq!(uuid, text("uuid_from(\"a\", \"bc\")", b"k"));
    assert_ne!(uuid, text("uuid_from(\"ab\", \"c\")", b""));
}
