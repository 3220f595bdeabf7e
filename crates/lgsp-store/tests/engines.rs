//! Every engine against one suite, and what only the embedded engine promises.

#![allow(unreachable_pub, reason = "one binary: its modules share what they need")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "samples.rs"]
mod samples;

#[path = "engines/concurrency.rs"]
mod concurrency;
#[path = "engines/corpus.rs"]
mod corpus;
#[path = "engines/crash.rs"]
mod crash;
#[path = "engines/generic.rs"]
mod generic;
#[path = "engines/messages.rs"]
mod messages;
#[path = "engines/model.rs"]
mod model;
#[path = "engines/payment_lives.rs"]
mod payment_lives;
#[path = "engines/payment_truth.rs"]
mod payment_truth;
#[path = "engines/payments.rs"]
mod payments;
#[path = "engines/redis.rs"]
mod redis;
#[path = "engines/registry.rs"]
mod registry;
#[path = "engines/soft.rs"]
mod soft;
#[path = "engines/suite.rs"]
mod suite;
#[path = "engines/tamper.rs"]
mod tamper;

use lgsp_store::{EmbeddedOptions, EmbeddedStore};

/// One test of each function of the suite, on a store that `$open` makes in a fresh directory.
macro_rules! suite_on {
    ($open:path, $($name:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let dir = tempfile::tempdir().unwrap();
            let store = $open(dir.path());
            suite::$name(&store).await;
            assert_eq!(lgsp_store::DurableStore::verify(&store).await.unwrap().broken, None);
        })+
    };
}

mod embedded {
    use super::*;

    pub(crate) fn open(dir: &std::path::Path) -> EmbeddedStore {
        EmbeddedStore::open(dir, EmbeddedOptions::default()).unwrap()
    }

    suite_on!(
        open,
        messages_are_accepted_recognised_and_held,
        payloads_come_back_byte_for_byte,
        pages_keep_their_limits_and_tell_where_to_go_on,
        filters_choose_kinds_and_agencies_and_never_give_out_held_events,
        a_dossiers_history_holds_everything_about_it,
        an_idempotency_key_repeats_the_first_answer_for_a_day,
        messages_are_always_accepted_unless_their_key_says_that_they_came_before,
        the_newest_reply_to_a_message_is_found_and_names_it,
        generic_events_are_given_out_only_when_asked_for_by_kind_key_and_sender,
        messages_park_like_other_events,
        a_release_of_another_kind_than_the_held_event_is_refused,
        targets_keep_their_position_and_parked_events,
        an_unknown_target_stands_nowhere,
        a_released_event_moves_the_dossier_and_goes_out,
        a_dropped_event_stays_in_the_log_and_moves_nothing,
        operators_acts_stand_in_the_log,
        a_clock_that_jumps_back_changes_nothing,
        traces_come_back_for_runs_and_single_messages,
        what_does_not_exist_is_not_found,
        the_registry_changes_with_its_audit_event_or_not_at_all,
        entries_are_found_by_kind_and_id_and_paged_in_order,
        what_ended_long_ago_goes_with_a_later_change,
        a_payment_its_evidence_names_and_lines_are_one_change,
        a_change_that_was_decided_on_another_version_is_stale_and_stores_nothing,
        a_name_leads_to_one_payment_for_ever,
        what_is_due_comes_earliest_first_and_may_wait_without_an_event,
        a_dossiers_payments_come_newest_first,
        the_ledger_is_read_in_the_order_of_references_and_a_line_may_move_to_another_day,
        payments_and_evidence_are_given_out_only_when_asked_for_by_kind,
        a_change_beyond_its_bounds_is_refused_and_stores_nothing,
        no_call_gives_out_more_than_its_bound,
    );
}
