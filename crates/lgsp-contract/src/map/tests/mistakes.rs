//! Maps that are wrong: each mistake is told on its line, all of them at once, before any message comes.

use super::*;

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
fn a_mistake_in_a_block_is_told_once() {
    let map = "a <- {\n b <- uper(/x)\n}\nc[] <- each nope(/y) {\n d <- ./z\n} when /x > 1";
    assert_eq!(mistakes(map).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(mistakes("c[] <- each ! {\n d <- ./z\n}").len(), 1);
}
