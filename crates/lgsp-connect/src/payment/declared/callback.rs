//! What a provider sends by itself, as a profile describes it: the word about an order, and the question what is to be paid for a dossier.
//!
//! It reads and answers; it calls nobody.

use bytes::Bytes;
use hyper::{Method, StatusCode};
use lgsp_model::ReportStanding;
use serde_json::{Map, Value as Json};

use super::super::order::Order;
use super::super::provider::{CallbackReply, CallbackRequest, CallbackVerdict, Heard, Unheard};
use super::answer::{Expect, Reading};
use super::field::{Fields, Misfit};
use super::message::{ENCODINGS, Encoding, Message, Place};
use super::reader::Part;
use super::settings::Settings;
use super::signature::Signature;
use super::template::Scope;
use super::values::{Facts, Topic};
use crate::settings::Problem;

/// A callback has some KiB.
const MOST_BYTES: usize = 64 * 1024;

/// The longest dossier code that is looked for.
const DOSSIER_BYTES: usize = 200;

const JSON: &str = "application/json";

/// The verdicts, as a profile names them.
const VERDICTS: &[(&str, CallbackVerdict)] = &[
    ("recorded", CallbackVerdict::Recorded),
    ("already_recorded", CallbackVerdict::AlreadyRecorded),
    ("unknown_order", CallbackVerdict::UnknownOrder),
    ("wrong_amount", CallbackVerdict::WrongAmount),
    ("bad_signature", CallbackVerdict::BadSignature),
    ("malformed", CallbackVerdict::Malformed),
    ("try_again", CallbackVerdict::TryAgain),
];

/// A callback, and what it is answered with.
#[derive(Clone, Debug)]
pub(super) struct Callback {
    method: Method,
    encoding: Encoding,
    signature: Signature,
    expect: Expect,
    reading: Reading,
    proven: bool,
    reply: Reply,
}

/// What a callback is answered with.
#[derive(Clone, Debug)]
struct Reply {
    fields: Fields,
    signature: Option<Signature>,
    verdicts: Vec<(CallbackVerdict, Verdict)>,
}

#[derive(Clone, Debug)]
struct Verdict {
    code: String,
    text: String,
    status: StatusCode,
}

impl Callback {
    /// The table `callback` of a profile.
    pub(super) fn read(part: &Part<'_>, scope: Scope<'_>) -> Option<Self> {
        let (method, encoding) = shape(part);
        let scope = Scope { topics: &[Topic::Setting], ..scope };
        if !part.has("signature") {
            part.fail("signature", Problem::Missing);
        }
        let signature = Signature::read(part, scope, None);
        let expect = Expect::read(part, scope);
        let mut reading = Reading::read(part);
        for (key, place) in [("order", &reading.order), ("standing", &reading.standing)] {
            if place.is_none() && !part.has(key) {
                part.fail(key, Problem::Missing);
            }
        }
        // Whatever a profile says, only what the signature covers is proven; it can say that the provider has to be asked all the same.
        let confirm = part.flag("confirm");
        let proves = |place: &Option<Place>| {
            place.as_ref().zip(signature.as_ref()).is_some_and(|(place, signature)| signature.proves(place))
        };
        let proven = !confirm && proves(&reading.order) && proves(&reading.standing) && proves(&reading.amount);
        // The citizen is sent to the receipt: where it is counts only under the signature, too.
        reading.receipt_url = reading.receipt_url.filter(|place| signature.as_ref().is_some_and(|s| s.proves(place)));
        let reply = part.needed_part("reply").map(|reply| Reply::read(reply, scope));
        Some(Self {
            method: method?,
            encoding: encoding?,
            signature: signature?,
            expect,
            reading,
            proven,
            reply: reply??,
        })
    }

    /// Whether its signature covers all that counts.
    pub(super) fn proves(&self) -> bool {
        self.proven
    }

    pub(super) fn hear(&self, came: &CallbackRequest<'_>, settings: &Settings) -> Result<Heard, Unheard> {
        let message = read(came, &self.method, self.encoding)?;
        let facts = Facts::new(settings, came.at);
        if !self.signature.verified(&message, &facts) {
            return Err(Unheard::BadSignature);
        }
        if !self.expect.holds(&message, &facts) {
            return Err(Unheard::Malformed("expected value"));
        }
        let order = self.reading.order(&message).ok_or(Unheard::Malformed("order"))?;
        let order = order.map_err(|()| Unheard::UnknownOrder)?;
        let evidence = if self.encoding == Encoding::Query {
            Bytes::copy_from_slice(came.query.as_bytes())
        } else {
            came.body.clone()
        };
        let mut report = self.reading.report(&message, None, evidence).map_err(Unheard::Malformed)?;
        // What cannot be said for certain, or told apart, is asked about.
        let clear = report.standing != ReportStanding::Unclear && report.amount.is_some();
        let apart = self.signature.apart(&message);
        report.receipt_url = report.receipt_url.filter(|_| apart);
        Ok(Heard { order, report, proven: self.proven && clear && apart })
    }

    pub(super) fn reply(
        &self,
        came: &CallbackRequest<'_>,
        verdict: CallbackVerdict,
        settings: &Settings,
    ) -> CallbackReply {
        let message = read(came, &self.method, self.encoding).unwrap_or_else(|_| Message::empty());
        let found = self.reply.verdicts.iter().find(|(other, _)| *other == verdict);
        let (_, words) = found.expect("every verdict was found in the profile");
        let mut facts = Facts::new(settings, came.at);
        facts.came = Some(&message);
        facts.verdict = Some((&words.code, &words.text));
        // Whoever did not show that he is the provider gets nothing signed.
        let strange = matches!(verdict, CallbackVerdict::BadSignature | CallbackVerdict::Malformed);
        let body = self.reply.fields.write(&facts).map(|mut fields| {
            if let Some(signature) = &self.reply.signature {
                let signed = signature.sign(&fields, &facts).filter(|_| !strange).unwrap_or_default();
                fields.insert(signature.name.clone(), signed.into());
            }
            fields
        });
        written(words.status, body)
    }
}

