//! What the authors of contracts write: maps, code maps, templates. Any text is compiled or told what is wrong with it,
//! and what was compiled ends, within its budget, without a word of the message in its errors.

use std::time::{Duration, Instant};

use lgsp_contract::{Budget, CodeMap, CodeMaps, Context, Document, Map, MapFailure, Template, TemplateBudget};
use lgsp_model::Timestamp;

use crate::chance::Chance;
use crate::checks::shown;
use crate::mutate::end;
use crate::texts::Language;

/// The longest compilation or run, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(5);

/// What may stand in no error.
const CANARY: &str = "079199887766";

const MESSAGE: &str = r#"{"HoVaTen": "Nguyễn 079199887766", "NgaySinh": "1990-02-20", "Phi": 12.50, "So": "079199887766",
    "DongY": true, "Khong": null, "A": {"B": {"C": ["079199887766", {"D": 1}, []]}},
    "docFees": [{"feeName": "079199887766", "feeType": "1", "parts": [{"n": 1}, {"n": 2}]}, {"feeName": ""}],
    "@version": "1", "q k": "x", "dc:Ten": "y"}"#;

const MAPS: [&str; 4] = [
    "# comment\nMaYeuCau <- $trace\nHoVaTen <- upper(unaccent(/HoVaTen))\n\
     NgaySinh/NgayThangNam <- date(/NgaySinh, \"yyyy-MM-dd\", \"yyyyMMdd\") when present(/NgaySinh)\n@version <- \"1.0\"\n\
     Phi[] <- each /docFees {\n    TenPhi <- ./feeName\n    Loai <- code(./feeType, \"fee-type\")\n} when count(/docFees) > 0\n",
    "a <- required(/So)\nb <- default(/Khong, \"x\")\nc <- concat(/HoVaTen, \" \", /So)\nd <- number(/Phi)\ne <- digest(/So, \"person\")\n\
     f <- base64(/HoVaTen)\ng <- text(/Phi)\nh <- first(/A/B/C)\ni <- /A/B/C[1]/D\nj <- $now\nk <- $header.x\n",
    "let x <- trim(/HoVaTen)\nA/B/\"q k\" <- $x\nC/#text <- /\"q k\"\nl[] <- each /docFees {\n  p[] <- each ./parts {\n    n <- ./n\n  }\n}\n",
    "a <- replace(/HoVaTen, \"N\", \"n\")\nb <- split(/HoVaTen, \" \")\nc <- pad_left(/So, 20, \"0\")\nd <- substring(/So, 1, 3)\n\
     e <- if(present(/So), 1, \"no\")\n",
];

const MAP_WORDS: [&str; 44] = [
    " <- ",
    "each ",
    " when ",
    "{\n",
    "}\n",
    "[]",
    "/",
    "./",
    "//",
    "@",
    "#text",
    "$trace",
    "$now",
    "$query.x",
    "(",
    ")",
    ",",
    "\"",
    "\\\"",
    "let x <- ",
    "$x",
    "required(",
    "default(",
    "upper(",
    "unaccent(",
    "date(",
    "code(",
    "concat(",
    "count(",
    "present(",
    "join(",
    "digest(",
    "number(",
    " > 0",
    " == ",
    " and ",
    " or ",
    "not(",
    "[0]",
    "[99999999999]",
    "1e999",
    "\n",
    "# ",
    "-1",
];

fn context() -> Context<'static> {
    let now = Some(Timestamp(1_800_000_000_000));
    Context { trace: Some("t"), now, member: Some("m"), status: Some(200), digest_key: b"key", ..Context::default() }
}

fn codes() -> CodeMaps {
    let mut codes = CodeMaps::default();
    codes.read("fee-type", "from,to\n1,LP\n2,PHI\n*,KHAC\n").unwrap();
    codes
}

#[test]
fn any_map_is_compiled_or_told_and_what_is_compiled_ends() {
    let mut chance = Chance::printed("maps");
    let seeds = MAPS.map(|text| text.as_bytes().to_vec());
    let functions: Vec<String> = lgsp_contract::map_functions().map(|function| function.usage).collect();
    let calls: Vec<&str> = functions.iter().map(String::as_str).collect();
    let words = [&MAP_WORDS[..], &calls].concat();
    let language = Language { seeds: &seeds, words: &words };
    let (codes, context) = (codes(), context());
    let message = Document::from_json(MESSAGE.as_bytes()).unwrap();
    for seed in MAPS {
        if let Err(errors) = Map::compile("map/x.map", seed, &codes) {
            panic!("{errors:?}");
        }
    }
    let (end, mut refused, mut ran, mut stopped) = (end(), 0, 0, 0);
    while Instant::now() < end {
        let text = language.bent_text(&mut chance);
        let begun = Instant::now();
        match Map::compile("map/x.map", &text, &codes) {
            Err(errors) => {
                assert!((1..=100).contains(&errors.len()), "{} errors: {}", errors.len(), shown(text.as_bytes()));
                let lines = text.lines().count() + 1;
                for error in &errors {
                    assert!((1..=lines).contains(&error.line), "line {}: {}", error.line, shown(text.as_bytes()));
                    assert!(error.to_string().contains("map/x.map"), "{error}");
                }
                refused += 1;
            }
            Ok(map) => match map.apply(&message, &context, &Budget::default()) {
                Ok(made) => {
                    let mut out = Vec::new();
                    made.write_json(&mut out);
                    assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok(), "{}", shown(text.as_bytes()));
                    assert!(out.len() <= 8 * Budget::DEFAULT_OUTPUT, "{} bytes: {}", out.len(), shown(text.as_bytes()));
                    ran += 1;
                }
                Err(MapFailure::Findings(findings)) => {
                    let told = format!("{findings:?}");
                    assert!(!told.contains(CANARY), "{told} for {}", shown(text.as_bytes()));
                    stopped += 1;
                }
                Err(MapFailure::Steps | MapFailure::Output) => stopped += 1,
            },
        }
        assert!(begun.elapsed() < LONGEST, "{:?} for {}", begun.elapsed(), shown(text.as_bytes()));
    }
    assert!(refused > 0 && ran > 0, "the mutations miss a kind: {refused}, {ran}, {stopped}");
    println!("{refused} maps refused, {ran} ran, {stopped} stopped");
}

