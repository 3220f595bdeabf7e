//! What must hold for every map and every message: loading and running never panic, end in time, and stay within bounds.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;

fn codes() -> CodeMaps {
    let mut codes = CodeMaps::default();
    codes.read("m", "from,to\na,1\nb,2\n*,3\n").ok().unwrap();
    codes
}

/// Any message of a few levels, with the names that maps here select.
fn message() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "[a-cĐé\"<\n ]{0,12}".prop_map(Value::from),
        Just(json!("2024-02-29")),
        Just(json!("{\"a\":[1]}")),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn place() -> impl Strategy<Value = String> {
    prop_oneof!["(/[abc]){1,3}", "(/[abc]){0,2}/\\*", "(/[abc]){1,2}\\[(\\*|0|1)\\](/[abc])?", Just("/".to_owned()),]
}

fn selector() -> impl Strategy<Value = String> {
    prop_oneof![9 => place(), 1 => Just("$trace".to_owned())]
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![4 => selector(), 1 => Just("\"a b\"".to_owned()), 1 => Just("7".to_owned())];
    leaf.prop_recursive(4, 12, 3, |inner| {
        let one = prop::sample::select(vec!["default(", "required(", "filled(", "list(", "json("]);
        let of_any = (one, inner.clone(), inner.clone()).prop_map(|(function, x, y)| match function {
            "default(" | "list(" => format!("{function}{x}, {y})"),
            _ => format!("{function}{x})"),
        });
        prop_oneof![
            of_any,
            (inner.clone(), inner.clone()).prop_map(|(x, y)| format!("if({x} == {y} or present({x}), {y}, {x})")),
            selector().prop_map(|x| format!("upper(unaccent(squeeze({x})))")),
            selector().prop_map(|x| format!("date({x}, \"iso|yyyyMMdd\", \"dd/MM/yyyy\")")),
            selector().prop_map(|x| format!("code({x}, \"m\")")),
            selector().prop_map(|x| format!("concat({x}, \"-\", {x})")),
            selector().prop_map(|x| format!("join(split({x}, \"a\"), \"bb\")")),
            selector().prop_map(|x| format!("replace(pad_left({x}, 9, \"0\"), \"0\", \"xyz\")")),
            selector().prop_map(|x| format!("sha256(base64({x}))")),
            selector().prop_map(|x| format!("substring(text(decimal({x}, 2)), 1, 3)")),
            selector().prop_map(|x| format!("parse_json({x})")),
            place().prop_map(|x| format!("sum({x})")),
            place().prop_map(|x| format!("list(first({x}), count({x}), last({x}))")),
        ]
    })
}

/// A map that compiles.
fn map() -> impl Strategy<Value = String> {
    let rule = prop_oneof![
        6 => (value(), prop::option::of(value())).prop_map(|(value, when)| match when {
            Some(when) => format!(" <- {value} when not empty({when})\n"),
            None => format!(" <- {value}\n"),
        }),
        2 => (place(), value()).prop_map(|(list, value)| {
            format!("[] <- each {list} {{\n x <- {value}\n y[] <- each ./a {{\n . <- .\n }}\n}} when count({list}) < 5\n")
        }),
        1 => value().prop_map(|value| format!(" <- {{\n p/q <- {value}\n p/* <- /a\n}}\n")),
    ];
    prop::collection::vec(rule, 1..12)
        .prop_map(|rules| rules.iter().enumerate().map(|(n, rule)| format!("t{n}{rule}")).collect())
}

/// The bytes of the result as JSON with no escapes counted.
fn size(tree: &Tree<'_>) -> usize {
    match tree {
        Tree::Null => 4,
        Tree::Bool(value) => 5 - usize::from(*value),
        Tree::Number(number) => number.to_string().len(),
        Tree::Text(text) => text.len() + 2,
        Tree::List(items) => 2 + items.iter().map(|item| size(item) + 1).sum::<usize>(),
        Tree::Object(members) => {
            2 + members.as_slice().iter().map(|m| m.key.as_str().len() + 4 + size(&m.value)).sum::<usize>()
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_compiling_panic(text in "([a/.*\"$@# ]{0,6}<-[a-z/.()\\[\\]{}\"$,0-9=<>\n é-]{0,30}\n?){0,6}") {
        drop(Map::compile("m.map", &text, &codes()));
    }

    #[test]
    fn no_bytes_make_compiling_panic(text in any::<String>()) {
        drop(Map::compile("m.map", &text, &codes()));
    }

    #[test]
    fn a_valid_map_runs_on_any_message_within_its_budget(
        map in map(), message in message(), steps in 0u64..3_000, output in 0usize..3_000,
    ) {
        let compiled = Map::compile("m.map", &map, &codes()).unwrap_or_else(|errors| panic!("{map}\n{errors:?}"));
        let (tree, context) = (Tree::from(&message), Context { trace: Some("t"), ..Context::default() });
        let budget = Budget { steps, output };
        match compiled.run(&tree, &context, &budget) {
            Ok(made) => {
                prop_assert!(matches!(&made, Tree::Object(members) if members.as_slice().is_empty()) || size(&made) <= output);
            }
            Err(MapFailure::Findings(found)) => prop_assert!((1..=crate::MAX_FINDINGS).contains(&found.len())),
            Err(MapFailure::Steps | MapFailure::Output) => {
                prop_assert!(steps < 3_000 || output < 3_000);
            }
        }
    }

    #[test]
    fn the_same_message_gives_the_same_result(map in map(), message in message()) {
        let compiled = Map::compile("m.map", &map, &codes()).ok().unwrap();
        let (tree, context) = (Tree::from(&message), Context::default());
        let text = || compiled.run(&tree, &context, &Budget::default()).map(|made| {
            let mut out = Vec::new();
            json::write(&made, &mut out);
            out
        });
        prop_assert_eq!(text(), text());
    }

    #[test]
    fn a_copy_of_the_whole_message_is_the_message(message in message()) {
        let compiled = Map::compile("m.map", ". <- /", &codes()).ok().unwrap();
        let (tree, context) = (Tree::from(&message), Context::default());
        prop_assert_eq!(compiled.run(&tree, &context, &Budget::default()).ok().unwrap().to_value(), message);
    }
}

#[test]
fn a_million_items_nested_end_with_the_budget() {
    let items = format!("{{\"l\":[{}0]}}", "0,".repeat(999_999));
    let tree = json::parse(items.as_bytes()).unwrap();
    let text = "a[] <- each /l {\n b[] <- each /l {\n  x <- 1\n  y <- sum(/l)\n }\n}";
    let map = Map::compile("m.map", text, &codes()).ok().unwrap();
    let context = Context::default();
    let failure = map.run(&tree, &context, &Budget { steps: 3_000_000, output: usize::MAX }).err();
    assert_eq!(failure, Some(MapFailure::Steps));
}
