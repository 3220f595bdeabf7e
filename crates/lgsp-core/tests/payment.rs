//! A payment under every fact, in any order, as often as one likes: what may never happen does not.

use lgsp_core::payment::{EndCause, Fact, Flag, NotNow, Payment, RefundSaying, RefundState, Saying, Step, next_look};
use lgsp_model::{Dong, PaymentId, PaymentState, RefundStanding, ReportStanding, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_000_000);
const END: Timestamp = Timestamp(2_000_000);

fn dong(amount: i64) -> Dong {
    Dong::new(amount).expect("an amount of these tests is small")
}

fn fresh() -> Payment {
    Payment::asked(dong(50_000), NOW, END)
}

fn says(standing: ReportStanding) -> Saying {
    Saying { standing, amount: Some(dong(50_000)), transaction: Some("T1".into()), paid_at: None, code: "00".into() }
}

fn refund_id(n: u8) -> PaymentId {
    PaymentId::of_random([n; 20])
}

fn refund_says(standing: RefundStanding) -> RefundSaying {
    RefundSaying { standing, provider_id: Some("R1".into()), code: "00".into() }
}

/// The payment after a fact, changed or not.
fn after(payment: &Payment, fact: &Fact) -> Payment {
    match payment.learn(fact, NOW) {
        Step::Changed(after) => *after,
        Step::Same | Step::Refused(_) => payment.clone(),
    }
}

fn after_all(facts: &[Fact]) -> Payment {
    facts.iter().fold(fresh(), |payment, fact| after(&payment, fact))
}

#[test]
fn a_payment_that_is_paid_says_so_once_and_keeps_what_the_provider_said() {
    let pending = after_all(&[Fact::Opened]);
    assert_eq!(pending.state, PaymentState::Pending);
    let paid = after(&pending, &Fact::Said(says(ReportStanding::Paid)));
    assert_eq!((paid.state, paid.transaction.as_deref(), paid.paid_at), (PaymentState::Paid, Some("T1"), Some(NOW)));
    assert_eq!(paid.received, Some(dong(50_000)));
    assert_eq!(paid.learn(&Fact::Said(says(ReportStanding::Paid)), NOW), Step::Same);
    assert_eq!(paid.learn(&Fact::Opened, NOW), Step::Same);
    assert!(!paid.is_flagged());
}

#[test]
fn a_word_that_overtakes_the_answer_to_the_order_counts() {
    let paid = after_all(&[Fact::Said(says(ReportStanding::Paid)), Fact::Opened]);
    assert_eq!(paid.state, PaymentState::Paid);
}

#[test]
fn money_that_comes_late_is_paid_and_flagged() {
    let expired = after_all(&[Fact::Opened, Fact::Ended(EndCause::Expired)]);
    assert_eq!((expired.state, expired.cause), (PaymentState::Expired, Some(EndCause::Expired)));
    let paid = after(&expired, &Fact::Said(says(ReportStanding::Paid)));
    assert_eq!((paid.state, paid.cause), (PaymentState::Paid, None));
    assert!(paid.flags.contains(&Flag::Late));
    let in_time = Saying { paid_at: Some(Timestamp(END.0 + 1)), ..says(ReportStanding::Paid) };
    assert!(after_all(&[Fact::Opened, Fact::Said(in_time)]).flags.contains(&Flag::Late));
}

#[test]
fn another_amount_never_counts_as_paid_and_is_flagged() {
    let wrong = Saying { amount: Some(dong(5_000)), ..says(ReportStanding::Paid) };
    let payment = after_all(&[Fact::Opened, Fact::Said(wrong)]);
    assert_eq!((payment.state, payment.received), (PaymentState::Pending, Some(dong(5_000))));
    assert!(payment.flags.contains(&Flag::WrongAmount));
    assert_eq!(after(&payment, &Fact::Said(says(ReportStanding::Paid))).received, Some(dong(50_000)));
}

#[test]
fn who_was_told_that_it_failed_is_not_told_that_it_is_paid_but_an_operator_is() {
    let failed = after_all(&[Fact::Opened, Fact::Said(says(ReportStanding::Failed))]);
    assert_eq!((failed.state, failed.cause), (PaymentState::Failed, Some(EndCause::NotPaid)));
    let after = after(&failed, &Fact::Said(says(ReportStanding::Paid)));
    assert_eq!((after.state, after.received), (PaymentState::Failed, Some(dong(50_000))));
    assert!(after.flags.contains(&Flag::PaidAfterFailed));
}

