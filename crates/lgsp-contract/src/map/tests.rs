//! What the language does and refuses, case by case; properties are in `properties.rs`, examples in the reference.

mod properties;
mod reference;

use serde_json::{Value, json};

use super::*;

fn codes() -> CodeMaps {
    let mut codes = CodeMaps::default();
    codes.read("fee-type", "from,to\n1,PHI\n2,LEPHI\n").ok().unwrap();
    codes.read("lossy", "from,to\n1,A\n2,A\n*,B\n").ok().unwrap();
    codes
}

pub(super) fn context() -> Context<'static> {
    Context { trace: Some("t-1"), now: Some(lgsp_model::Timestamp(0)), status: Some(404), ..Context::default() }
}

/// The result as JSON text, which shows the order, or the failure.
pub(super) fn run_with(map: &str, input: &Value, budget: &Budget) -> Result<String, MapFailure> {
    let map = Map::compile("m.map", map, &codes()).unwrap_or_else(|errors| panic!("{}", shown(&errors)));
    let (text, context) = (input.to_string(), context());
    let input = json::parse(text.as_bytes()).ok().unwrap();
    let output = map.run(&input, &context, budget)?;
    let mut out = Vec::new();
    json::write(&output, &mut out);
    Ok(String::from_utf8(out).unwrap())
}

fn run(map: &str, input: Value) -> String {
    run_with(map, &input, &Budget::default()).unwrap_or_else(|failure| failure.to_string())
}

fn findings(map: &str, input: Value) -> Vec<(String, String)> {
    match run_with(map, &input, &Budget::default()) {
        Err(MapFailure::Findings(found)) => found.into_iter().map(|found| (found.path, found.rule)).collect(),
        other => panic!("{other:?}"),
    }
}

