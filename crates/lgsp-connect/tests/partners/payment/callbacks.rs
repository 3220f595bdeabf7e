//! What every provider's callback promises: signature first, byte for byte, and never a panic.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use hyper::Method;
use hyper::header::HeaderMap;
use lgsp_connect::{CallbackVerdict, Heard, PaymentProvider, ReportStanding, Unheard};
use proptest::prelude::*;

use super::member::{Came, Change, MEMBERS, Member, NEW, OLD, Told};
use super::stub::deaf;
use super::{AMOUNT, ORDER, request};

const PAID: Told = Told { order: ORDER, amount: AMOUNT, paid: true, key: NEW, change: Change::None };

/// One of each kind: what is read is read alike at every call.
static ALL: LazyLock<Vec<(&Member, Arc<dyn PaymentProvider>)>> =
    LazyLock::new(|| MEMBERS.iter().map(|member| (member, deaf(member))).collect());

fn hear(provider: &dyn PaymentProvider, came: &Came) -> Result<Heard, Unheard> {
    let heard = provider.hear(&request(came));
    assert!(!format!("{heard:?}").contains("geheim"));
    heard
}

/// What was heard, without the bytes in which it was said.
fn meaning(heard: Heard) -> Heard {
    let mut heard = heard;
    heard.report.evidence = Bytes::new();
    heard
}

#[test]
fn a_callback_by_either_key_is_heard() {
    for member in MEMBERS {
        let provider = deaf(member);
        for key in [NEW, OLD] {
            let came = (member.callback)(&Told { key, ..PAID });
            let heard = hear(&*provider, &came).unwrap();
            assert_eq!(heard.order.as_str(), ORDER, "{}", member.kind);
            assert_eq!((heard.report.standing, heard.proven), (ReportStanding::Paid, member.proves), "{}", member.kind);
            assert_eq!(heard.report.amount.map(|amount| amount.get()), Some(AMOUNT), "{}", member.kind);
            assert_eq!(heard.report.evidence, came.bytes(), "{}", member.kind);
            if member.proves {
                assert_eq!(heard.report.transaction.as_deref(), Some(member.transaction), "{}", member.kind);
                let paid_at = heard.report.paid_at.unwrap().to_string();
                assert_eq!(paid_at, "2026-01-01T10:35:00.000+07:00", "{}", member.kind);
            }
        }
    }
}

#[test]
fn a_failure_is_heard_where_it_is_told() {
    for member in MEMBERS.iter().filter(|member| member.tells_failures) {
        let heard = hear(&*deaf(member), &(member.callback)(&Told { paid: false, ..PAID })).unwrap();
        assert_eq!(heard.report.standing, ReportStanding::Failed, "{}", member.kind);
        assert_eq!(heard.report.paid_at, None, "{}", member.kind);
    }
}

#[test]
fn another_amount_is_told_as_it_is_for_the_caller_to_compare() {
    for member in MEMBERS {
        let heard = hear(&*deaf(member), &(member.callback)(&Told { amount: AMOUNT + 1, ..PAID })).unwrap();
        assert_eq!(heard.report.amount.map(|amount| amount.get()), Some(AMOUNT + 1), "{}", member.kind);
    }
}

#[test]
fn a_wrong_signature_comes_before_everything_else() {
    for member in MEMBERS {
        let provider = deaf(member);
        for told in [
            Told { key: "forged", ..PAID },
            Told { key: "forged", order: "not-one-of-ours", ..PAID },
            Told { key: "forged", amount: -1, ..PAID },
        ] {
            assert_eq!(hear(&*provider, &(member.callback)(&told)), Err(Unheard::BadSignature), "{}", member.kind);
        }
    }
}

#[test]
fn an_order_that_is_none_of_ours_is_unknown() {
    for member in MEMBERS {
        let came = (member.callback)(&Told { order: "HS20260101-5", ..PAID });
        assert_eq!(hear(&*deaf(member), &came), Err(Unheard::UnknownOrder), "{}", member.kind);
    }
}

#[test]
fn what_is_missing_stands_twice_or_is_too_long_is_not_guessed_at() {
    for member in MEMBERS {
        let provider = deaf(member);
        for name in member.needed {
            let without = hear(&*provider, &(member.callback)(&Told { change: Change::Without(name), ..PAID }));
            assert_eq!(without, Err(Unheard::Malformed(name)), "{} without {name}", member.kind);
            let twice = hear(&*provider, &(member.callback)(&Told { change: Change::Twice(name), ..PAID }));
            assert!(matches!(twice, Err(Unheard::Malformed(_))), "{} {name} twice: {twice:?}", member.kind);
        }
        let long = hear(&*provider, &(member.callback)(&Told { change: Change::Longer(100_000), ..PAID }));
        assert!(matches!(long, Err(Unheard::Malformed(_))), "{}: {long:?}", member.kind);
        let longer = hear(&*provider, &(member.callback)(&Told { change: Change::Longer(100), ..PAID }));
        assert!(longer.is_ok(), "{}: {longer:?}", member.kind);
    }
}

