//! The closed list of values that a profile may speak of, and where each comes from.
//!
//! It says what a value is; how it is written is the template's.

use std::borrow::Cow;

use lgsp_model::{FeeKind, Timestamp};

use super::super::order::{Fee, Order, RefundOrder};
use super::super::provider::Report;
use super::message::{Message, Place};
use super::settings::Settings;

/// What has to be at hand for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// A setting that is no secret.
    Setting,
    /// A setting that is a secret: only where it goes to the provider and nowhere else.
    Secret,
    /// The order, with its bill.
    Order,
    /// One line of the bill.
    Fee,
    /// Money to go back.
    Refund,
    /// What the provider said of the order a moment ago.
    Report,
    /// The token that a call needs.
    Token,
    /// What is answered to a callback.
    Verdict,
    /// What came.
    Came,
    /// The time of the call.
    Now,
}

/// One value of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Listed(Listed),
    Setting(String),
    Came(Place),
}

macro_rules! listed {
    ($($topic:ident { $($variant:ident => $word:literal),+ $(,)? })+) => {
        /// The values with a fixed name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Listed { $($($variant),+),+ }

        const LISTED: &[(&str, Listed)] = &[$($(($word, Listed::$variant)),+),+];

        impl Listed {
            fn topic(self) -> Topic {
                match self { $($(Self::$variant)|+ => Topic::$topic),+ }
            }
        }
    };
}

listed! {
    Order {
        Id => "order.id",
        Amount => "order.amount",
        Description => "order.description",
        OpenedAt => "order.opened_at",
        ExpiresAt => "order.expires_at",
        ReturnUrl => "order.return_url",
        CallbackUrl => "order.callback_url",
        Address => "order.address",
        Dossier => "bill.dossier",
        Procedure => "bill.procedure",
        ProcedureName => "bill.procedure_name",
        Agency => "bill.agency",
        AgencyName => "bill.agency_name",
        PayeeAccount => "payee.account",
        PayeeBank => "payee.bank",
        PayeeBankBin => "payee.bank_bin",
        PayeeName => "payee.name",
        PayeeTreasury => "payee.treasury",
        PayerName => "payer.name",
        PayerIdentity => "payer.identity",
        PayerAddress => "payer.address",
        PayerDistrict => "payer.district",
        PayerProvince => "payer.province",
    }
    Fee {
        FeeKind => "fee.kind",
        FeeCode => "fee.code",
        FeeName => "fee.name",
        FeeAmount => "fee.amount",
    }
    Refund {
        RefundId => "refund.id",
        RefundTransaction => "refund.transaction",
        RefundAmount => "refund.amount",
        RefundFull => "refund.full",
        RefundAskedAt => "refund.asked_at",
        RefundReason => "refund.reason",
        RefundBy => "refund.by",
    }
    Report {
        ReportTransaction => "report.transaction",
    }
    Token {
        Token => "token",
    }
    Verdict {
        VerdictCode => "verdict.code",
        VerdictText => "verdict.text",
    }
    Now {
        Now => "now",
    }
}

impl Name {
    /// The value of that name; `None` when there is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(key) = text.strip_prefix("setting.") {
            return (!key.is_empty()).then(|| Self::Setting(key.to_owned()));
        }
        if let Some(path) = text.strip_prefix("came.") {
            return Place::of(path).map(Self::Came);
        }
        LISTED.iter().find(|(word, _)| *word == text).map(|(_, listed)| Self::Listed(*listed))
    }

    /// What has to be at hand. `None`: the profile declares no such setting.
    pub(super) fn topic(&self, settings: &super::settings::Declared) -> Option<Topic> {
        match self {
            Self::Listed(listed) => Some(listed.topic()),
            Self::Setting(key) => settings.topic(key),
            Self::Came(_) => Some(Topic::Came),
        }
    }
}

/// What a value is before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Whole,
    At,
    Either,
}

impl Name {
    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::Listed(Listed::Amount | Listed::FeeAmount | Listed::RefundAmount) => Shape::Whole,
            Self::Listed(Listed::OpenedAt | Listed::ExpiresAt | Listed::RefundAskedAt | Listed::Now) => Shape::At,
            Self::Listed(Listed::RefundFull) => Shape::Either,
            Self::Listed(_) | Self::Setting(_) | Self::Came(_) => Shape::Text,
        }
    }
}

/// A value before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Datum<'a> {
    Text(Cow<'a, str>),
    Whole(i64),
    At(Timestamp),
    Either(bool),
}

