//! What the language does and refuses, case by case; properties are in `properties.rs`, examples in the reference.

mod functions;
mod mistakes;
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
fn rules_may_go_over_lines_and_have_comments() {
    let map = "a <- if(/x == 1, # one\n  \"# no comment\",\n  2)   # two\n## three\n#text <- 1";
    assert_eq!(run(map, json!({"x": 1})), r##"{"a":"# no comment","#text":1}"##);
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
