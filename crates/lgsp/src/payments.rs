//! Payments: towards one-stop systems one API and one state, towards providers their client. Data flow: `ask → open → callback or
//! inquiry → keeper → log`; refunds go the other way round.
//!
//! What a fact makes of a payment is decided in `lgsp-core`; how a provider is talked to, in `lgsp-connect`.

mod answer;
mod ask;
mod callback;
mod create;
mod end;
mod explain;
mod facts;
mod inquiry;
mod keeper;
mod lines;
mod open;
mod operate;
mod order;
mod page;
mod picture;
mod post;
mod providers;
mod pull;
mod read;
pub(crate) mod reconcile;
mod record;
mod refund;
mod when;
mod word;

use std::sync::Arc;

use crate::answer::Answer;
use crate::app::App;
use crate::failure::Failure;
use crate::request::Accepted;

pub(crate) use callback::verdict_word;
pub(crate) use explain::explanation;
pub(crate) use inquiry::Inquiry;
pub(crate) use operate::{Story, ask_now, review, settle_refund, story, waiting};
pub(crate) use post::of_message;
pub(crate) use providers::{PaymentProviderProblem, PaymentProviders};
pub(crate) use read::{Financial, financial_state, records_of};
pub(crate) use record::Record;

/// What a request asks of payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Make one, or list those of a dossier.
    Collection,
    One(String),
    Refund(String),
    Cancel(String),
    Receipt(String),
    /// The citizen's page: choose where to pay, wait, see the receipt.
    Page(String),
    /// The citizen comes back from the provider.
    Return(String),
    /// A provider says what happened.
    Callback(String),
    /// A partner asks what is to be paid for a dossier.
    Pull(String),
}

impl Errand {
    /// The errand of a path.
    pub(crate) fn of(path: &str) -> Option<Self> {
        if path == "/v1/payments" {
            return Some(Self::Collection);
        }
        let (family, rest) = [("v1", "/v1/payments/"), ("pay", "/pay/"), ("provider", "/payments/")]
            .into_iter()
            .find_map(|(family, prefix)| Some((family, path.strip_prefix(prefix)?)))?;
        let (name, what) = rest.split_once('/').map_or((rest, None), |(name, what)| (name, Some(what)));
        if name.is_empty() {
            return None;
        }
        let name = name.to_owned();
        Some(match (family, what) {
            ("v1", None) => Self::One(name),
            ("v1", Some("refund")) => Self::Refund(name),
            ("v1", Some("cancel")) => Self::Cancel(name),
            ("v1", Some("receipt")) => Self::Receipt(name),
            ("pay", None) => Self::Page(name),
            ("pay", Some("return")) => Self::Return(name),
            ("provider", Some("callback")) => Self::Callback(name),
            ("provider", Some("lookup")) => Self::Pull(name),
            _ => return None,
        })
    }

    /// The path, as labels of metrics and the document of the API have it.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Collection => "/v1/payments",
            Self::One(_) => "/v1/payments/{id}",
            Self::Refund(_) => "/v1/payments/{id}/refund",
            Self::Cancel(_) => "/v1/payments/{id}/cancel",
            Self::Receipt(_) => "/v1/payments/{id}/receipt",
            Self::Page(_) => "/pay/{id}",
            Self::Return(_) => "/pay/{id}/return",
            Self::Callback(_) => "/payments/{provider}/callback",
            Self::Pull(_) => "/payments/{provider}/lookup",
        }
    }

    /// The methods that it takes.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Self::Collection | Self::Page(_) | Self::Callback(_) => "GET, HEAD, POST",
            // Some providers send the browser back with a form.
            Self::Return(_) => "GET, HEAD, POST",
            Self::One(_) | Self::Receipt(_) => "GET, HEAD",
            Self::Refund(_) | Self::Cancel(_) | Self::Pull(_) => "POST",
        }
    }

    /// Whether a person in front of a browser reads the answer.
    pub(crate) fn is_for_people(&self) -> bool {
        matches!(self, Self::Page(_) | Self::Return(_))
    }
}

/// Runs an errand.
pub(crate) async fn run(app: &Arc<App>, errand: &Errand, request: Accepted) -> Result<Answer, Failure> {
    match errand {
        Errand::Collection if request.parts.method == hyper::Method::POST => create::create(app, request).await,
        Errand::Collection => read::of_dossier(app, &request).await,
        Errand::One(id) => read::one(app, &request, id).await,
        Errand::Refund(id) => refund::ask(app, request, id).await,
        Errand::Cancel(id) => end::cancel(app, request, id).await,
        Errand::Receipt(id) => read::receipt(app, &request, id).await,
        Errand::Page(id) => page::page(app, request, id).await,
        Errand::Return(id) => page::come_back(app, id).await,
        Errand::Callback(provider) => callback::callback(app, request, provider).await,
        Errand::Pull(provider) => pull::pull(app, request, provider).await,
    }
}
