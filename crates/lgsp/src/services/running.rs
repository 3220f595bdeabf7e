//! The services of one configuration, ready to be called. What has not changed in a reload goes on as it is: open
//! connections, what members have used of their limits, tokens.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use lgsp_connect::{Upstream, UpstreamState};
use lgsp_contract::{Catalogue, Router, Service};
use lgsp_model::{ErrorCode, Timestamp};

use super::admission::Admission;
use super::credentials::Pass;
use super::settings::{self, NotReady, Values};
use crate::clock::Clock;
use crate::failure::Failure;

/// All services.
#[derive(Default)]
pub(crate) struct Services {
    pub(crate) router: Router,
    catalogue: Catalogue,
    /// By id, then by version.
    running: HashMap<String, HashMap<String, Arc<Running>>>,
}

/// What services stand on.
pub(crate) struct Ground<'a> {
    pub(crate) values: Values<'a>,
    pub(crate) clock: &'a Clock,
}

/// One version of a service, ready to be called.
pub(crate) struct Running {
    /// Of everything that it was made from; the same again is the same service.
    fingerprint: [u8; 32],
    pub(super) admission: Arc<Admission>,
    upstream: Result<Option<Arc<Upstream>>, NotReady>,
    pub(super) pass: Pass,
    headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) timeout: Duration,
    passed_headers: Vec<String>,
}

impl Services {
    /// Makes the services of a catalogue; what is the same in `before` is kept.
    pub(crate) fn new(catalogue: &Catalogue, ground: &Ground<'_>, before: Option<&Self>) -> Self {
        let mut running: HashMap<_, HashMap<_, _>> = HashMap::new();
        for service in catalogue.services() {
            let old = before.and_then(|before| before.running(service));
            let made = Running::new(service, ground, old);
            if let Err(cause) = &made.upstream {
                tracing::warn!(service = service.id(), version = service.version(), %cause, "service not ready");
            }
            running.entry(service.id().to_owned()).or_default().insert(service.version().to_owned(), made);
        }
        Self { router: catalogue.router().clone(), catalogue: catalogue.clone(), running }
    }

    /// What belongs to a service, unless an operator has to set it up first.
    pub(crate) fn running(&self, service: &Service) -> Option<&Arc<Running>> {
        self.running.get(service.id())?.get(service.version())
    }

    /// The version of a service that is in force, with what belongs to it.
    pub(crate) fn in_force(&self, id: &str, at: Timestamp) -> Option<(&Arc<Service>, &Arc<Running>)> {
        let service = self.catalogue.service_at(id, at)?;
        Some((service, self.running(service)?))
    }

    /// Every version of every service, by id and age.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.catalogue.services()
    }

    /// How each service's upstream is: `None` when it is not set up; services without an upstream are left out.
    pub(crate) fn states(&self) -> impl Iterator<Item = (&str, Option<UpstreamState>)> {
        let all = self.running.iter().flat_map(|(id, versions)| versions.values().map(move |running| (id, running)));
        all.filter_map(|(id, running)| match &running.upstream {
            Ok(None) => None,
            Ok(Some(upstream)) => Some((id.as_str(), Some(upstream.state()))),
            Err(_) => Some((id.as_str(), None)),
        })
    }
}

impl Running {
    fn new(service: &Service, ground: &Ground<'_>, old: Option<&Arc<Self>>) -> Arc<Self> {
        let resolved = service.upstream().map(|terms| settings::resolve(terms, &ground.values)).transpose();
        let fingerprint = fingerprint(service, resolved.as_ref().ok().and_then(Option::as_ref));
        if let Some(old) = old.filter(|old| old.fingerprint == fingerprint && old.upstream.is_ok() && resolved.is_ok())
        {
            return old.clone();
        }
        let limits = service.exposed().limits;
        let admission = match old {
            Some(old) if old.admission.limits() == &limits => old.admission.clone(),
            _ => Arc::new(Admission::new(&limits)),
        };
        let mut running = Self {
            fingerprint,
            admission,
            upstream: Ok(None),
            pass: Pass::None,
            headers: Vec::new(),
            timeout: service.upstream().map_or(Duration::ZERO, |terms| terms.timeout),
            passed_headers: service.upstream().map(|terms| terms.pass_headers.clone()).unwrap_or_default(),
        };
        match resolved {
            Ok(None) => {}
            Ok(Some(resolved)) => running.connect(resolved, ground.clock),
            Err(cause) => running.upstream = Err(cause),
        }
        Arc::new(running)
    }

    fn connect(&mut self, resolved: settings::Resolved, clock: &Clock) {
        let built = Pass::new(resolved.credentials, &resolved.upstream, clock.steady_fn())
            .and_then(|pass| Ok((pass, Upstream::build(resolved.upstream, clock.steady_fn())?)));
        match built {
            Ok((pass, upstream)) => {
                self.pass = pass;
                self.headers = resolved.headers;
                self.upstream = Ok(Some(upstream));
            }
            Err(error) => self.upstream = Err(NotReady { key: "upstream".to_owned(), cause: error.to_string() }),
        }
    }

    /// The upstream, or that it is not set up.
    pub(super) fn upstream(&self) -> Result<&Arc<Upstream>, Failure> {
        match &self.upstream {
            Ok(Some(upstream)) => Ok(upstream),
            Ok(None) => Err(Failure::new(ErrorCode::Internal, "this service has no upstream")),
            Err(_) => Err(Failure::retry(ErrorCode::ServiceNotReady, "an operator has to set it up", NOT_READY_RETRY)),
        }
    }

    /// Adds what the contract sets and what proves who this gateway is; `refused` is a proof that was not taken.
    pub(super) async fn sign(&self, headers: &mut HeaderMap, refused: Option<&HeaderValue>) -> Result<(), Failure> {
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        self.pass.add(headers, refused).await
    }

    /// What keeps it from being called.
    pub(super) fn not_ready(&self) -> Option<&NotReady> {
        self.upstream.as_ref().err()
    }

    pub(super) fn passed_headers(&self) -> &[String] {
        &self.passed_headers
    }

    /// How its upstream is, if it has one, or why it cannot be called.
    pub(crate) fn standing(&self) -> Result<Option<UpstreamState>, String> {
        match &self.upstream {
            Ok(upstream) => Ok(upstream.as_ref().map(|upstream| upstream.state())),
            Err(cause) => Err(cause.to_string()),
        }
    }

    /// Whether calls can be made.
    pub(crate) fn is_ready(&self) -> bool {
        self.upstream.is_ok()
    }
}

/// When callers of a service that is not set up should look again.
const NOT_READY_RETRY: Duration = Duration::from_secs(60);

/// A digest of everything that a running service is made from. Values are secrets: only the digest stays.
fn fingerprint(service: &Service, resolved: Option<&settings::Resolved>) -> [u8; 32] {
    let mut text = format!("{:?}\n{:?}\n", service.exposed(), service.upstream());
    if let Some(resolved) = resolved {
        resolved.describe(&mut text);
    }
    let digest = digest(&SHA256, text.as_bytes());
    let digest = digest.as_ref().try_into().expect("SHA-256 has 32 bytes");
    zeroize::Zeroize::zeroize(&mut text);
    digest
}