#[test]
fn who_was_told_that_it_is_paid_is_not_told_that_it_failed_but_an_operator_is() {
    let paid =
        after_all(&[Fact::Opened, Fact::Said(says(ReportStanding::Paid)), Fact::Said(says(ReportStanding::Failed))]);
    assert_eq!(paid.state, PaymentState::Paid);
    assert!(paid.flags.contains(&Flag::Contradicted));
    assert_eq!(paid.learn(&Fact::Ended(EndCause::Cancelled), NOW), Step::Refused(NotNow::Over));
}

#[test]
fn a_second_payment_of_one_order_is_flagged() {
    let other = Saying { transaction: Some("T2".into()), ..says(ReportStanding::Paid) };
    let paid = after_all(&[Fact::Opened, Fact::Said(says(ReportStanding::Paid)), Fact::Said(other)]);
    assert_eq!(paid.transaction.as_deref(), Some("T1"));
    assert!(paid.flags.contains(&Flag::OtherTransaction));
}

#[test]
fn refunds_in_parts_go_as_far_as_what_was_paid() {
    let paid = after_all(&[Fact::Opened, Fact::Said(says(ReportStanding::Paid))]);
    let ask = |payment: &Payment, n, amount| payment.learn(&Fact::RefundAsked(refund_id(n), dong(amount)), NOW);
    assert_eq!(ask(&paid, 1, 50_001), Step::Refused(NotNow::TooMuch { left: dong(50_000) }));
    assert_eq!(ask(&paid, 1, 0), Step::Refused(NotNow::TooMuch { left: dong(50_000) }));
    let first = after(&paid, &Fact::RefundAsked(refund_id(1), dong(20_000)));
    assert_eq!(first.state, PaymentState::RefundPending);
    assert_eq!(ask(&first, 1, 20_000), Step::Same, "the same refund, asked for again");
    assert_eq!(ask(&first, 1, 10_000), Step::Refused(NotNow::OtherAmount));
    assert_eq!(ask(&first, 2, 10_000), Step::Refused(NotNow::RefundUnderWay));
    let part = after(&first, &Fact::RefundSaid(refund_id(1), refund_says(RefundStanding::Done)));
    assert_eq!((part.state, part.left()), (PaymentState::PartlyRefunded, dong(30_000)));
    assert_eq!(ask(&part, 2, 30_001), Step::Refused(NotNow::TooMuch { left: dong(30_000) }));
    let refused = after(
        &after(&part, &Fact::RefundAsked(refund_id(2), dong(30_000))),
        &Fact::RefundSaid(refund_id(2), refund_says(RefundStanding::Refused)),
    );
    assert_eq!((refused.state, refused.left()), (PaymentState::PartlyRefunded, dong(30_000)));
    let all = after(
        &after(&refused, &Fact::RefundAsked(refund_id(3), dong(30_000))),
        &Fact::RefundSaid(refund_id(3), refund_says(RefundStanding::Done)),
    );
    assert_eq!((all.state, all.left()), (PaymentState::Refunded, Dong::ZERO));
    assert_eq!(ask(&all, 4, 1), Step::Refused(NotNow::NothingToRefund));
    assert_eq!(ask(&fresh(), 4, 1), Step::Refused(NotNow::NothingToRefund));
}

#[test]
fn what_is_open_is_always_looked_at_again_and_what_ended_is_not_for_ever() {
    for (payment, looked_at) in [
        (fresh(), true),
        (after_all(&[Fact::Opened]), true),
        (after_all(&[Fact::OpenedMaybe]), true),
        (after_all(&[Fact::Opened, Fact::Said(says(ReportStanding::Paid))]), false),
        (after_all(&[Fact::Opened, Fact::Ended(EndCause::Expired)]), true),
        (after_all(&[Fact::Ended(EndCause::Cancelled)]), false),
        (
            after_all(&[
                Fact::Opened,
                Fact::Said(says(ReportStanding::Paid)),
                Fact::RefundAsked(refund_id(1), dong(1)),
            ]),
            true,
        ),
    ] {
        let next = next_look(&payment, NOW);
        assert_eq!(next.is_some(), looked_at, "{payment:?}");
        assert!(next.is_none_or(|next| next >= NOW));
    }
    let expired = after_all(&[Fact::Opened, Fact::Ended(EndCause::Expired)]);
    let mut now = NOW;
    let mut looks = 0;
    while let Some(next) = next_look(&expired, now) {
        assert!(next > now);
        (now, looks) = (next, looks + 1);
    }
    assert!((8..40).contains(&looks), "{looks} looks in {} h", (now.0 - NOW.0) / 3_600_000);
}