fn shown(errors: &[MapError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn mistakes(map: &str) -> Vec<(usize, MapProblem)> {
    let errors = Map::compile("m.map", map, &codes()).err().expect("it must be refused");
    errors.into_iter().map(|error| (error.line, error.problem)).collect()
}

#[test]
fn members_stand_in_the_order_of_the_map() {
    let map = "z <- /a\nb/y <- /a\n@v <- \"1.0\"\nb/x <- 2\n#text <- $trace\n\"a b\" <- true";
    assert_eq!(run(map, json!({"a": "A"})), r##"{"z":"A","b":{"y":"A","x":2},"@v":"1.0","#text":"t-1","a b":true}"##);
}

#[test]
fn what_is_absent_is_left_out_and_null_is_copied() {
    assert_eq!(run("a <- /x\nb <- /n\nc/d <- /x/y", json!({"n": null})), r#"{"b":null}"#);
    assert_eq!(
        run("a <- upper(/n)\nb <- default(/n, 1)\nc <- {}\nd <- []", json!({"n": null})),
        r#"{"b":1,"c":{},"d":[]}"#
    );
    assert_eq!(run("a <- nothing", json!({})), "{}");
}

#[test]
fn lists_are_made_of_items_and_a_single_value_is_one_item() {
    let map = "f[] <- each /fees {\n n <- ./name\n t <- code(./type, \"fee-type\")\n o <- /all\n}";
    let two = json!({"fees": [{"name": "a", "type": "1"}, {"name": "b", "type": 2}], "all": 1});
    assert_eq!(run(map, two), r#"{"f":[{"n":"a","t":"PHI","o":1},{"n":"b","t":"LEPHI","o":1}]}"#);
    assert_eq!(run(map, json!({"fees": {"name": "a"}})), r#"{"f":[{"n":"a"}]}"#);
    assert_eq!(run(map, json!({"fees": []})), r#"{"f":[]}"#);
    assert_eq!(run(map, json!({})), "{}");
    assert_eq!(run(map, json!({"fees": null})), "{}");
}

#[test]
fn items_may_be_nested_computed_and_left_out() {
    let map = "l[] <- each /a {\n m[] <- each ./b {\n  . <- upper(.) when . != \"x\"\n }\n}";
    assert_eq!(run(map, json!({"a": [{"b": ["x", "y"]}, {"b": "z"}]})), r#"{"l":[{"m":["Y"]},{"m":["Z"]}]}"#);
    let map = "l[] <- each split(/a, \";\") {\n c <- .\n}";
    assert_eq!(run(map, json!({"a": "1;2"})), r#"{"l":[{"c":"1"},{"c":"2"}]}"#);
    let map = "l[] <- each /a {\n . <- {\n  v <- ./v\n } when ./keep == true\n}";
    assert_eq!(run(map, json!({"a": [{"v": 1, "keep": true}, {"v": 2}]})), r#"{"l":[{"v":1}]}"#);
}

#[test]
fn several_rules_fill_one_list_in_turn() {
    let map = "l[] <- /a\nl[] <- {\n t <- 2\n} when present(/b)\nl[] <- /c";
    assert_eq!(run(map, json!({"a": 1, "b": 1, "c": [3, 4]})), r#"{"l":[1,{"t":2},3,4]}"#);
    assert_eq!(run(map, json!({})), "{}");
}

#[test]
fn whole_subtrees_are_copied_and_a_star_copies_the_rest_at_its_place() {
    let input = json!({"z": {"y": [1, null]}, "a": "A", "b": "B"});
    assert_eq!(run("Body <- /", input.clone()), r#"{"Body":{"a":"A","b":"B","z":{"y":[1,null]}}}"#);
    assert_eq!(
        run("x <- 1\n* <- /\nb <- nothing\na <- lower(/a)", input.clone()),
        r#"{"x":1,"z":{"y":[1,null]},"a":"a"}"#
    );
    assert_eq!(run(". <- /z/y", input.clone()), "[1,null]");
    assert_eq!(run("c/* <- /z\nc/q <- 1", input.clone()), r#"{"c":{"y":[1,null],"q":1}}"#);
    assert_eq!(run("* <- /nowhere\nq <- 1", input), r#"{"q":1}"#);
    assert_eq!(findings("* <- /a", json!({"a": "A"})), [("/a".into(), "type".into())]);
}

#[test]
fn selectors_reach_entries_values_and_odd_names() {
    let input = json!({"l": [{"p": 1}, {"p": 2}, {}], "o": {"b": 1, "a": 2}, "a/b c": 7, "@x": 8});
    assert_eq!(
        run("a <- /l[1]/p\nb <- /l[*]/p\nc <- /o/*\nd <- /\"a/b c\"\ne <- /@x", input.clone()),
        r#"{"a":2,"b":[1,2],"c":[2,1],"d":7,"e":8}"#
    );
    assert_eq!(run("a <- sum(/l[*]/p)\nb <- /l[7]\nc <- /l/p\nd <- /o[0]/a\ne <- /o[1]", input), r#"{"a":3,"d":2}"#);
    assert_eq!(run(". <- /[1]", json!([1, 2])), "2");
}

#[test]
fn let_holds_a_value_that_was_made_and_selectors_go_into_it() {
    let map =
        "let reply <- parse_json(/message)\nid <- $reply/Cong/id\nl[] <- each $reply/l {\n v <- ./v\n}\nrest <- $reply";
    let input = json!({"message": "{\"Cong\":{\"id\":\"a\\n\"},\"l\":[{\"v\":1}]}"});
    assert_eq!(run(map, input), r#"{"id":"a\n","l":[{"v":1}],"rest":{"Cong":{"id":"a\n"},"l":[{"v":1}]}}"#);
    assert_eq!(findings(map, json!({"message": "{"})), [("/message".into(), "json".into())]);
    let xml = "let r <- parse_xml(/m)\nid <- $r/C/S\nl[] <- each $r/C/L {\n . <- integer(.)\n}";
    let reply = json!({"m": "<?xml version=\"1.0\"?>\n<C><S>012</S><L>1</L><L>2</L></C>"});
    assert_eq!(run(xml, reply), r#"{"id":"012","l":[1,2]}"#);
    assert_eq!(findings(xml, json!({"m": "<C><S>"})), [("/m".into(), "xml".into())]);
    let number = "let r <- parse_json(/m)\nl[] <- each $r/l {\n n <- integer(./n)\n}";
    assert_eq!(findings(number, json!({"m": "{\"l\":[{\"n\":\"x\"}]}"})), [("/m#/l/0/n".into(), "integer".into())]);
}

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
    for function in functions::ALL {
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

#[test]
fn conditions_are_joined_and_compared_by_what_the_values_say() {
    let input = json!({"n": 7, "t": "07", "s": "b", "b": true, "x": "true", "null": null, "l": [1]});
    for (condition, expected) in [
        ("/n == 7 and /s == \"b\"", true),
        ("/n == \"7\"", true),
        ("/n == /t", true),
        ("/t == \"7\"", false),
        ("/t >= \"7\"", true),
        ("/t < \"10\"", true),
        ("/s < \"c\" and not (/s < \"b\")", true),
        ("/b == /x", true),
        ("/b == true or /no == 1", true),
        ("/no != 1", true),
        ("/no == /no", false),
        ("/no < 1 or /no > 1", false),
        ("/null == null", true),
        ("/l == /l", false),
        ("/n<8 and /n>6 and /n<=7 and /n>=7", true),
        ("not not present(/n)", true),
        ("/s > 5", false),
        ("/n == -7 or /n==7.0", true),
    ] {
        let expected = if expected { r#"{"v":1}"# } else { "{}" };
        assert_eq!(run(&format!("v <- 1 when {condition}"), input.clone()), expected, "{condition}");
    }
}

#[test]
fn findings_name_the_place_and_the_rule_and_never_the_value() {
    let map = "a <- date(/d, \"yyyy-MM-dd\", \"yyyyMMdd\")\nl[] <- each /l {\n c <- code(./c, \"fee-type\")\n r <- required(./r)\n}\nu <- upper(/l)\nq <- integer($trace)\nd <- decimal(/d, 2)\nb <- boolean(/d)\ns <- base64_decode(/d)\nn <- number(/d)\nm <- sum(/d)";
    let input = json!({"d": "SECRET", "l": [{"c": "SECRET"}, {"c": "1", "r": "SECRET"}]});
    let expected = [
        ("/d", "date"),
        ("/l/0/c", "unknown-code"),
        ("/l/0/r", "required"),
        ("/l", "type"),
        ("$trace", "integer"),
        ("/d", "decimal"),
        ("/d", "boolean"),
        ("/d", "base64"),
        ("/d", "number"),
        ("/d", "integer"),
    ];
    assert_eq!(findings(map, input.clone()), expected.map(|(path, rule)| (path.to_owned(), rule.to_owned())));
    assert!(!run(map, input).contains("SECRET"));
    let many = json!({"l": vec![json!({"c": "9", "r": 1}); 100]});
    assert_eq!(findings("l[] <- each /l {\n c <- code(./c, \"fee-type\")\n}", many).len(), crate::MAX_FINDINGS);
}

#[test]
fn mistakes_are_told_all_at_once_with_line_target_and_source() {
    let map = "# comment\nHoTen <- uper(/HoTen)\nb <- date(/x, \"dd-mm-YYYY\", \"iso\")\n\nc <- code(/x, \"fee-tipe\")";
    let errors = Map::compile("map/request.map", map, &codes()).err().unwrap();
    assert_eq!(
        shown(&errors),
        "map/request.map line 2, `HoTen <- uper(/HoTen)`: there is no function `uper`; did you mean `upper`?\n\
         map/request.map line 3, `b <- date(/x, \"dd-mm-YYYY\", \"iso\")`: `dd-mm-YYYY` is no date pattern: use yyyy, MM, \
         dd, HH, mm, ss, SSS and XXX (offset), other letters in '…'; or iso, unix, unix-ms\n\
         map/request.map line 5, `c <- code(/x, \"fee-tipe\")`: there is no code map `fee-tipe`; did you mean `fee-type`?"
    );
}

#[test]
fn every_kind_of_mistake_is_refused_on_its_line() {
    use MapProblem as P;
    let expected = |what, found: &str| P::Expected { what, found: found.to_owned() };
    let long = format!("a <- \"{}\"", "x".repeat(MAX_LINE));
    let deep = format!("a <- {}/x{}", "upper(".repeat(9), ")".repeat(9));
    let path = format!("a <- {}", "/x".repeat(17));
    for (map, line, problem) in [
        ("a <- upper(/x, 1)", 1, P::WrongCount { usage: "upper(x)".into(), given: 2 }),
        ("a <- concat()", 1, P::WrongCount { usage: "concat(x, …)".into(), given: 0 }),
        ("a <- code(/x, \"no\")", 1, P::NoCodeMap { name: "no".into(), nearest: None }),
        ("a <- $trase", 1, P::NoContext { name: "trase".into(), nearest: Some("trace") }),
        ("a <- HoTen", 1, P::BareName { name: "HoTen".into() }),
        ("a <- ./x", 1, P::NoItem),
        ("a <- 1 when /x", 1, P::NotCondition),
        ("a <- 1 when present(/x) and /y", 1, P::NotCondition),
        ("a <- each /x {\n b <- .\n}", 1, P::EachNeedsList),
        ("a <- 1\na <- 2", 2, P::SetTwice { first: 1 }),
        ("a <- 1\na/b <- 2", 2, P::ValueAndObject { first: 1 }),
        ("a/b <- 1\n\na <- {\n c <- 1\n}", 3, P::ValueAndObject { first: 1 }),
        ("a[] <- 1\na <- 2", 2, P::ValueAndObject { first: 1 }),
        ("a[]/b <- 1", 1, P::ListInside),
        ("* <- /a\n* <- /b", 2, P::RestTwice { first: 1 }),
        (". <- /a\nb <- /b", 1, P::ItselfAndMembers { first: 2 }),
        ("let a <- 1\nlet a <- 2\nb <- $a", 2, P::LetTwice { first: 1 }),
        ("let now <- 1\nb <- 1", 1, P::LetReserved),
        ("a <- {\nlet b <- 1\nc <- 1\n}", 2, P::LetInside),
        ("a <- {\n}", 1, P::Empty),
        ("a <- {\nb <- 1", 1, P::NotClosed),
        ("a <- 1\n}", 2, P::NothingToClose),
        (
            "a <- \"open",
            1,
            expected("a text in quotation marks, with \\\" \\\\ \\n \\t \\u0000 for special signs", "\"open"),
        ),
        ("a = 1", 1, expected("`<-` behind the target", "= 1")),
        ("a <- 1 2", 1, expected("`when` or the end of the line", "2")),
        ("a <- ", 1, expected("a value", "")),
        ("a <- 1 when", 1, expected("a value", "")),
        (long.as_str(), 1, P::LineTooLong { limit: MAX_LINE }),
        (deep.as_str(), 1, P::TooDeep { what: "calls and parentheses", limit: MAX_NESTING }),
        (path.as_str(), 1, P::TooDeep { what: "names in a selector", limit: MAX_SEGMENTS }),
    ] {
        assert_eq!(mistakes(map), [(line, problem)], "{map}");
    }
    let wrong_type = |map: &str| matches!(&mistakes(map)[..], [(1, P::WrongType { .. })]);
    for map in [
        "a <- upper(split(/x, \",\"))",
        "a <- if(/x, 1)",
        "a <- decimal(/x, 19)",
        "a <- join(\"a\", \",\")",
        "a <- code(/x, /y)",
        "a <- pad_left(/x, -1, \"0\")",
    ] {
        assert!(wrong_type(map), "{map}");
    }
    assert!(matches!(&mistakes("a <- code_back(/x, \"lossy\")")[..], [(1, P::Irreversible(_))]));
    assert!(matches!(&mistakes("a <- matches(/x, \"(\")")[..], [(1, P::BadRegex { .. })]));
    assert!(matches!(&mistakes("a <- matches(/x, \"(a{1000}){1000}\")")[..], [(1, P::BadRegex { .. })]));
    assert!(matches!(&mistakes("a <- matches(/x, \"(?=a)\")")[..], [(1, P::BadRegex { .. })]));
}

#[test]
fn sizes_are_bounded_when_a_map_is_loaded() {
    let rules: String = (0..=MAX_RULES).map(|n| format!("a{n} <- 1\n")).collect();
    assert_eq!(mistakes(&rules), [(MAX_RULES + 1, MapProblem::TooManyRules { limit: MAX_RULES })]);
    assert_eq!(mistakes(&" ".repeat(MAX_FILE + 1)), [(1, MapProblem::FileTooLong { limit: MAX_FILE })]);
    let each = |n: usize| format!("{}x <- 1\n{}", "a[] <- each /a {\n".repeat(n), "}\n".repeat(n));
    assert_eq!(
        mistakes(&each(MAX_EACH + 1)),
        [(MAX_EACH + 1, MapProblem::TooDeep { what: "`each`", limit: MAX_EACH })]
    );
    assert!(Map::compile("m", &each(MAX_EACH), &codes()).is_ok());
    assert_eq!(mistakes(&"x\n".repeat(MAX_ERRORS + 50)).len(), MAX_ERRORS);
}

#[test]
fn rules_may_go_over_lines_and_have_comments() {
    let map = "a <- if(/x == 1, # one\n  \"# no comment\",\n  2)   # two\n## three\n#text <- 1";
    assert_eq!(run(map, json!({"x": 1})), r##"{"a":"# no comment","#text":1}"##);
}

#[test]
fn a_mistake_in_a_block_is_told_once() {
    let map = "a <- {\n b <- uper(/x)\n}\nc[] <- each nope(/y) {\n d <- ./z\n} when /x > 1";
    assert_eq!(mistakes(map).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(mistakes("c[] <- each ! {\n d <- ./z\n}").len(), 1);
}

#[test]
fn the_budget_ends_what_would_take_too_long_or_grow_too_large() {
    let items = vec![0; 1_000];
    let nested = "a[] <- each /l {\n b[] <- each /l {\n  c[] <- each /l {\n   . <- 1\n  }\n }\n}";
    let steps = Budget { steps: 100_000, output: usize::MAX };
    assert_eq!(run_with(nested, &json!({ "l": items }), &steps), Err(MapFailure::Steps));
    let blank = json!({ "l": items, "x": " ".repeat(64_000) });
    for asked in ["empty(/x)", "/x == \"a\"", "matches(/x, \"a\")", "present(trim(/x))", "present(filled(/x))"] {
        let map = format!("a[] <- each /l {{\n . <- 1 when {asked}\n}}");
        let made = run_with(&map, &blank, &steps);
        assert!(made == Err(MapFailure::Steps) || asked.contains("=="), "{asked}");
    }
    let small = Budget { steps: u64::MAX, output: 10_000 };
    assert_eq!(run_with(nested, &json!({ "l": items }), &small), Err(MapFailure::Output));
    let doubling = "v <- concat(concat(concat(/x, /x, /x), /x, /x), /x, /x)";
    let input = json!({"x": "x".repeat(4_000)});
    assert_eq!(run_with(doubling, &input, &Budget { steps: 1 << 20, output: 9_000 }), Err(MapFailure::Output));
    let growing = format!("v <- replace(/x, \"x\", \"{}\")", "y".repeat(3_000));
    assert_eq!(run_with(&growing, &input, &Budget::default()), Err(MapFailure::Output));
    assert!(run_with("v <- /x", &input, &Budget { steps: 2 + 1, output: 4_100 }).is_ok());
}

#[test]
fn texts_that_do_not_change_are_borrowed() {
    let map = Map::compile("m", "a <- /x\nb <- trim(/x)\nc <- upper(unaccent(/x))", &codes()).ok().unwrap();
    let input = json::parse(br#"{"x":" A"}"#).ok().unwrap();
    let context = Context::default();
    let output = map.run(&input, &context, &Budget::default()).ok().unwrap();
    for name in ["a", "b", "c"] {
        assert!(matches!(output.get(name), Some(Tree::Text(std::borrow::Cow::Borrowed(_)))), "{name}");
    }
}
