//! kill -9 at random moments under load: what was acknowledged is there, once, where the acknowledgement said, and it
//! is delivered once, also when the portal's answers get lost on top of it.

use std::time::{Duration, Instant};

use lgsp_sandbox::{Fault, FaultRule, Sandbox};

use crate::chance::Chance;
use crate::compare::{Repeats, each_acknowledged_once, each_delivered_once, feed};
use crate::load::Load;
use crate::program::{Place, Program, until};

/// How often the program is killed when `LGSP_ROUNDS` does not say.
const ROUNDS: usize = 5;
/// Acknowledgements that one life of the program may bring.
const ONE_LIFE: usize = 250;
/// The longest life, for when the machine is slow.
const LONGEST_LIFE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9_and_is_delivered_once() {
    survives("kill -9", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9_while_answers_of_the_portal_get_lost() {
    let silence = Fault::SilenceAfterStoring { hold_ms: 1500 };
    let faults = [
        FaultRule::with_probability(Fault::ResetAfterStoring, 0.2),
        FaultRule::with_probability(silence, 0.03),
        FaultRule::with_probability(Fault::ResetBeforeStoring, 0.1),
    ];
    survives("kill -9 and lost answers", &faults).await;
}

async fn survives(name: &str, faults: &[FaultRule]) {
    let rounds = std::env::var("LGSP_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let mut chance = Chance::printed(name);
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).unwrap();
    sandbox.portal().seed(chance.next());
    for fault in faults {
        sandbox.portal().add_fault(fault.clone()).unwrap();
    }
    let place = Place::new(Some(&sandbox.adapter_url()));
    let mut program = place.start().await;
    let load = Load::on(&program).await;
    let workers = load.begin(4, 2);
    for round in 0..rounds {
        program = one_death(&place, &load, program, &mut chance).await;
        let acks = load.acks();
        each_acknowledged_once(&feed(load.http(), &program, load.token()).await, &acks);
        assert!(load.strange().is_empty(), "round {round}: {:?}\n{}", load.strange(), program.said());
    }
    load.finish(workers).await;
    let changes = feed(load.http(), &program, load.token()).await;
    each_acknowledged_once(&changes, &load.acks());
    assert_eq!(changes.len(), load.count(), "what the feed has was acknowledged in the end");
    sandbox.portal().clear_faults();
    let delivered = each_delivered_once(&load, &program, sandbox.portal(), Repeats::OfUpdates).await;
    let lost = load.lost().len();
    assert!(lost > 0, "no request was hit: the program was not killed under load");
    println!(
        "{name}: {rounds} kills, {lost} requests without an answer; {} records of {} dossiers acknowledged, each \
         present once and delivered; {} updates were sent to the portal again ({} of them after a newer one), no step \
         and no creation",
        delivered.records, delivered.dossiers, delivered.repeated, delivered.went_back
    );
}

/// Lets the load run, kills the program at a random moment, checks what it left, and starts it again.
async fn one_death(place: &Place, load: &Load, mut program: Program, chance: &mut Chance) -> Program {
    let (enough, end) = (load.count() + 1 + chance.below(ONE_LIFE), Instant::now() + LONGEST_LIFE);
    // More than enough, so that the kill comes while requests are on their way.
    load.allow(2 * ONE_LIFE);
    let before = load.count();
    until("some records are acknowledged", async || {
        (load.count() >= enough || (load.count() > before && Instant::now() > end)).then_some(())
    })
    .await;
    program.kill();
    load.moved(None);
    let acknowledged = load.count() as u64;
    let report = lgsp_store::verify_dir(&place.data()).unwrap();
    assert_eq!(report.broken, None, "the chain of what was left");
    assert!(report.events >= acknowledged, "{report:?}, but {acknowledged} acknowledged");
    let program = place.start().await;
    load.moved(Some(program.public));
    program
}
