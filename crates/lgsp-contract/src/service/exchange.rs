//! What is done with the messages of one operation: read, check, map, write; towards the upstream and back.
//!
//! It sends nothing. A message that needs no conversion is passed on byte for byte.

mod fault;
mod refusal;
mod route;
mod side;
mod verdict;

use bytes::Bytes;
use lgsp_model::Finding;

pub use fault::Fault;
pub use refusal::Refusal;

use super::condition::Condition;
use super::format::media_type;
use super::{Check, Dialogue, Format};
use crate::json;
use crate::map::{Budget, Context, Map};
use crate::template::{Template, TemplateBudget};
use crate::tree::Tree;
use crate::xml::Names;
pub(crate) use route::UpstreamPath;
pub(crate) use side::{Envelope, MessageSchema, Side, decode_request, write};
use side::{Message, Parts};

/// The four messages of an operation and what lies between them.
pub(crate) struct Exchange {
    pub(crate) callers: Vec<Dialogue>,
    /// What the upstream speaks; absent: what the caller speaks.
    pub(crate) upstream: Option<Format>,
    pub(crate) names: Names,
    pub(crate) request: Side,
    pub(crate) upstream_request: Side,
    pub(crate) upstream_response: Side,
    pub(crate) response: Side,
    pub(crate) map_request: Option<Map>,
    pub(crate) map_response: Option<Map>,
    pub(crate) map_fault: Option<Map>,
    pub(crate) map_problem: Option<Map>,
    pub(crate) audit: Option<Map>,
    pub(crate) agency: Option<Map>,
    pub(crate) key: Option<Map>,
    pub(crate) template: Option<(Template, String)>,
    pub(crate) soap_action: Option<String>,
    pub(crate) path: UpstreamPath,
    pub(crate) method: Option<String>,
    pub(crate) check_request: Check,
    pub(crate) check_response: Check,
    /// An answer under a good status that is a fault all the same.
    pub(crate) fault_when: Option<Condition>,
    pub(crate) settled_when: Option<Condition>,
    pub(crate) deferred_when: Option<Condition>,
}

/// A request as it came.
#[derive(Clone, Copy)]
pub struct Inbound<'a> {
    /// The header `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The whole body.
    pub body: &'a Bytes,
    /// Who asked, when, and with which parameters.
    pub context: &'a Context<'a>,
    /// What follows the service's own path.
    pub path: &'a str,
}

/// A request as it goes to the upstream.
pub struct UpstreamCall {
    /// The form that the caller spoke: answers go back in it.
    pub caller: Format,
    /// The method; absent: the caller's.
    pub method: Option<String>,
    /// Path and query below the server's base; absent: the caller's below the service.
    pub path: Option<String>,
    /// Headers that the contract sets.
    pub headers: Vec<(String, String)>,
    /// The media type of `body`; absent when it is unchanged.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// The agency that the message is about, when the contract says where it stands.
    pub agency: Option<String>,
    /// The key that orders messages, in queue mode.
    pub key: Option<String>,
    /// What the audit keeps: one JSON object.
    pub audit: Option<Vec<u8>>,
    /// What is wrong, where the contract only observes.
    pub observed: Vec<Finding>,
}

/// An answer of the upstream.
#[derive(Clone, Copy)]
pub struct UpstreamAnswer<'a> {
    /// The status.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The whole body.
    pub body: &'a Bytes,
}

/// An answer as it goes to the caller.
pub struct CallerAnswer {
    /// The status.
    pub status: u16,
    /// The media type of `body`; absent when it is unchanged.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// What is wrong, where the contract only observes.
    pub observed: Vec<Finding>,
}

/// What an answer says about a message that was delivered from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect.
    Settled,
    /// It was refused for good.
    Refused,
    /// Not now.
    Deferred,
    /// Nobody can tell.
    Unknown,
}

