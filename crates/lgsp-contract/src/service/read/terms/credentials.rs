//! `[upstream.credentials]`: how the gateway proves who it is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::folder::Folder;
use super::time;
use crate::service::{CredentialTerms, LoginTerms, OAuth2Terms};

/// How long a token of a login lives that does not say it.
const TOKEN_LIFE: Duration = Duration::from_secs(300);

/// The keys of one table of credentials, taken one by one.
struct Table<'t, 'f, 'a> {
    table: BTreeMap<&'t str, &'t toml::Value>,
    folder: &'f mut Folder<'a>,
}

impl Table<'_, '_, '_> {
    fn optional(&mut self, key: &str) -> Option<String> {
        let value = self.table.remove(key)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.folder.refuse(format!("upstream.credentials.{key}"), "must be a text");
        }
        text
    }

    fn required(&mut self, key: &str) -> String {
        if !self.table.contains_key(key) {
            self.folder.refuse(format!("upstream.credentials.{key}"), "is missing");
        }
        self.optional(key).unwrap_or_default()
    }

    fn pointers(&mut self, key: &str, default: &[&str]) -> Vec<String> {
        let pointers: Vec<String> = match self.table.remove(key) {
            None => default.iter().map(|&pointer| pointer.to_owned()).collect(),
            Some(toml::Value::String(one)) => vec![one.clone()],
            Some(toml::Value::Array(several)) => {
                several.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
            }
            Some(_) => Vec::new(),
        };
        if pointers.is_empty() || pointers.iter().any(|pointer| !pointer.starts_with('/')) {
            let advice = "must be a JSON Pointer such as /access_token, or a list of them";
            self.folder.refuse(format!("upstream.credentials.{key}"), advice);
        }
        pointers
    }
}

pub(super) fn credentials(written: Option<&BTreeMap<String, toml::Value>>, folder: &mut Folder<'_>) -> CredentialTerms {
    let Some(written) = written else { return CredentialTerms::None };
    let table = written.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let mut table = Table { table, folder };
    let terms = match table.required("kind").as_str() {
        "none" => CredentialTerms::None,
        "header" => CredentialTerms::Header { name: table.required("name"), value: table.required("value") },
        "basic" => {
            CredentialTerms::Basic { username: table.required("username"), password: table.required("password") }
        }
        "oauth2" => oauth2(&mut table),
        "login" => login(&mut table),
        _ => {
            table.folder.refuse("upstream.credentials.kind", "must be none, header, basic, oauth2 or login");
            return CredentialTerms::None;
        }
    };
    let unknown: Vec<_> = table.table.keys().map(|key| format!("upstream.credentials.{key}")).collect();
    for place in unknown {
        table.folder.refuse(place, "unknown key");
    }
    terms
}

fn oauth2(table: &mut Table<'_, '_, '_>) -> CredentialTerms {
    let in_form = match table.optional("style").as_deref() {
        None | Some("basic") => false,
        Some("form") => true,
        Some(_) => {
            table.folder.refuse("upstream.credentials.style", "must be basic or form");
            false
        }
    };
    CredentialTerms::OAuth2(OAuth2Terms {
        token_url: table.required("token_url"),
        client_id: table.required("client_id"),
        client_secret: table.required("client_secret"),
        in_form,
        scope: table.optional("scope"),
    })
}

fn login(table: &mut Table<'_, '_, '_>) -> CredentialTerms {
    let body = table.required("body");
    if !body.is_empty() && serde_json::from_str::<serde_json::Value>(&body).is_err() {
        table.folder.refuse("upstream.credentials.body", "must be JSON");
    }
    let life = table.optional("life");
    CredentialTerms::Login(LoginTerms {
        url: table.required("url"),
        body,
        token: table.pointers("token", &["/access_token"]),
        expires_in: table.pointers("expires_in", &["/expires_in"]),
        life: time(life.as_deref(), TOKEN_LIFE, "upstream.credentials.life", table.folder),
        header: table.optional("header").unwrap_or_else(|| "authorization".to_owned()).to_ascii_lowercase(),
        prefix: table.optional("prefix").unwrap_or_else(|| "Bearer ".to_owned()),
    })
}
