//! Makes payments due at once that the provider has money for by its account of a day and we do not: the job that asks providers
//! then finds the truth.

use std::collections::BTreeSet;
use std::sync::Arc;

use lgsp_model::{PaymentId, Timestamp};
use lgsp_store::{DurableStore, StoreError};
use tokio::task::JoinSet;

use crate::app::App;

/// Changes that wait for their commit at one time: they share it.
const AT_ONCE: usize = 64;

/// Makes them due; how many were not already.
pub(super) async fn awaken(app: &Arc<App>, payments: BTreeSet<PaymentId>) -> Result<u64, StoreError> {
    let now = app.clock.wall();
    let (mut waiting, mut count) = (JoinSet::new(), 0);
    for payment in payments {
        if waiting.len() == AT_ONCE {
            count += u64::from(joined(waiting.join_next().await)?);
        }
        waiting.spawn(awaken_one(app.store.clone(), payment, now));
    }
    while !waiting.is_empty() {
        count += u64::from(joined(waiting.join_next().await)?);
    }
    Ok(count)
}

/// Whether it is due now because of this. A payment that changes meanwhile is being looked at anyway.
async fn awaken_one(store: Arc<dyn DurableStore>, id: PaymentId, now: Timestamp) -> Result<bool, StoreError> {
    match store.payment(id.clone()).await? {
        Some(entry) if entry.due.is_none_or(|due| due > now) => store.postpone_payment(id, entry.seq, Some(now)).await,
        _ => Ok(false),
    }
}

fn joined(ended: Option<Result<Result<bool, StoreError>, tokio::task::JoinError>>) -> Result<bool, StoreError> {
    ended.map_or(Ok(false), |ended| ended.expect("making a payment due does not panic"))
}
