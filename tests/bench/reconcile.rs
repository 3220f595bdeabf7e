//! What it costs to compare a provider's day of a million rows with a ledger of a million lines: from the first byte of the file to the
//! stored result, and the gateway's largest memory by then.

use std::collections::VecDeque;
use std::io::{Error, Result};
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use lgsp_model::{Dong, DossierCode, PaymentId, Timestamp};
use lgsp_sandbox::payment::{DAY_FILE_HEAD, DayRow, DayRowKind, SyntheticDay};
use lgsp_store::{
    DurableStore, EmbeddedOptions, EmbeddedStore, LedgerKind, LedgerLine, LedgerState, PAYMENT_PARTS, PaymentChange,
    TraceId,
};

use crate::gateway::Gateway;
use crate::{Bench, figure, http};

const DAY: SyntheticDay = SyntheticDay { day: 20_261_121, rows: 1_000_000, seed: 5 };
/// Changes of the ledger on their way while it is filled; they share commits.
const AT_ONCE: usize = 128;
/// In the second round one row in so many is missing in the file, and the amount of its neighbour another one.
const WRONG: u64 = 100;
const GOAL_SECONDS: f64 = 10.0;
const GOAL_MIB: f64 = 200.0;
const ADMIN_TOKEN: &str = "bench-admin-0123456789";

const PROVIDER: &str = r#"
[[payment_provider]]
id = "vnpay"
kind = "vnpay"
name = "VNPAY"
[payment_provider.settings]
url = "https://vnpay.invalid"
tmn_code = "BENCHTMN"
secret = "bench-hash-secret-0123456789"
"#;

pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let dir = Gateway::start_with(&bench.lgsp, PROVIDER, &[])?.stop()?;
    fill(&dir.join("data"))?;
    let gateway = Gateway::start_in(&bench.lgsp, dir, PROVIDER)?;
    let before = gateway.resident_peak();
    let mut file = Vec::new();
    DAY.write(&mut file)?;
    round(&gateway, "1,000,000 rows, all equal", &file, [0, 0])?;
    let wrong = with_mistakes(&file);
    drop(file);
    let missing = DAY.rows / WRONG;
    round(&gateway, "1,000,000 rows, 2 % wrong", &wrong, [missing, missing])?;
    figure::print("largest memory before", "MiB", before, "goal", GOAL_MIB);
    figure::print("largest memory while reconciling", "MiB", gateway.resident_peak(), "goal", GOAL_MIB);
    Ok(())
}

/// Sends a file and takes the time; `wrong` are rows that are missing there and those of another amount.
fn round(gateway: &Gateway, what: &str, file: &[u8], wrong: [u64; 2]) -> Result<()> {
    let path = "/admin/v1/reconciliations?provider=vnpay&day=2026-11-21";
    let started = Instant::now();
    let answer = http::post(gateway.admin, path, ADMIN_TOKEN, "text/csv", file)?;
    let took = started.elapsed().as_secs_f64();
    let outcome = answer.json()?;
    let found = ["missing_there", "different_amount"].map(|class| outcome["classes"][class]["lines"].as_u64());
    let matched = outcome["classes"]["matched"]["lines"].as_u64();
    if answer.status != 200 || found != wrong.map(Some) || matched != Some(DAY.rows - wrong[0] - wrong[1]) {
        return Err(Error::other(format!("{}: {outcome}", answer.status)));
    }
    figure::print(&format!("reconciliation of {what}"), "s", took, "goal", GOAL_SECONDS);
    Ok(())
}

/// Leaves rows out and makes others wrong.
fn with_mistakes(file: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(file);
    let mut wrong = String::with_capacity(file.len());
    for (place, line) in (0u64..).zip(text.lines()) {
        match place % WRONG {
            1 => continue,
            2 if place > 0 => {
                let mut cells: Vec<_> = line.split(',').collect();
                cells[4] = "1";
                wrong.push_str(&cells.join(","));
            }
            _ => wrong.push_str(line),
        }
        wrong.push('\n');
    }
    assert!(wrong.starts_with(DAY_FILE_HEAD), "the head stays");
    wrong.into_bytes()
}

/// Puts the day into the ledger in the order of time, as it would have come.
fn fill(data: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let store = EmbeddedStore::open(data, EmbeddedOptions::default()).map_err(Error::other)?;
    runtime.block_on(async {
        let store: std::sync::Arc<dyn DurableStore> = std::sync::Arc::new(store);
        let (mut rows, mut waiting) = (DAY.iter(), VecDeque::new());
        loop {
            let lines: Vec<DayRow> = rows.by_ref().take(PAYMENT_PARTS).collect();
            if lines.is_empty() && waiting.is_empty() {
                return Ok(());
            }
            if !lines.is_empty() {
                let (store, change) = (store.clone(), change(&lines)?);
                waiting.push_back(tokio::spawn(async move { store.change_payment(change).await }));
            }
            if waiting.len() == AT_ONCE || lines.is_empty() {
                let Some(first) = waiting.pop_front() else { continue };
                first.await.map_err(Error::other)?.map_err(Error::other)?;
            }
        }
    })
}

/// A change that brings as many lines as one may; the lines are what counts here, not the payment.
fn change(rows: &[DayRow]) -> Result<PaymentChange> {
    let name = |row: &DayRow| row.refund.clone().unwrap_or_else(|| row.reference.clone());
    let id: PaymentId = rows[0].reference.parse().map_err(Error::other)?;
    let line = |row: &DayRow| LedgerLine {
        provider: "vnpay".to_owned(),
        day: DAY.day,
        reference: name(row),
        kind: if row.kind == DayRowKind::Refund { LedgerKind::Refund } else { LedgerKind::Payment },
        amount: Dong::new(row.amount).unwrap_or_default(),
        state: LedgerState::Settled,
        transaction: Some(row.transaction.clone()),
        payment: id.clone(),
    };
    let dossier: DossierCode = "H11.1-261121-0001".parse().map_err(Error::other)?;
    Ok(PaymentChange {
        after: None,
        record: Bytes::from_static(b"{}"),
        evidence: Vec::new(),
        names: Vec::new(),
        ledger: rows.iter().map(line).collect(),
        due: None,
        agency: dossier.agency(),
        dossier,
        sender: "bench".parse().map_err(Error::other)?,
        at: Timestamp(1_795_200_000_000),
        trace: TraceId::default(),
        id,
    })
}
