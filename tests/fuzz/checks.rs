//! The contract checks in this process: any bytes get a verdict in bounded time, and the verdict agrees with itself.

use std::time::{Duration, Instant};

use lgsp_contract::{Contract, MAX_FINDINGS, Rejection, parse_strict};
use serde_json::Value;

use crate::chance::Chance;
use crate::mutate::{end, mutated, one_of};

/// The longest check of one text of some MiB, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(5);

/// The texts of all examples of all shipped contracts.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let (catalogue, _) = lgsp_contract::load(&lgsp_contract::shipped());
    let texts = catalogue
        .contracts()
        .flat_map(|contract| contract.valid_examples().map(|text| text.into()).collect::<Vec<_>>());
    texts.collect()
}

#[test]
fn any_bytes_get_a_verdict() {
    let mut chance = Chance::printed("checks");
    let (catalogue, wrong) = lgsp_contract::load(&lgsp_contract::shipped());
    assert!(wrong.is_empty());
    let contracts: Vec<_> = catalogue.contracts().cloned().collect();
    let seeds = examples();
    let (end, mut cases, mut taken, mut violating) = (end(), 0, 0, 0);
    while Instant::now() < end {
        let text = mutated(&mut chance, &seeds);
        let contract = one_of(&mut chance, &contracts);
        let begun = Instant::now();
        match judged(contract, &text) {
            Verdict::Taken => taken += 1,
            Verdict::Violates => violating += 1,
            Verdict::Malformed => {}
        }
        assert!(begun.elapsed() < LONGEST, "{:?} for {}", begun.elapsed(), shown(&text));
        cases += 1;
    }
    assert!(cases > 50 && taken > 0 && violating > 0, "the mutations miss a kind: {cases}, {taken}, {violating}");
    println!("{cases} texts: {taken} taken, {violating} against the contract, the others no acceptable JSON");
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Taken,
    Violates,
    Malformed,
}

fn judged(contract: &Contract, text: &[u8]) -> Verdict {
    let parsed = parse_strict(text);
    let lenient = serde_json::from_slice::<Value>(text);
    if let Ok(value) = &parsed {
        assert!(lenient.is_ok_and(|lenient| lenient == *value), "read differently: {}", shown(text));
    }
    match contract.check(text) {
        Ok(checked) => {
            let value = parsed.unwrap_or_else(|_| panic!("taken, but not JSON: {}", shown(text)));
            let again = contract.check(value.to_string().as_bytes());
            let again = again.unwrap_or_else(|error| panic!("refused when written anew: {error}: {}", shown(text)));
            let same = (&again.head, &again.content) == (&checked.head, &checked.content);
            assert!(same, "spaces and escapes decide: {}", shown(text));
            assert!(checked.warnings.len() <= MAX_FINDINGS);
            Verdict::Taken
        }
        Err(Rejection::Violates { findings, .. }) => {
            assert!(parsed.is_ok(), "{}", shown(text));
            assert!((1..=MAX_FINDINGS).contains(&findings.len()), "{} findings: {}", findings.len(), shown(text));
            Verdict::Violates
        }
        Err(Rejection::Malformed(error)) => {
            assert_eq!(parsed.err(), Some(error), "{}", shown(text));
            Verdict::Malformed
        }
    }
}

/// The beginning of a text, for a failure's message.
pub(crate) fn shown(text: &[u8]) -> String {
    let (most, length) = (4_000, text.len());
    format!("{length} bytes: {}", text[..length.min(most)].escape_ascii())
}
