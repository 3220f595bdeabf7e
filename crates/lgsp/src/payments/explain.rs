//! Why a payment stands where it does, in one or two sentences for the operator who is asked.

use lgsp_core::payment::{EndCause, Flag};
use lgsp_model::{PaymentState, Timestamp};

use super::record::Record;

/// What an operator would say.
pub(crate) fn explanation(record: &Record, now: Timestamp) -> Vec<String> {
    let mut told = vec![state(record, now)];
    told.extend(record.payment().flags.iter().map(|flag| of_flag(*flag).to_owned()));
    if let Some(review) = &record.review {
        told.push(format!("{} looked at this on {}: {}", review.by, review.at, review.reason));
    }
    told
}

fn state(record: &Record, now: Timestamp) -> String {
    let provider = record.provider.as_deref().unwrap_or("no provider");
    match record.state() {
        PaymentState::Created if !record.sent => "The citizen has not chosen where to pay.".to_owned(),
        PaymentState::Created => format!("{provider} is being told of the order."),
        PaymentState::Pending if now >= record.expires_at => {
            format!("Its time is over; {provider} is asked whether the money came before it ends.")
        }
        PaymentState::Pending => {
            format!("{provider} has the order and waits for the citizen, until {}.", record.expires_at)
        }
        PaymentState::Unknown => format!(
            "{provider} gave no answer that says whether it has the money{}; it is asked until it does. Nothing is told as failed before.",
            record.provider_code.as_deref().map(|code| format!(" (code {code})")).unwrap_or_default()
        ),
        PaymentState::Paid => format!("{provider} has the money since {}.", when(record.paid_at)),
        PaymentState::Failed => match record.payment().cause {
            Some(EndCause::NotTaken) => format!("{provider} did not take the order (code {}).", code(record)),
            _ => format!("{provider} said that it was not paid (code {}).", code(record)),
        },
        PaymentState::Expired => match record.payment().cause {
            Some(EndCause::Cancelled) => "Who asked for it cancelled it; there was no money then.".to_owned(),
            _ => "Its time ran out without money.".to_owned(),
        },
        PaymentState::RefundPending => {
            format!("{provider} was told to send money back and has not said that it did; it is asked until it does.")
        }
        PaymentState::Refunded => format!("All of it went back by {provider}."),
        PaymentState::PartlyRefunded => {
            format!("{} of {} đồng went back by {provider}.", record.refunded, record.amount)
        }
    }
}

fn code(record: &Record) -> &str {
    record.provider_code.as_deref().unwrap_or("none")
}

fn when(at: Option<Timestamp>) -> String {
    at.map(|at| at.to_string()).unwrap_or_default()
}

const fn of_flag(flag: Flag) -> &'static str {
    match flag {
        Flag::Late => {
            "The money came after the payment's end: check whether the one-stop system still wants it, or send it back."
        }
        Flag::PaidTwice => "The same fee of this dossier was paid before: send this one back.",
        Flag::PaidAfterFailed => {
            "The provider said that it failed, and later that it has the money: settle it with the provider, who has to send it back."
        }
        Flag::WrongAmount => "The provider reports another amount than was asked for: settle it with the provider.",
        Flag::OtherTransaction => "The provider reports a second payment of this order: have it send one of them back.",
        Flag::Contradicted => "The provider took back its word that it has the money: settle it with the provider.",
        Flag::RefundedElsewhere => {
            "The provider sent the money back without being asked here: find out who asked it to."
        }
    }
}
