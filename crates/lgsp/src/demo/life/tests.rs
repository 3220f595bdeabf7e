//! The lives against the status machine and the shipped contracts, which know nothing of how the lives were made.

use std::collections::{HashMap, HashSet};

use lgsp_contract::{Catalogue, Contract, load, shipped};
use lgsp_model::{DossierState, Seq, Verdict};

use super::flaw::Flaw;
use super::*;
use crate::demo::catalogue::ProcedureList;

fn world(procedures: &ProcedureList) -> Arc<World> {
    Arc::new(World::new(procedures, jiff::civil::date(2026, 9, 15)).unwrap())
}

fn contracts() -> Catalogue {
    let (catalogue, diagnostics) = load(&shipped());
    assert!(diagnostics.is_empty());
    catalogue
}

fn contract(catalogue: &Catalogue, kind: EventKind) -> &Contract {
    catalogue.contract(kind.as_str()).expect("the shipped contracts cover dossiers and progress")
}

/// What the contracts and the status machine say of one message, and the state that follows.
fn judged(catalogue: &Catalogue, system: System, state: &mut DossierState, message: &Message, seq: u64) -> Expected {
    let Ok(checked) = contract(catalogue, message.kind).check(message.text.as_bytes()) else {
        return Expected::Rejected;
    };
    let agency = checked.head.code().agency();
    if !system.agency_codes().iter().any(|code| code == agency.as_str()) {
        return Expected::Rejected;
    }
    assert!(checked.warnings.is_empty(), "{}: {:?} in {}", message.what, checked.warnings, message.text);
    let incoming = checked.head.incoming();
    let verdict = state.judge(incoming, &checked.content);
    state.absorb(incoming, checked.content, verdict, Seq(seq));
    match verdict {
        Verdict::Apply | Verdict::History => Expected::Accepted,
        Verdict::Duplicate(_) => Expected::Duplicate,
        Verdict::Hold(_) => Expected::Held,
    }
}

fn check_lives(procedures: &ProcedureList, count: usize) -> HashMap<Expected, usize> {
    let (catalogue, world) = (contracts(), world(procedures));
    let mut lives = Lives::new(world, 7);
    let mut seen = HashMap::new();
    let mut codes = HashSet::new();
    for n in 0..count {
        let system = System::ALL[n % 3];
        let life = lives.next(system);
        assert!(codes.insert(life.messages[0].code.clone()), "a code twice");
        let mut state = DossierState::default();
        for (seq, message) in life.messages.iter().enumerate() {
            let judged = judged(&catalogue, system, &mut state, message, seq as u64 + 1);
            assert_eq!(judged, message.expected, "{} in {}", message.what, message.text);
            *seen.entry(judged).or_default() += 1;
        }
    }
    seen
}

#[test]
fn what_lives_expect_is_what_contracts_and_status_machine_say() {
    let seen = check_lives(&ProcedureList::built_in(), 1500);
    for expected in [Expected::Accepted, Expected::Duplicate, Expected::Held, Expected::Rejected] {
        assert!(seen.get(&expected).copied().unwrap_or_default() > 50, "{expected:?} in {seen:?}");
    }
}

#[test]
fn a_list_with_very_long_names_and_blank_field_codes_makes_good_lives_too() {
    let long = "Đăng ký biến động đất đai ".repeat(50);
    let text = format!(
        "code,name,field_code,field_name,level\n1.013980,{long},G13-TN02,Đất đai,tỉnh;xã\n1.000001,x,,Thuế,tỉnh;xã\n"
    );
    let list = ProcedureList::parse(text.as_bytes()).unwrap();
    assert!(check_lives(&list, 60).contains_key(&Expected::Accepted));
    assert_eq!((list.procedures().len(), list.usable()), (2, 1));
}

#[test]
fn every_flaw_is_refused_by_its_contract_or_its_agency() {
    let (catalogue, list) = (contracts(), ProcedureList::built_in());
    let world = world(&list);
    let mut dossier = world.filed(System::Bulk, &mut Chance::seeded(3));
    dossier.code.push_str("0001");
    let at = world.calendar.after(dossier.filed, 60);
    dossier.received = Some(at);
    for flaw in Flaw::ALL {
        let (kind, text, what) = flaw.apply(&dossier, at);
        let message = Message { code: dossier.code.clone(), kind, text, expected: Expected::Rejected, what };
        let mut state = DossierState::default();
        assert_eq!(judged(&catalogue, System::Bulk, &mut state, &message, 1), Expected::Rejected, "{what}");
    }
}

#[test]
fn the_same_seed_gives_the_same_lives_and_another_gives_others() {
    let list = ProcedureList::built_in();
    let world = world(&list);
    let texts = |seed| {
        let mut lives = Lives::new(Arc::clone(&world), seed);
        let life = |_| lives.next(System::Single).messages.into_iter().map(|message| message.text).collect::<Vec<_>>();
        (0..20).map(life).collect::<Vec<_>>()
    };
    assert_eq!(texts(1), texts(1));
    assert_ne!(texts(1), texts(2));
}
