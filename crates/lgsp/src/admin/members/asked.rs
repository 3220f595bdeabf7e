//! What operators ask of members, checked before anything is changed. The rules for names, agencies and scopes are those
//! of the file.

use std::time::Duration;

use aws_lc_rs::rand;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use lgsp_config::KeyId;
use lgsp_model::{AgencyGrant, ErrorCode, MemberId, Scope, ServiceId, Timestamp, unit};
use serde::Deserialize;

use crate::failure::Failure;
use crate::identity::{FreshKey, Grant, KeptKey, Record};
use crate::trace::hex_of;

/// The longest name in characters, as in the file.
const MAX_NAME: usize = 200;
/// Agencies or scopes or services in one list.
const MOST_LISTED: usize = 1_000;
/// The longest time that old secrets may count beside a new one.
const LONGEST_OVERLAP: Duration = Duration::from_secs(90 * 24 * 3600);
/// How long they do when nobody says: a day, to change a system's configuration.
const OVERLAP: &str = "1d";
/// Random bytes in the id of a key that is not given one.
const KEY_ID_BYTES: usize = 4;

/// Vietnam has one time zone without daylight saving.
const VIETNAM: Offset = Offset::constant(7);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMember {
    id: String,
    name: String,
    agencies: Vec<String>,
    scopes: Vec<String>,
    #[serde(default)]
    expires: Option<String>,
    /// Whether a secret is drawn at once.
    #[serde(default = "yes")]
    pub(super) secret: bool,
    pub(super) reason: String,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    agencies: Option<Vec<String>>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    expires: Option<String>,
    /// Its end is taken away.
    #[serde(default)]
    no_expiry: bool,
    pub(super) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSecret {
    #[serde(default)]
    pub(super) expires: Option<String>,
    pub(super) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    expires: Option<String>,
    #[serde(default)]
    services: Option<Vec<String>>,
    pub(super) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotate {
    /// The API key to be replaced; absent: the secrets.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// How long the old ones still count.
    #[serde(default)]
    keep_old: Option<String>,
    pub(super) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoke {
    /// The API key; absent: the whole member.
    #[serde(default)]
    pub(super) key: Option<String>,
    pub(super) reason: String,
}

impl NewMember {
    /// The member without secrets.
    pub(super) fn record(&self, now: Timestamp) -> Result<(MemberId, Record), Failure> {
        let id = self.id.parse().map_err(|error: lgsp_model::BadId| bad(format!("id: {error}")))?;
        let grant = Grant {
            name: name(&self.name)?,
            agencies: agencies(&self.agencies)?,
            scopes: scopes(&self.scopes)?,
            ends: end(self.expires.as_deref(), now)?,
            made: now.0,
        };
        Ok((id, Record::made(grant)))
    }
}

impl Limit {
    /// Whether it can be done at all.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), Failure> {
        let nothing = self.name.is_none() && self.agencies.is_none() && self.scopes.is_none();
        if nothing && self.expires.is_none() && !self.no_expiry {
            return Err(bad("say what to change: name, agencies, scopes, expires or no_expiry"));
        }
        if self.expires.is_some() && self.no_expiry {
            return Err(bad("expires and no_expiry exclude each other"));
        }
        end(self.expires.as_deref(), now).map(drop)
    }

    pub(super) fn apply(&self, grant: &mut Grant) -> Result<(), Failure> {
        if let Some(given) = &self.name {
            grant.name = name(given)?;
        }
        if let Some(given) = &self.agencies {
            grant.agencies = agencies(given)?;
        }
        if let Some(given) = &self.scopes {
            grant.scopes = scopes(given)?;
        }
        if let Some(given) = &self.expires {
            grant.ends = Some(moment(given)?.0);
        }
        if self.no_expiry {
            grant.ends = None;
        }
        Ok(())
    }
}

impl NewKey {
    /// The key to be kept and what the caller sends.
    pub(super) fn key(&self, member: &MemberId, now: Timestamp) -> Result<(KeptKey, String), Failure> {
        let id = match &self.id {
            Some(id) => id.parse::<KeyId>().map_err(|error| bad(format!("id: {error}")))?.to_string(),
            None => key_id(member),
        };
        let services = self.services.as_deref().map(services).transpose()?;
        let drawn = FreshKey::draw(&id);
        let ends = end(self.expires.as_deref(), now)?;
        Ok((KeptKey { id, sha256: drawn.sha256, made: now.0, ends, services }, drawn.value))
    }
}

impl Rotate {
    /// Until when the old ones count, in milliseconds.
    pub(super) fn until(&self, now: Timestamp) -> Result<i64, Failure> {
        let keep = unit::time(self.keep_old.as_deref().unwrap_or(OVERLAP)).filter(|keep| *keep <= LONGEST_OVERLAP);
        let keep = keep.ok_or_else(|| bad("keep_old must be a time such as 0s, 24h or 7d, at most 90d"))?;
        Ok(now.plus_millis(i64::try_from(keep.as_millis()).expect("at most 90 days")).0)
    }
}

/// An id for a key: the member's, and some random digits.
pub(super) fn key_id(member: &MemberId) -> String {
    let mut random = [0u8; KEY_ID_BYTES];
    rand::fill(&mut random).expect("the system has randomness");
    format!("{member}-{}", hex_of(&random))
}

/// An end that lies ahead, in milliseconds.
pub(super) fn end(text: Option<&str>, now: Timestamp) -> Result<Option<i64>, Failure> {
    let Some(at) = text.map(moment).transpose()? else { return Ok(None) };
    if at <= now {
        return Err(bad("expires lies in the past; revoke what should not count any more"));
    }
    Ok(Some(at.0))
}

/// A date, which begins at 00:00 in Vietnam, or a time with an offset, as in the file.
fn moment(text: &str) -> Result<Timestamp, Failure> {
    let date = || text.parse::<Date>().ok().filter(|_| text.len() == "2027-01-01".len());
    let begins = |date: Date| date.to_zoned(TimeZone::fixed(VIETNAM)).ok().map(|zoned| zoned.timestamp());
    let at = match date() {
        Some(date) => begins(date),
        None => text.parse::<jiff::Timestamp>().ok(),
    };
    let refused = || bad("expires must be a date such as 2027-01-01, or a time such as 2027-01-01T08:00:00+07:00");
    at.map(|at| Timestamp(at.as_millisecond())).ok_or_else(refused)
}

fn name(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
        return Err(bad("name must be one line of 1 to 200 characters"));
    }
    Ok(text.to_owned())
}

fn agencies(codes: &[String]) -> Result<Vec<String>, Failure> {
    listed(codes, "agencies")?;
    AgencyGrant::parse(codes).map_err(|error| bad(format!("agencies: {error}")))?;
    Ok(codes.to_vec())
}

fn scopes(words: &[String]) -> Result<Vec<String>, Failure> {
    listed(words, "scopes")?;
    for word in words {
        word.parse::<Scope>().map_err(|error| bad(format!("scopes: {error}")))?;
    }
    Ok(words.to_vec())
}

fn services(ids: &[String]) -> Result<Vec<String>, Failure> {
    listed(ids, "services")?;
    if ids.iter().any(|id| id.parse::<ServiceId>().is_err()) {
        return Err(bad("services: ids of services have a-z 0-9 -"));
    }
    Ok(ids.to_vec())
}

fn listed(list: &[String], what: &str) -> Result<(), Failure> {
    if (1..=MOST_LISTED).contains(&list.len()) {
        Ok(())
    } else {
        Err(bad(format!("{what} must have 1 to 1000 entries")))
    }
}

fn bad(detail: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::BadParameter, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_798_000_000_000);

    #[test]
    fn ends_are_read_as_in_the_file_and_lie_ahead() {
        let day = end(Some("2027-01-01"), NOW).unwrap().unwrap();
        assert_eq!(Timestamp(day).to_string(), "2027-01-01T00:00:00.000+07:00");
        assert_eq!(end(Some("2026-12-31T17:00:00Z"), NOW).unwrap(), Some(day));
        assert_eq!(end(Some("2027-01-01T00:00:00+07:00"), NOW).unwrap(), Some(day));
        assert_eq!(end(None, NOW).unwrap(), None);
        for bad in ["2020-01-01", "2027-13-01", "2027-01-01T00:00:00", "tomorrow", "", "2027-1-1"] {
            assert_eq!(end(Some(bad), NOW).unwrap_err().code, ErrorCode::BadParameter, "{bad}");
        }
    }

    #[test]
    fn members_follow_the_rules_of_the_file() {
        let asked = |json: &str| serde_json::from_str::<NewMember>(json).map(|asked| asked.record(NOW).map(|_| ()));
        let good = r#"{"id":"a","name":"A","agencies":["H11"],"scopes":["dossier:push"],"reason":"r"}"#;
        assert!(asked(good).unwrap().is_ok());
        for (from, to) in [
            ("\"a\"", "\"A B\""),
            ("\"A\"", "\" \""),
            ("[\"H11\"]", "[]"),
            ("[\"H11\"]", "[\"h 11\"]"),
            ("[\"dossier:push\"]", "[]"),
            ("dossier:push", "dossier:all"),
            ("\"reason\"", "\"expires\":\"2020-01-01\",\"reason\""),
        ] {
            assert!(asked(&good.replacen(from, to, 1)).unwrap().is_err(), "{from} {to}");
        }
        assert!(asked(&good.replace("\"reason\"", "\"because\"")).is_err());
    }

    #[test]
    fn old_secrets_count_for_a_bounded_time() {
        let until = |text: &str| serde_json::from_str::<Rotate>(text).unwrap().until(NOW);
        assert_eq!(until(r#"{"reason":"r"}"#).unwrap(), NOW.0 + 86_400_000);
        assert_eq!(until(r#"{"reason":"r","keep_old":"0s"}"#).unwrap(), NOW.0);
        for bad in ["91d", "x", "", "-1s"] {
            assert!(until(&format!(r#"{{"reason":"r","keep_old":"{bad}"}}"#)).is_err(), "{bad}");
        }
    }
}