#[test]
fn a_callback_that_comes_in_another_way_is_none() {
    for member in MEMBERS {
        let good = (member.callback)(&PAID);
        for method in [Method::GET, Method::POST, Method::PUT, Method::HEAD] {
            let came = Came { method: method.clone(), ..good.clone() };
            assert_eq!(hear(&*deaf(member), &came).is_ok(), method == good.method, "{} {method}", member.kind);
        }
    }
}

/// A changed callback counts as proven only where it still says the very same, as `%3a` says what `%3A` says.
fn never_proven_otherwise(member: &Member, provider: &dyn PaymentProvider, came: &Came) {
    let heard = meaning(hear(provider, &(member.callback)(&PAID)).unwrap());
    if let Ok(changed) = hear(provider, came)
        && changed.proven
    {
        assert_eq!(meaning(changed), heard, "{} {:?}", member.kind, String::from_utf8_lossy(came.bytes()));
    }
}

#[test]
fn no_flipped_byte_makes_a_callback_say_something_else() {
    for member in MEMBERS {
        let (provider, good) = (deaf(member), (member.callback)(&PAID));
        let mut refused = 0;
        for place in 0..good.bytes().len() {
            // Each byte in two ways: the letter's case, which some readers overlook, and another bit for each place.
            for bit in [5, [0, 1, 2, 3, 4, 6, 7][place % 7]] {
                let mut bytes = good.bytes().to_vec();
                bytes[place] ^= 1 << bit;
                let Some(came) = good.with(bytes) else { continue };
                never_proven_otherwise(member, &*provider, &came);
                refused += usize::from(provider.hear(&request(&came)).is_err());
            }
        }
        // Signs that are not signed: of a name that nobody asks for, or the letters of an escape.
        assert!(!member.proves || refused > good.bytes().len(), "{}: {refused}", member.kind);
    }
}

#[test]
fn every_verdict_is_answered_as_the_provider_wants() {
    for member in MEMBERS {
        let (provider, came) = (deaf(member), (member.callback)(&PAID));
        let all = [
            CallbackVerdict::Recorded,
            CallbackVerdict::AlreadyRecorded,
            CallbackVerdict::UnknownOrder,
            CallbackVerdict::WrongAmount,
            CallbackVerdict::BadSignature,
            CallbackVerdict::Malformed,
            CallbackVerdict::TryAgain,
        ];
        assert_eq!(member.replies.len(), all.len(), "{}", member.kind);
        for verdict in all {
            let (_, status, part) = member.replies.iter().find(|(other, ..)| *other == verdict).unwrap();
            let reply = provider.reply(&request(&came), verdict);
            let body = String::from_utf8(reply.body.to_vec()).unwrap();
            assert_eq!(reply.status.as_u16(), *status, "{} {verdict:?}", member.kind);
            assert!(body.contains(part) && (body.is_empty() == part.is_empty()), "{} {verdict:?}: {body}", member.kind);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_are_heard_into_a_panic(bytes: Vec<u8>, query in ".{0,200}", post: bool) {
        for (_, provider) in ALL.iter() {
            let method = if post { Method::POST } else { Method::GET };
            let came = Came { method, query: query.clone(), headers: HeaderMap::new(), body: bytes.clone().into() };
            prop_assert!(hear(&**provider, &came).is_err());
        }
    }

    #[test]
    fn no_cut_doubled_or_overwritten_part_makes_a_callback_say_something_else(
        from in 0usize..2_000, length in 0usize..64, into in 0usize..2_000, cut: bool,
    ) {
        for (member, provider) in ALL.iter() {
            let good = (member.callback)(&PAID);
            let mut bytes = good.bytes().to_vec();
            let (from, into) = (from % bytes.len(), into % bytes.len());
            let end = (from + length).min(bytes.len());
            let part = bytes[from..end].to_vec();
            if cut {
                bytes.drain(from..end);
            } else {
                let gone = (into + part.len()).min(bytes.len());
                bytes.splice(into..gone, part);
            }
            if let Some(came) = good.with(bytes) {
                never_proven_otherwise(member, &**provider, &came);
            }
        }
    }
}