impl Exchange {
    /// Whether answers pass as they come, so that nobody needs to read them.
    pub(crate) fn passes_answers(&self, caller: Format) -> bool {
        self.upstream.unwrap_or(caller) == caller && !self.reads_answers() && self.map_fault.is_none()
    }

    /// Whether something of an answer is checked or mapped.
    fn reads_answers(&self) -> bool {
        let schemas = self.upstream_response.schema.is_some() || self.response.schema.is_some();
        schemas || self.map_response.is_some() || self.fault_when.is_some()
    }

    /// The form of a caller's message.
    pub(crate) fn caller_format(&self, content_type: Option<&str>) -> Result<Format, Refusal> {
        let media_type = content_type.map(media_type);
        let of_root = match &media_type {
            Some(related) if related == "multipart/related" => Parts::root_type(content_type.unwrap_or_default()),
            other => other.clone(),
        };
        Format::of_caller(of_root.as_deref(), &self.callers)
            .ok_or_else(|| Refusal::MediaType { spoken: self.callers.clone() })
    }

    /// Checks and maps a request.
    pub(crate) fn request(&self, inbound: &Inbound<'_>) -> Result<UpstreamCall, Refusal> {
        let content_type = inbound.content_type.filter(|_| !inbound.body.is_empty());
        let caller = self.caller_format(content_type)?;
        let parts = Parts::of(content_type, inbound.body)?;
        let text = side::decode(caller, content_type, parts.root())?;
        let passed_on = caller.is_soap() && self.upstream.is_none_or(Format::is_soap);
        let message = if inbound.body.is_empty() {
            Message::of_parameters(inbound.context, &self.request)
        } else {
            self.request.read(caller, passed_on, &text, &self.names)?
        };
        let caller = message.format(caller);
        let mut observed = Vec::new();
        self.check_side(&self.request, &message, parts.root().len(), self.check_request, &mut observed)?;
        let (context, budget) = (inbound.context, Budget::default());
        let audit = self.audit.as_ref().map(|map| map.run(&message.tree, context, &budget)).transpose()?;
        let agency = one(self.agency.as_ref(), &message.tree, context)?;
        let key = one(self.key.as_ref(), &message.tree, context)?;
        let upstream = self.upstream.unwrap_or(caller);
        let mut call = UpstreamCall {
            caller,
            method: self.method.clone(),
            path: None,
            headers: Vec::new(),
            content_type: None,
            body: inbound.body.clone(),
            agency,
            key,
            audit: audit.map(|tree| to_json(&tree)),
            observed,
        };
        self.compose(message, upstream, inbound, &parts, &mut call)?;
        Ok(call)
    }

    /// Makes the upstream's request of the caller's.
    fn compose(
        &self,
        message: Message<'_>,
        upstream: Format,
        inbound: &Inbound<'_>,
        parts: &Parts<'_>,
        call: &mut UpstreamCall,
    ) -> Result<(), Refusal> {
        let context = inbound.context;
        let mapped;
        let (tree, changed) = match &self.map_request {
            Some(map) => {
                mapped = map.run(&message.tree, context, &Budget::default())?;
                (mapped, true)
            }
            None => (message.tree, upstream != call.caller),
        };
        let (tree, extras) = route::split(tree);
        let tree =
            if upstream.is_xml() && self.map_request.is_none() { self.request.order.arrange(tree) } else { tree };
        call.path = self.path.fill(inbound.path, context, &extras)?;
        call.headers = extras.headers;
        self.add_action(upstream, call);
        if let Some((template, media_type)) = &self.template {
            call.body = template.fill(&tree, context, &TemplateBudget::default())?.into();
            call.content_type = Some(media_type.clone());
            return Ok(());
        }
        let renamed = upstream.is_xml() && self.upstream_request.element != self.request.element;
        let body_less = inbound.body.is_empty() && !changed;
        if body_less || !(changed || renamed) {
            return Ok(());
        }
        if self.sends_nothing(&tree) {
            call.body = Bytes::new();
            return Ok(());
        }
        let envelope = Envelope { element: self.upstream_request.element.as_deref(), header: message.header };
        self.upstream_request.check(&tree, inbound.body.len(), &self.names).map_err(Refusal::Violates)?;
        let written = side::write(tree, upstream, &envelope, &self.names).map_err(Refusal::Unwritable)?;
        (call.content_type, call.body) = parts.replace_root(upstream, self.soap_action.as_deref(), written)?;
        Ok(())
    }

