//! The bodies that go to the portal: one flat object with the session inside, records embedded as they came.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::Outgoing;

/// A request before it has a session.
pub(super) enum Envelope<'a> {
    /// `DongBoHoSoMC`.
    Dossiers { events: &'a [&'a Outgoing], updating: bool },
    /// `CapNhatTienDoHoSoMC`.
    Progress { events: &'a [&'a Outgoing] },
    /// `DongBoTrangThaiHoSo`.
    Status { event: &'a Outgoing },
    /// `TraCuuHoSo`.
    LookUp { event: &'a Outgoing },
    /// Any read-only service.
    Query { service: &'a str, parameters: &'a Map<String, Value> },
}

impl Envelope<'_> {
    /// What the call carries and the portal may repeat in its answer, without the dossiers' codes: the operator needs
    /// those.
    pub(super) fn values(&self) -> Vec<Value> {
        let record = |event: &&Outgoing| match serde_json::from_slice(&event.payload) {
            Ok(Value::Object(mut fields)) => {
                fields.remove("MaHoSo");
                Some(Value::Object(fields))
            }
            Ok(_) | Err(_) => None,
        };
        match self {
            Self::Dossiers { events, .. } | Self::Progress { events } => events.iter().filter_map(record).collect(),
            Self::Status { event } | Self::LookUp { event } => record(event).into_iter().collect(),
            Self::Query { parameters, .. } => vec![Value::Object((*parameters).clone())],
        }
    }

    pub(super) fn body(&self, session: &str, unit: &str) -> Bytes {
        let service = match self {
            Self::Dossiers { .. } => "DongBoHoSoMC",
            Self::Progress { .. } => "CapNhatTienDoHoSoMC",
            Self::Status { .. } => "DongBoTrangThaiHoSo",
            Self::LookUp { .. } => "TraCuuHoSo",
            Self::Query { service, .. } => service,
        };
        let mut body = Body::begin(session, unit, service);
        match self {
            Self::Dossiers { events, updating } => {
                body.text("isUpdating", if *updating { "True" } else { "False" });
                body.records(events);
            }
            Self::Progress { events } => body.records(events),
            Self::Status { event } => {
                body.text("type", "2");
                body.raw("data", &event.payload);
            }
            Self::LookUp { event } => body.text("mahoso", &event.code),
            Self::Query { parameters, .. } => {
                // What names the call is ours, whatever the caller put there.
                let own = |name: &str| matches!(name, "session" | "madonvi" | "service");
                for (name, value) in parameters.iter().filter(|(name, _)| !own(name)) {
                    body.raw(name, value.to_string().as_bytes());
                }
            }
        }
        body.finish()
    }
}

struct Body(Vec<u8>);

impl Body {
    fn begin(session: &str, unit: &str, service: &str) -> Self {
        let mut body = Self(b"{\"session\":".to_vec());
        body.0.extend_from_slice(&quoted(session));
        body.text("madonvi", unit);
        body.text("service", service);
        body
    }

    fn raw(&mut self, name: &str, json: &[u8]) {
        self.0.push(b',');
        self.0.extend_from_slice(&quoted(name));
        self.0.push(b':');
        self.0.extend_from_slice(json);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.raw(name, &quoted(text));
    }

    fn records(&mut self, events: &[&Outgoing]) {
        self.0.extend_from_slice(b",\"data\":[");
        for (n, event) in events.iter().enumerate() {
            if n > 0 {
                self.0.push(b',');
            }
            self.0.extend_from_slice(&event.payload);
        }
        self.0.push(b']');
    }

    fn finish(mut self) -> Bytes {
        self.0.push(b'}');
        self.0.into()
    }
}

fn quoted(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).expect("a text is always JSON")
}
