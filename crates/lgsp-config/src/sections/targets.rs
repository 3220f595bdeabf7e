//! `[[target]]`.

use lgsp_model::{AgencyGrant, EventKind};

use super::members::{Seen, agencies};
use super::{breaker, flow, retry};
use crate::document::Section;
use crate::error::Problem;
use crate::read::{self, text};
use crate::settings::{Delivery, Start, Target};

/// What goes to a target that does not choose.
const ALL_KINDS: [EventKind; 3] = EventKind::OF_DOSSIERS;

/// What it may choose. Messages and replies have targets of their own, which come from the services' contracts.
const CHOICE: [EventKind; 4] = [EventKind::Dossier, EventKind::Progress, EventKind::Status, EventKind::Payment];

/// How the names of targets begin that do not stand in the configuration.
const RESERVED: [&str; 2] = ["service-", "callback-"];

/// Every target; `None` when one of them is bad.
pub(super) fn read(root: &mut Section<'_>, delivery: &Delivery) -> Option<Vec<Target>> {
    let mut ids = Seen::default();
    let targets = root.sections("target", |s| {
        let target = target(s, delivery)?;
        ids.note(s, "id", target.id.as_str());
        Some(target)
    });
    targets.into_iter().collect()
}

fn target(s: &mut Section<'_>, delivery: &Delivery) -> Option<Target> {
    let id = s.required("id", "id = \"national-portal\"", |leaf| {
        let id = text(leaf)?;
        if RESERVED.iter().any(|prefix| id.starts_with(prefix)) {
            return Err(Problem::Expected("another name: service- and callback- begin those of services and members"));
        }
        id.parse().map_err(Problem::Id)
    });
    let connector = s.required("connector", "connector = \"npsp\"", text);
    let agencies = agencies(s).or_else(|| (!s.has("agencies")).then_some(AgencyGrant::All));
    let kinds = kinds(s);
    let start = s.or("start", Start::Beginning, |leaf| match text(leaf)?.as_str() {
        "beginning" => Ok(Start::Beginning),
        "now" => Ok(Start::Now),
        _ => Err(Problem::Expected("beginning or now")),
    });
    let flow = flow(s, delivery.flow);
    let retry = s.section("retry", |s| retry(s, delivery.retry));
    let breaker = s.section("breaker", |s| breaker(s, delivery.breaker));
    let settings = s.optional("settings", read::settings);
    let settings = if s.has("settings") { settings } else { Some(Default::default()) };
    Some(Target {
        id: id?,
        connector: connector?,
        agencies: agencies?,
        kinds: kinds?,
        start,
        flow,
        retry,
        breaker,
        settings: settings?,
    })
}

fn kinds(s: &mut Section<'_>) -> Option<Vec<EventKind>> {
    let chosen = s.list("kinds", |leaf| {
        let kind = text(leaf)?.parse().ok().filter(|kind| CHOICE.contains(kind));
        kind.ok_or(Problem::Expected("dossier, progress, status or payment"))
    });
    let Some(mut chosen) = chosen else { return (!s.has("kinds")).then(|| ALL_KINDS.to_vec()) };
    if chosen.is_empty() {
        s.report(
            "kinds",
            Problem::Expected(
                "at least one of dossier, progress, status and payment; leave it out for those of dossiers",
            ),
        );
        return None;
    }
    chosen.sort();
    chosen.dedup();
    Some(chosen)
}