    /// A request without a body: the method has none, and nothing is left to say.
    fn sends_nothing(&self, tree: &Tree<'_>) -> bool {
        let method_without = self.method.as_deref().is_some_and(|method| matches!(method, "GET" | "HEAD" | "DELETE"));
        method_without && matches!(tree, Tree::Object(members) if members.as_slice().is_empty())
    }

    /// SOAP 1.1 names its action in a header of its own, which must be there even when it is empty.
    fn add_action(&self, upstream: Format, call: &mut UpstreamCall) {
        if upstream == Format::Soap11 && (self.soap_action.is_some() || call.caller != Format::Soap11) {
            let action = format!("\"{}\"", self.soap_action.as_deref().unwrap_or_default());
            call.headers.push(("soapaction".to_owned(), action));
        }
    }

    fn check_side(
        &self,
        side: &Side,
        message: &Message<'_>,
        size: usize,
        check: Check,
        observed: &mut Vec<Finding>,
    ) -> Result<(), Refusal> {
        match (side.check(&message.tree, size, &self.names), check) {
            (Ok(()), _) => Ok(()),
            (Err(findings), Check::Observe) => {
                observed.extend(findings);
                Ok(())
            }
            (Err(findings), Check::Enforce) => Err(Refusal::Violates(findings)),
        }
    }

    /// Checks and maps an answer for a caller who spoke `caller`.
    pub(crate) fn response(
        &self,
        caller: Format,
        answer: &UpstreamAnswer<'_>,
        context: &Context<'_>,
    ) -> Result<CallerAnswer, Refusal> {
        let upstream = self.upstream.unwrap_or(caller);
        let unchanged =
            CallerAnswer { status: answer.status, content_type: None, body: answer.body.clone(), observed: Vec::new() };
        let plain = caller == upstream && self.map_response.is_none();
        let success = (200..300).contains(&answer.status);
        if !success && plain && self.map_fault.is_none() {
            let readable = self.upstream_response.is_readable_error(upstream, answer, &self.names);
            return if readable { Ok(unchanged) } else { Err(Refusal::Fault(Fault::of_status(answer.status))) };
        }
        if success && plain && !self.reads_answers() {
            return Ok(unchanged);
        }
        if answer.body.is_empty() && success && (matches!(answer.status, 204 | 205) || !self.reads_answers()) {
            return Ok(unchanged);
        }
        let parts = Parts::of(answer.content_type, answer.body).map_err(Refusal::answer)?;
        let text = match side::decode_answer(upstream, answer, parts.root()) {
            Ok(text) => text,
            Err(refusal) if success => return Err(refusal),
            Err(_) => return Err(self.fault(Fault::of_status(answer.status), context)),
        };
        let message = match self.upstream_response.read_answer(upstream, &text, &self.names) {
            Ok(message) => message,
            Err(refusal) if success => return Err(refusal.answer()),
            Err(_) => return Err(self.fault(Fault::of_status(answer.status), context)),
        };
        let hidden = self.fault_when.as_ref().filter(|_| success && message.fault.is_none());
        let is_fault = |when: &Condition| context.now.is_some_and(|now| when.holds(&message.tree, now));
        if !success || message.fault.is_some() || hidden.is_some_and(is_fault) {
            let fault = Fault::of_answer(answer.status, message.fault, message.tree);
            return Err(self.fault(fault, context));
        }
        self.convert(caller, upstream, message, answer, &parts, context)
    }