#[test]
fn a_waiting_payment_is_looked_at_at_its_end() {
    let pending = after_all(&[Fact::Opened]);
    let just_before = Timestamp(END.0 - 5);
    assert_eq!(next_look(&pending, just_before), Some(Timestamp(END.0 + 1)));
    assert_eq!(next_look(&fresh(), NOW), Some(END));
}

fn fact() -> impl Strategy<Value = Fact> {
    let standing = prop::sample::select(vec![
        ReportStanding::Pending,
        ReportStanding::Unclear,
        ReportStanding::Paid,
        ReportStanding::Paid,
        ReportStanding::Failed,
        ReportStanding::NotFound,
        ReportStanding::Refunded,
    ]);
    let amount = prop::sample::select(vec![None, Some(dong(50_000)), Some(dong(50_000)), Some(dong(49_999))]);
    let saying = (standing, amount, prop::option::of("T[12]"), prop::option::of(NOW.0..END.0 + 10)).prop_map(
        |(standing, amount, transaction, at)| {
            Fact::Said(Saying { standing, amount, transaction, paid_at: at.map(Timestamp), code: "x".into() })
        },
    );
    let refund_standing = prop::sample::select(vec![
        RefundStanding::Done,
        RefundStanding::Pending,
        RefundStanding::Refused,
        RefundStanding::NotFound,
    ]);
    let end = prop::sample::select(EndCause::ALL.to_vec()).prop_map(Fact::Ended);
    let ask = (0u8..4, prop::sample::select(vec![1i64, 20_000, 30_000, 50_000, 50_001]))
        .prop_map(|(n, amount)| Fact::RefundAsked(refund_id(n), dong(amount)));
    let refunded =
        (0u8..4, refund_standing).prop_map(|(n, standing)| Fact::RefundSaid(refund_id(n), refund_says(standing)));
    let rest = prop::sample::select(vec![
        Fact::Opened,
        Fact::OpenedMaybe,
        Fact::NotTaken("x".into()),
        Fact::Silent,
        Fact::PaidBefore,
        Fact::UsedElsewhere,
    ]);
    prop_oneof![4 => saying, 1 => end, 3 => ask, 3 => refunded, 3 => rest]
}

/// What was told to the one-stop system as the end of the payment.
fn final_word(payment: &Payment) -> Option<bool> {
    match payment.state {
        PaymentState::Failed => Some(false),
        state if state.had_money() => Some(true),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_facts_loses_money_or_tells_two_ends(facts in prop::collection::vec(fact(), 1..40)) {
        let mut payment = fresh();
        let (mut told, mut money_came) = (None, false);
        for fact in facts {
            let before = payment.clone();
            let step = payment.learn(&fact, NOW);
            if let Step::Changed(after) = &step {
                payment = (**after).clone();
                prop_assert_eq!(payment.learn(&fact, NOW), Step::Same, "{:?} counts twice", fact);
            }
            if payment.state != before.state {
                let bridged = before.state == PaymentState::Created && PaymentState::Pending.may_become(payment.state);
                prop_assert!(before.state.may_become(payment.state) || bridged, "{} to {}", before.state, payment.state);
            }
            if let Some(word) = final_word(&payment) {
                prop_assert!(told.is_none_or(|told| told == word), "told both ends");
                told = Some(word);
            }
            prop_assert!(told.is_none() || final_word(&payment).is_some(), "an end was taken back");
            if let Fact::Said(saying) = &fact {
                let paid = matches!(saying.standing, ReportStanding::Paid | ReportStanding::Refunded);
                money_came |= paid && saying.amount.is_none_or(|amount| amount == payment.amount);
            }
            prop_assert_eq!(money_came, payment.received == Some(payment.amount), "money was forgotten or invented");
            prop_assert!(!payment.state.had_money() || money_came, "paid without money");
            let promised = payment.refunds.iter().filter(|refund| refund.state != RefundState::Refused);
            let promised = Dong::total(promised.map(|refund| refund.amount));
            prop_assert!(promised.is_some_and(|sum| sum <= payment.amount), "more goes back than came");
            let under_way = payment.refunds.iter().filter(|refund| refund.state == RefundState::Pending).count();
            prop_assert_eq!(under_way, usize::from(payment.state == PaymentState::RefundPending));
        }
    }
}
