//! The kinds of provider that the suite runs on: what differs between them is data here.

use bytes::Bytes;
use hyper::Method;
use hyper::header::HeaderMap;
use lgsp_connect::CallbackVerdict;

use super::stub::Play;
use super::{declared, keypay, momo, national, paygov, vnpay, zalopay};
use crate::server::{Answer, Call};

/// The key in use, and the one before it: every provider here has both while it is changed.
pub(super) const NEW: &str = "geheim-neu-0123456789abcdef";
pub(super) const OLD: &str = "geheim-alt-0123456789abcdef";

/// A callback as it comes in.
#[derive(Clone, Debug)]
pub(super) struct Came {
    pub(super) method: Method,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Came {
    pub(super) fn get(query: String) -> Self {
        Self { method: Method::GET, query, headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn post(body: String) -> Self {
        Self { method: Method::POST, query: String::new(), headers: HeaderMap::new(), body: body.into() }
    }

    /// The bytes that a forger can touch.
    pub(super) fn bytes(&self) -> &[u8] {
        if self.body.is_empty() { self.query.as_bytes() } else { &self.body }
    }

    /// The same with other bytes; `None`: no server would pass them on.
    pub(super) fn with(&self, bytes: Vec<u8>) -> Option<Self> {
        if self.body.is_empty() {
            return Some(Self { query: String::from_utf8(bytes).ok()?, ..self.clone() });
        }
        Some(Self { body: bytes.into(), ..self.clone() })
    }
}

/// What a callback is made of.
#[derive(Clone, Copy)]
pub(super) struct Told {
    pub(super) order: &'static str,
    pub(super) amount: i64,
    /// Or it failed.
    pub(super) paid: bool,
    pub(super) key: &'static str,
    pub(super) change: Change,
}

/// How it differs from what the provider's documents say; it is rightly signed all the same.
#[derive(Clone, Copy)]
pub(super) enum Change {
    None,
    Without(&'static str),
    Twice(&'static str),
    /// So many bytes more.
    Longer(usize),
}

impl Change {
    /// The fields as they are changed.
    pub(super) fn apply(self, mut fields: Vec<(&'static str, String)>, text: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::None => {}
            Self::Without(name) => fields.retain(|(other, _)| *other != name),
            Self::Twice(name) => {
                let field = fields.iter().find(|(other, _)| *other == name).unwrap().clone();
                fields.push(field);
            }
            Self::Longer(bytes) => {
                let field = fields.iter_mut().find(|(other, _)| *other == text).unwrap();
                field.1.push_str(&"a".repeat(bytes));
            }
        }
        fields
    }
}

/// A kind of provider.
pub(super) struct Member {
    pub(super) kind: &'static str,
    /// At a base address, with both keys.
    pub(super) settings: fn(&str) -> String,
    /// The key in these settings that holds what callbacks are signed with.
    pub(super) callback_key: &'static str,
    /// What the scripted provider answers.
    pub(super) answer: fn(&Call, &Play) -> Answer,
    /// A callback.
    pub(super) callback: fn(&Told) -> Came,
    /// What a callback needs besides its signature.
    pub(super) needed: &'static [&'static str],
    /// What its callbacks are answered with: verdict, status, a part of the body.
    pub(super) replies: &'static [(CallbackVerdict, u16, &'static str)],
    /// Whether opening an order is a call.
    pub(super) opens_by_call: bool,
    /// Whether it takes refunds.
    pub(super) refunds: bool,
    /// Whether its answers are signed.
    pub(super) signs_answers: bool,
    /// Whether its answers name the order.
    pub(super) names_orders: bool,
    /// Whether it calls back about failures.
    pub(super) tells_failures: bool,
    /// Whether the signature of a callback covers what happened.
    pub(super) proves: bool,
    /// Whether it says of an order that all of it went back.
    pub(super) tells_refunded: bool,
    /// The name of a payment there.
    pub(super) transaction: &'static str,
    /// The member of a call by which a repeated refund is known.
    pub(super) refund_name: &'static str,
}

pub(super) const MEMBERS: &[Member] =
    &[vnpay::MEMBER, momo::MEMBER, zalopay::MEMBER, keypay::MEMBER, paygov::MEMBER, national::MEMBER, declared::MEMBER];
