//! The reference page says what is: its examples are run, its tables are compared with the program's.

use super::super::context::NAMES;
use super::super::*;
use super::tests::context;

const PAGE: &str = include_str!("../../../../../contracts/README.md");

/// One fenced block: its language, its text and its line in the page.
struct Block {
    language: &'static str,
    text: &'static str,
    line: usize,
}

fn section() -> &'static str {
    let (_, rest) = PAGE.split_once("\n## The mapping language\n").expect("the section is there");
    rest.split("\n## ").next().unwrap_or(rest)
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut parts = section().split("```");
    let mut seen = parts.next().unwrap_or_default().len();
    while let (Some(fenced), Some(between)) = (parts.next(), parts.next()) {
        let (language, text) = fenced.split_once('\n').expect("a fence stands on a line of its own");
        let start = PAGE.find(section()).unwrap() + seen;
        let line = PAGE[..start].lines().count() + 1;
        blocks.push(Block { language, text, line });
        seen += fenced.len() + between.len() + 6;
    }
    blocks
}

fn codes(blocks: &[Block]) -> CodeMaps {
    let mut codes = CodeMaps::default();
    for block in blocks.iter().filter(|block| block.language == "csv") {
        codes.read("fee-type", block.text).unwrap_or_else(|errors| panic!("{errors:?}"));
    }
    codes
}

/// What the page says that a map gives: the JSON, or lines of errors.
fn made(map: &Block, input: Option<&Block>, codes: &CodeMaps) -> String {
    let map = match Map::compile("map/request.map", map.text, codes) {
        Ok(map) => map,
        Err(errors) => return errors.iter().map(|error| format!("{error}\n")).collect(),
    };
    let input = input.expect("a map that compiles has an input");
    let (tree, context) = (json::parse(input.text.as_bytes()).unwrap(), context());
    match map.run(&tree, &context, &Budget::default()) {
        Ok(output) => {
            let mut out = Vec::new();
            json::write(&output, &mut out);
            String::from_utf8(out).unwrap()
        }
        Err(MapFailure::Findings(found)) => {
            found.iter().map(|found| format!("{} {}: {}\n", found.path, found.rule, found.message)).collect()
        }
        Err(failure) => failure.to_string(),
    }
}

/// JSON without the spaces of the page, members in order.
fn compact(text: &str) -> String {
    let mut out = Vec::new();
    json::write(&json::parse(text.as_bytes()).unwrap(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn every_example_of_the_reference_gives_what_the_page_says() {
    let blocks = blocks();
    let codes = codes(&blocks);
    let mut run = 0;
    for (n, map) in blocks.iter().enumerate().filter(|(_, block)| block.language == "map") {
        let next = |m: usize| blocks.get(n + m).filter(|block| matches!(block.language, "json" | "text"));
        let (input, expected) = match (next(1), next(2)) {
            (Some(input), Some(expected)) if input.language == "json" => (Some(input), expected),
            (Some(errors), _) => (None, errors),
            _ => panic!("line {}: a map without what it gives", map.line),
        };
        let made = made(map, input, &codes);
        let expected = if expected.language == "json" { compact(expected.text) } else { expected.text.to_owned() };
        assert_eq!(made, expected, "the map on line {} of contracts/README.md", map.line);
        run += 1;
    }
    assert!(run >= 10, "only {run} examples");
}

#[test]
fn the_tables_of_the_reference_are_those_of_the_program() {
    let rows: Vec<&str> = section().lines().filter(|line| line.starts_with("| `")).collect();
    let functions = map_functions().map(|function| format!("| `{}` | {} |", function.usage, function.does));
    let names = NAMES.iter().map(|(name, is)| format!("| `${name}` | {is} |"));
    let expected: Vec<String> = functions.chain(names).collect();
    for row in &expected {
        assert!(rows.contains(&row.as_str()), "missing in contracts/README.md: {row}");
    }
    assert_eq!(rows.len(), expected.len(), "rows that the program does not have");
}