/// What is at hand for one message.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub settings: &'a Settings,
    pub now: Timestamp,
    pub order: Option<&'a Order>,
    pub fee: Option<&'a Fee>,
    pub refund: Option<RefundOrder<'a>>,
    pub report: Option<&'a Report>,
    pub token: Option<&'a str>,
    pub verdict: Option<(&'a str, &'a str)>,
    pub came: Option<&'a Message<'a>>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(settings: &'a Settings, now: Timestamp) -> Self {
        Self {
            settings,
            now,
            order: None,
            fee: None,
            refund: None,
            report: None,
            token: None,
            verdict: None,
            came: None,
        }
    }

    /// The value; an empty text where it is not known.
    pub(super) fn value(&self, name: &'a Name) -> Datum<'a> {
        match name {
            Name::Setting(key) => Datum::Text(Cow::Borrowed(self.settings.text(key))),
            Name::Came(place) => {
                let came = self.came.and_then(|came| came.text(place));
                Datum::Text(came.unwrap_or_default())
            }
            Name::Listed(listed) => self.listed(*listed).unwrap_or(Datum::Text(Cow::Borrowed(""))),
        }
    }

    fn listed(&self, listed: Listed) -> Option<Datum<'a>> {
        match listed.topic() {
            Topic::Order => Some(of_order(self.order?, listed)),
            Topic::Fee => Some(of_fee(self.fee?, listed)),
            Topic::Refund => Some(of_refund(self.refund?, listed)),
            Topic::Report => Some(text(self.report?.transaction.as_deref().unwrap_or_default())),
            Topic::Token => Some(text(self.token?)),
            Topic::Verdict => {
                let (code, words) = self.verdict?;
                Some(text(if listed == Listed::VerdictCode { code } else { words }))
            }
            Topic::Now => Some(Datum::At(self.now)),
            Topic::Setting | Topic::Secret | Topic::Came => None,
        }
    }
}

fn text(text: &str) -> Datum<'_> {
    Datum::Text(Cow::Borrowed(text))
}

fn of_order(order: &Order, listed: Listed) -> Datum<'_> {
    let bill = &order.bill;
    match listed {
        Listed::Id => text(order.id.as_str()),
        Listed::Amount => Datum::Whole(order.amount.get()),
        Listed::Description => text(&order.description),
        Listed::OpenedAt => Datum::At(order.opened_at),
        Listed::ExpiresAt => Datum::At(order.expires_at),
        Listed::ReturnUrl => text(&order.return_url),
        Listed::CallbackUrl => text(&order.callback_url),
        Listed::Address => Datum::Text(Cow::Owned(order.address.to_string())),
        Listed::Dossier => text(&bill.dossier),
        Listed::Procedure => text(&bill.procedure),
        Listed::ProcedureName => text(&bill.procedure_name),
        Listed::Agency => text(&bill.agency),
        Listed::AgencyName => text(&bill.agency_name),
        Listed::PayeeAccount => text(&bill.payee.account),
        Listed::PayeeBank => text(&bill.payee.bank),
        Listed::PayeeBankBin => text(&bill.payee.bank_bin),
        Listed::PayeeName => text(&bill.payee.name),
        Listed::PayeeTreasury => text(&bill.payee.treasury),
        Listed::PayerName => text(&bill.payer.name),
        Listed::PayerIdentity => text(&bill.payer.identity),
        Listed::PayerAddress => text(&bill.payer.address),
        Listed::PayerDistrict => text(&bill.payer.district),
        Listed::PayerProvince => text(&bill.payer.province),
        _ => text(""),
    }
}

fn of_fee(fee: &Fee, listed: Listed) -> Datum<'_> {
    match listed {
        Listed::FeeKind => text(FeeKind::code(fee.kind)),
        Listed::FeeCode => text(&fee.code),
        Listed::FeeName => text(&fee.name),
        Listed::FeeAmount => Datum::Whole(fee.amount.get()),
        _ => text(""),
    }
}

fn of_refund<'a>(refund: RefundOrder<'a>, listed: Listed) -> Datum<'a> {
    match listed {
        Listed::RefundId => text(refund.id.as_str()),
        Listed::RefundTransaction => text(refund.transaction),
        Listed::RefundAmount => Datum::Whole(refund.amount.get()),
        Listed::RefundFull => Datum::Either(refund.full),
        Listed::RefundAskedAt => Datum::At(refund.asked_at),
        Listed::RefundReason => text(refund.reason),
        Listed::RefundBy => text(refund.by),
        _ => text(""),
    }
}
