//! Members while the gateway runs: a change is on disk with its audit event, then counts on every path at once. What a
//! change may be is decided where it is asked for.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use lgsp_model::{ErrorCode, MemberId};
use lgsp_store::AuditEntry;
use tokio::time::{Instant, MissedTickBehavior};

use super::{App, Snapshot};
use crate::failure::Failure;
use crate::identity::{Members, Record};

/// How often it is looked whether something has ended.
const TICK: Duration = Duration::from_secs(1);
/// How often it is written when members were seen last.
const FLUSH: Duration = Duration::from_secs(60);
impl App {
    /// Puts another snapshot in place, with the members as the registry has them now.
    pub(super) fn install(&self, make: impl FnOnce(&Snapshot) -> Snapshot) {
        {
            let _alone = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
            let before = self.snapshot();
            let mut next = make(&before);
            let (records, now) = (self.roster.records(), self.clock.wall());
            next.members =
                Members::joined(&next.config.members, &records, &self.roster.seen, now).after(&before.members);
            for member in before.members.iter() {
                self.metrics.watch_member(member.id.as_str(), None);
            }
            let next = Arc::new(next);
            self.snapshot.store(next.clone());
            self.tokens.follow(&next.members);
        }
        self.watch_members();
    }

    /// Takes over what changed in the registry, or what has ended since.
    fn rejoin(&self) {
        self.install(|before| Snapshot {
            config: before.config.clone(),
            members: Members::default(),
            contracts: before.contracts.clone(),
            services: before.services.clone(),
            providers: before.providers.clone(),
            payment_providers: before.payment_providers.clone(),
        });
    }

    /// Changes a member's entry: `change` makes the new one from the old one and what counts now. When this returns, the
    /// change is on disk and counts. A caller that goes away undoes nothing, and leaves nothing half done.
    ///
    /// # Errors
    /// What `change` refuses; or the store cannot commit, and nothing is changed.
    pub(crate) async fn change_member(
        self: &Arc<Self>,
        member: MemberId,
        audit: AuditEntry,
        change: impl FnOnce(Option<&Record>, &Snapshot) -> Result<Record, Failure> + Send + 'static,
    ) -> Result<(), Failure> {
        let app = self.clone();
        let changing = tokio::spawn(async move {
            let _alone = app.roster.changing.lock().await;
            let records = app.roster.records();
            let mut record = change(records.get(&member), &app.snapshot())?;
            record.tidy(app.clock.wall());
            let ended = record.revoked.is_some();
            app.roster.write(&*app.store, &member, record, audit).await?;
            app.rejoin();
            if ended {
                app.sessions.end_of(&member);
            }
            Ok(())
        });
        changing.await.unwrap_or_else(|_| Err(Failure::new(ErrorCode::Internal, "the change was interrupted")))
    }

    /// Lets what ends end, and writes when members were seen last, until the gateway stops.
    pub(crate) fn keep_members(self: &Arc<Self>) {
        let (app, draining) = (self.clone(), self.draining());
        drop(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut flushed, mut looked) = (Instant::now(), app.clock.wall());
            while draining.run_until_cancelled(ticks.tick()).await.is_some() {
                let now = app.clock.wall();
                if app.roster.ended(looked, now) {
                    tracing::info!("a member or a secret has ended");
                    app.rejoin();
                }
                looked = now;
                if flushed.elapsed() >= FLUSH {
                    flushed = Instant::now();
                    app.flush_last_uses().await;
                }
            }
        }));
    }

    /// Writes when members were seen last. A failure loses nothing but that.
    pub(crate) async fn flush_last_uses(&self) {
        if let Err(error) = self.roster.seen.flush(&*self.soft).await {
            tracing::warn!(cause = %error, "it could not be written when members were seen last");
        }
    }
}
