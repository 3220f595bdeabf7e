//! `/sandbox/<partner>/…` of every partner beside the portal: state, faults, settings, lists and commands.
//!
//! What lists and commands there are, the partner knows.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, bad, fault_rows, merged, rules, seed_of, state, to_json};
use crate::faults::FaultId;
use crate::partner::{Inspect, Partner, Peer};
use crate::server::Partners;

/// `None` when the path is the portal's.
pub(super) fn route(partners: &Partners, method: &Method, path: &str, body: &[u8]) -> Option<Answer> {
    let (name, rest) = path.split_once('/').unwrap_or((path, "state"));
    Some(match name {
        "partners" => Ok(overview(partners)),
        "population" => one(&partners.population, method, rest, body),
        "enterprise" => one(&partners.enterprise, method, rest, body),
        "profiles" => one(&partners.profiles, method, rest, body),
        "vnpost" => one(&partners.vnpost, method, rest, body),
        "ministry" => one(&partners.ministry, method, rest, body),
        "identity-vnconnect" => one(&partners.vnconnect, method, rest, body),
        "identity-vneid" => one(&partners.vneid, method, rest, body),
        "identity-province" => one(&partners.province, method, rest, body),
        "identity-cas" => one(&partners.cas, method, rest, body),
        "payment-vnpay" => one(&partners.payments.vnpay, method, rest, body),
        "payment-momo" => one(&partners.payments.momo, method, rest, body),
        "payment-zalopay" => one(&partners.payments.zalopay, method, rest, body),
        "payment-keypay" => one(&partners.payments.keypay, method, rest, body),
        "payment-paygov" => one(&partners.payments.paygov, method, rest, body),
        "payment-national" => one(&partners.payments.national, method, rest, body),
        "echo" => one(&partners.echo, method, rest, body),
        _ => return None,
    })
}

fn overview(partners: &Partners) -> Value {
    json!({
        "portal": state(&partners.portal),
        "population": state_of(&partners.population),
        "enterprise": state_of(&partners.enterprise),
        "profiles": state_of(&partners.profiles),
        "vnpost": state_of(&partners.vnpost),
        "ministry": state_of(&partners.ministry),
        "identity-vnconnect": state_of(&partners.vnconnect),
        "identity-vneid": state_of(&partners.vneid),
        "identity-province": state_of(&partners.province),
        "identity-cas": state_of(&partners.cas),
        "payment-vnpay": state_of(&partners.payments.vnpay),
        "payment-momo": state_of(&partners.payments.momo),
        "payment-zalopay": state_of(&partners.payments.zalopay),
        "payment-keypay": state_of(&partners.payments.keypay),
        "payment-paygov": state_of(&partners.payments.paygov),
        "payment-national": state_of(&partners.payments.national),
        "echo": state_of(&partners.echo),
    })
}

fn state_of<P: Peer>(partner: &Partner<P>) -> Value {
    let answered = *partner.arrivals().borrow();
    json!({"answered": answered, "counters": partner.counters(), "faults": partner.faults().len()})
}

fn one<P: Inspect>(partner: &Partner<P>, method: &Method, rest: &str, body: &[u8]) -> Answer {
    let (head, id) = rest.split_once('/').map_or((rest, None), |(head, id)| (head, Some(id)));
    match (method, head, id) {
        (&Method::GET, "state", None) => Ok(state_of(partner)),
        (&Method::GET, "faults", None) => Ok(fault_rows(&partner.faults())),
        (&Method::POST, "faults", None) => {
            for rule in rules(body)? {
                partner.add_fault(rule).map_err(bad)?;
            }
            Ok(fault_rows(&partner.faults()))
        }
        (&Method::DELETE, "faults", None) => {
            partner.clear_faults();
            Ok(json!([]))
        }
        (&Method::DELETE, "faults", Some(id)) => {
            let gone = partner.remove_fault(FaultId(id.parse().map_err(bad)?));
            if gone { Ok(fault_rows(&partner.faults())) } else { Err(unknown("no such fault")) }
        }
        (&Method::GET, "settings", None) => Ok(to_json(&partner.settings())),
        (&Method::POST, "settings", None) => {
            let settings = merged(&partner.settings(), body)?;
            partner.change_settings(|current| *current = settings);
            Ok(to_json(&partner.settings()))
        }
        (&Method::POST, "seed", None) => {
            let seed = seed_of(body)?;
            partner.seed(seed);
            Ok(json!({"seed": seed}))
        }
        (&Method::POST, "forget", None) => {
            partner.forget();
            Ok(state_of(partner))
        }
        (&Method::POST, "expire-tokens", None) => {
            partner.expire_tokens();
            Ok(state_of(partner))
        }
        (&Method::GET, list, None) => partner.lock().own.list(list).ok_or_else(|| unknown("no such list")),
        (&Method::POST, command, None) => match partner.lock().own.command(command, body) {
            Some(outcome) => outcome.map_err(bad),
            None => Err(unknown("no such command")),
        },
        _ => Err(unknown("GET state, faults, settings and lists; POST faults, settings, seed, forget, expire-tokens")),
    }
}

fn unknown(message: &str) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, message.to_owned())
}