    /// A fault in the contract's form, or why it has none.
    fn fault(&self, fault: Fault, context: &Context<'_>) -> Refusal {
        let Some(map) = &self.map_fault else { return Refusal::Fault(fault) };
        let mapped = run_on_answer(map, &fault.to_tree(), context).map(|mapped| fault.mapped(&mapped));
        mapped.map_or_else(|refusal| refusal, Refusal::Fault)
    }

    /// Path and query of a call whose body flows through.
    pub(crate) fn passed_path(&self, below: &str, context: &Context<'_>) -> Result<Option<String>, Refusal> {
        self.path.fill(below, context, &route::Extras::default())
    }

    /// An error in the contract's own words.
    pub(crate) fn problem(&self, members: &serde_json::Value) -> Option<CallerAnswer> {
        let map = self.map_problem.as_ref()?;
        let tree = Tree::from_value(members);
        // A map that fails here leaves the gateway's own words.
        let context = Context::default();
        let told = map.run(&tree, &context, &Budget::default()).ok()?;
        let (told, extras) = route::split(told);
        let status = extras.status.or_else(|| members["status"].as_u64().and_then(|status| status.try_into().ok()))?;
        let content_type = Some(Format::Json.media_type().to_owned());
        Some(CallerAnswer { status, content_type, body: to_json(&told).into(), observed: Vec::new() })
    }

    fn convert(
        &self,
        caller: Format,
        upstream: Format,
        message: Message<'_>,
        answer: &UpstreamAnswer<'_>,
        parts: &Parts<'_>,
        context: &Context<'_>,
    ) -> Result<CallerAnswer, Refusal> {
        let mut observed = Vec::new();
        let size = parts.root().len();
        let broken = |refusal: Refusal| refusal.answer();
        self.check_side(&self.upstream_response, &message, size, self.check_response, &mut observed).map_err(broken)?;
        let mapped;
        let tree = match &self.map_response {
            Some(map) => {
                mapped = run_on_answer(map, &message.tree, context)?;
                mapped
            }
            None => message.tree,
        };
        let (tree, extras) = route::split(tree);
        let tree = self.response.formed(tree, upstream, caller);
        let done = Message { tree, ..Message::default() };
        self.check_side(&self.response, &done, size, self.check_response, &mut observed).map_err(broken)?;
        let status = extras.status.unwrap_or(answer.status);
        if caller == upstream && self.map_response.is_none() {
            return Ok(CallerAnswer { status, content_type: None, body: answer.body.clone(), observed });
        }
        if parts.has_attachments() && !caller.is_soap() {
            return Err(Refusal::Answer {
                findings: Vec::new(),
                why: "it has attachments, which the caller's form cannot carry".into(),
            });
        }
        let envelope = Envelope { element: self.response.element.as_deref(), header: Vec::new() };
        let written = side::write(done.tree, caller, &envelope, &self.names)
            .map_err(|error| Refusal::Unwritable(error).answer())?;
        let (content_type, body) = parts.replace_root(caller, None, written)?;
        Ok(CallerAnswer { status, content_type, body, observed })
    }
}

/// The member in which the map of one expression leaves its value.
pub(crate) const ONE: &str = "one";

/// The text that an expression of the contract finds in a message.
fn one(map: Option<&Map>, tree: &Tree<'_>, context: &Context<'_>) -> Result<Option<String>, Refusal> {
    let Some(map) = map else { return Ok(None) };
    let found = map.run(tree, context, &Budget::default())?;
    Ok(found.get(ONE).and_then(Tree::as_str).map(str::to_owned))
}

/// Runs a map over what came from the upstream, so that what it refuses is the answer's fault.
fn run_on_answer<'t>(map: &'t Map, tree: &'t Tree<'_>, context: &'t Context<'_>) -> Result<Tree<'t>, Refusal> {
    map.run(tree, context, &Budget::default()).map_err(|refusal| Refusal::from(refusal).answer())
}

fn to_json(tree: &Tree<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    json::write(tree, &mut out);
    out
}