#[test]
fn any_code_map_is_read_or_told() {
    let mut chance = Chance::printed("code maps");
    let seeds = [
        "from,to\n1,LP\n2,PHI\n*,KHAC\n",
        "\u{feff}from,to\r\n\"a,b\",\"c\"\"d\"\r\n x , y \r\n",
        "from,to\n1,a\n2,a\n",
    ]
    .map(|text| text.as_bytes().to_vec());
    let words = ["from,to\n", "\n", ",", "\"", "\"\"", "*", "*,x\n", "1,LP\n", "\r\n", " ", ";"];
    let language = Language { seeds: &seeds, words: &words };
    let (end, mut read, mut refused) = (end(), 0, 0);
    while Instant::now() < end {
        let text = language.bent_text(&mut chance);
        match CodeMap::read("x", &text) {
            Ok(map) => {
                let back = map.reversible().is_ok();
                if let Some(to) = map.forward("1")
                    && back
                    && map.back(to).is_some()
                {
                    let from = map.back(to).unwrap();
                    assert_eq!(map.forward(from), Some(to), "there and back: {}", shown(text.as_bytes()));
                }
                read += 1;
            }
            Err(errors) => {
                assert!((1..=100).contains(&errors.len()), "{}", shown(text.as_bytes()));
                let lines = text.lines().count() as u64 + 1;
                assert!(errors.iter().all(|error| error.line <= lines), "{errors:?} for {}", shown(text.as_bytes()));
                refused += 1;
            }
        }
    }
    assert!(read > 0 && refused > 0, "the mutations miss a kind: {read}, {refused}");
    println!("{read} code maps read, {refused} refused");
}

const TEMPLATES: [&str; 3] = [
    "<a>{{ body.HoVaTen | upper }}{% for fee in body.docFees %}<b n=\"{{ loop.index }}\">{{ fee.feeName }}</b>{% endfor %}</a>",
    "{% if body.DongY %}{{ body.So }}{% else %}x{% endif %}{{ body.X | default(\"y\") }}{{ context.trace }}",
    "{% set x = body.A.B.C | length %}{{ x + 1 }}{{ body.docFees | first }}{{ body.Phi }}",
];

#[test]
fn any_template_is_compiled_or_told_and_what_is_compiled_ends() {
    let mut chance = Chance::printed("templates");
    let seeds = TEMPLATES.map(|text| text.as_bytes().to_vec());
    let words = [
        "{{ ",
        " }}",
        "{% for x in body.docFees %}",
        "{% endfor %}",
        "{% if ",
        "{% endif %}",
        "{% macro m() %}",
        "{{ m() }}",
        "{% endmacro %}",
        " | upper",
        " | join(\",\")",
        " | length",
        "loop",
        "loop(x)",
        "body",
        "context",
        ".",
        "[0]",
        "~",
        "*",
        "**",
        "999999999",
        "range(99999999)",
        "{% set x = x ~ x %}",
        "{% include 'x' %}",
        "{% raw %}",
        "{#",
        "#}",
        "\"",
    ];
    let language = Language { seeds: &seeds, words: &words };
    let message = Document::from_json(MESSAGE.as_bytes()).unwrap();
    let (end, mut refused, mut ran, mut stopped) = (end(), 0, 0, 0);
    while Instant::now() < end {
        let text = language.bent_text(&mut chance);
        let begun = Instant::now();
        let file = if chance.below(2) == 0 { "t.xml" } else { "t.txt" };
        match Template::compile(file, &text) {
            Err(error) => {
                assert!(error.line <= text.lines().count() + 1, "{error:?} for {}", shown(text.as_bytes()));
                refused += 1;
            }
            Ok(template) => match template.render(&message, &context(), &TemplateBudget::default()) {
                Ok(made) => {
                    assert!(made.len() <= TemplateBudget::default().output, "{}", shown(text.as_bytes()));
                    ran += 1;
                }
                Err(failure) => {
                    assert!(!failure.to_string().contains(CANARY), "{failure} for {}", shown(text.as_bytes()));
                    stopped += 1;
                }
            },
        }
        assert!(begun.elapsed() < LONGEST, "{:?} for {}", begun.elapsed(), shown(text.as_bytes()));
    }
    assert!(refused > 0 && ran > 0, "the mutations miss a kind: {refused}, {ran}, {stopped}");
    println!("{refused} templates refused, {ran} ran, {stopped} stopped");
}