impl Reply {
    fn read(part: Part<'_>, scope: Scope<'_>) -> Option<Self> {
        let scope = Scope { topics: &[Topic::Setting, Topic::Verdict, Topic::Came, Topic::Now], ..scope };
        let fields = Fields::read(&part, "fields", scope);
        let signature = Signature::read(&part, scope, Some(&fields));
        let verdicts = part.needed_part("verdicts").map(|table| {
            let read = |(word, verdict): &(&str, CallbackVerdict)| {
                Verdict::read(&table.needed_part(word)?).map(|words| (*verdict, words))
            };
            let verdicts: Vec<_> = VERDICTS.iter().filter_map(read).collect();
            table.finish();
            verdicts
        });
        part.finish();
        Some(Self { fields, signature, verdicts: verdicts? })
    }
}

impl Verdict {
    fn read(part: &Part<'_>) -> Option<Self> {
        let code = part.needed("code")?.to_owned();
        let text = part.text("text").unwrap_or_default().to_owned();
        let status = part.get("status").map_or(Some(200), toml::Value::as_integer);
        let status = status.and_then(|status| u16::try_from(status).ok()).filter(|status| (200..600).contains(status));
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        if status.is_none() {
            part.fail("status", Problem::Expected("a status of HTTP, 200 to 599"));
        }
        for (key, _) in part.entries().filter(|(key, _)| !["code", "text", "status"].contains(key)) {
            part.fail(key, Problem::Unknown);
        }
        Some(Self { code, text, status: status? })
    }
}

/// The portal's question what is to be paid for a dossier (`dptracuuthanhtoanhs`), and its answers.
#[derive(Clone, Debug)]
pub(super) struct Pull {
    path: String,
    method: Method,
    encoding: Encoding,
    dossier: Place,
    payable: Fields,
    nothing: Fields,
    refused: Fields,
}

impl Pull {
    /// The table `pull` of a profile.
    pub(super) fn read(part: &Part<'_>, scope: Scope<'_>) -> Option<Self> {
        let path = part.needed("path").map(str::to_owned);
        let (method, encoding) = shape(part);
        let dossier = Place::needed(part, "dossier");
        for key in ["payable", "nothing", "refused"].into_iter().filter(|key| !part.has(key)) {
            part.fail(key, Problem::Missing);
        }
        let bare = Scope { topics: &[Topic::Setting, Topic::Came, Topic::Now], ..scope };
        let ordered = Scope { topics: &[Topic::Setting, Topic::Came, Topic::Now, Topic::Order], ..scope };
        let payable = Fields::read(part, "payable", ordered);
        let (nothing, refused) = (Fields::read(part, "nothing", bare), Fields::read(part, "refused", bare));
        Some(Self { path: path?, method: method?, encoding: encoding?, dossier: dossier?, payable, nothing, refused })
    }

    pub(super) fn pulled(&self, came: &CallbackRequest<'_>) -> Option<Result<String, Unheard>> {
        (came.path == self.path).then(|| {
            let message = read(came, &self.method, self.encoding)?;
            let dossier = message.text(&self.dossier).filter(|text| (1..=DOSSIER_BYTES).contains(&text.len()));
            dossier.map(std::borrow::Cow::into_owned).ok_or(Unheard::Malformed("dossier"))
        })
    }

    pub(super) fn reply(
        &self,
        came: &CallbackRequest<'_>,
        order: Option<&Order>,
        settings: &Settings,
    ) -> CallbackReply {
        let message = read(came, &self.method, self.encoding);
        let fields = match (&message, order) {
            (Err(_), _) => &self.refused,
            (Ok(_), Some(_)) => &self.payable,
            (Ok(message), None) if message.text(&self.dossier).is_none_or(|text| text.is_empty()) => &self.refused,
            (Ok(_), None) => &self.nothing,
        };
        let message = message.unwrap_or_else(|_| Message::empty());
        let mut facts = Facts::new(settings, came.at);
        facts.came = Some(&message);
        facts.order = order;
        written(StatusCode::OK, fields.write(&facts))
    }
}

fn read<'a>(came: &CallbackRequest<'a>, method: &Method, encoding: Encoding) -> Result<Message<'a>, Unheard> {
    if came.method != method {
        return Err(Unheard::Malformed("method"));
    }
    if came.body.len() > MOST_BYTES || came.query.len() > MOST_BYTES {
        return Err(Unheard::Malformed("length"));
    }
    Message::read(encoding, came.query, came.body).map_err(|_| Unheard::Malformed("message"))
}

fn shape(part: &Part<'_>) -> (Option<Method>, Option<Encoding>) {
    let methods = &[("POST", false), ("GET", true)];
    let get = part.word("method", methods, Some(false), "POST or GET");
    let usual = if get == Some(true) { Encoding::Query } else { Encoding::Json };
    let encoding = part.word("encoding", ENCODINGS, Some(usual), "json, form or query");
    (get.map(|get| if get { Method::GET } else { Method::POST }), encoding)
}

fn written(status: StatusCode, body: Result<Map<String, Json>, Misfit>) -> CallbackReply {
    match body {
        Ok(fields) => CallbackReply { status, content_type: JSON, body: Json::Object(fields).to_string().into() },
        // The provider calls again.
        Err(_) => CallbackReply { status: StatusCode::INTERNAL_SERVER_ERROR, content_type: JSON, body: "{}".into() },
    }
}
