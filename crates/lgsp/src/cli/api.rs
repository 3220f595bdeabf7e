//! The admin API as commands call it. It sends and receives; what is shown is for others to say.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde_json::Value;

use super::arguments::ApiArguments;
use super::failure::CommandError;

/// The variable that holds the token.
const TOKEN: &str = "LGSP_ADMIN_TOKEN";
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a check of the whole log may take: hours of records take minutes.
const LONG_ANSWER: Duration = Duration::from_secs(3600);

/// A gateway's admin API.
pub(super) struct Api {
    client: reqwest::Client,
    base: String,
    token: HeaderValue,
    actor: Option<HeaderValue>,
    /// Whether the result is printed as JSON.
    pub(super) json: bool,
}

impl Api {
    pub(super) fn new(arguments: &ApiArguments) -> Result<Self, CommandError> {
        let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty()).ok_or(CommandError::NoToken)?;
        let mut token =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| CommandError::NotAHeader(TOKEN))?;
        token.set_sensitive(true);
        let named = arguments.actor.clone().or_else(|| std::env::var("USER").ok()).filter(|name| !name.is_empty());
        let actor = named.map(|name| HeaderValue::from_bytes(name.as_bytes())).transpose();
        let actor = actor.map_err(|_| CommandError::NotAHeader("--actor"))?;
        let base = arguments.admin.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") || base.parse::<reqwest::Url>().is_err() {
            return Err(CommandError::BadUrl(arguments.admin.clone()));
        }
        // The token must not go to whatever a proxy variable of the shell names.
        let client = reqwest::Client::builder().connect_timeout(CONNECT).no_proxy().build();
        let client = client.map_err(|cause| CommandError::Unreachable { url: base.clone(), cause })?;
        Ok(Self { client, base, token, actor, json: arguments.json })
    }

    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, CommandError> {
        let url = format!("{}/admin/v1/{path}", self.base);
        self.answer(self.client.request(Method::GET, url).query(query).timeout(ANSWER)).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, CommandError> {
        let url = format!("{}/admin/v1/{path}", self.base);
        self.answer(self.client.request(Method::POST, url).json(body).timeout(ANSWER)).await
    }

    pub(super) async fn verify(&self) -> Result<Value, CommandError> {
        let url = format!("{}/admin/v1/verify", self.base);
        self.answer(self.client.request(Method::POST, url).timeout(LONG_ANSWER)).await
    }

    /// Sends a file, or nothing; the answer may take as long as a day's payments do.
    pub(super) async fn send(
        &self,
        path: &str,
        query: &[(&str, String)],
        file: Option<tokio::fs::File>,
    ) -> Result<Value, CommandError> {
        let url = format!("{}/admin/v1/{path}", self.base);
        let request = self.client.request(Method::POST, url).query(query).timeout(LONG_ANSWER);
        self.answer(match file {
            Some(file) => request.body(file),
            None => request,
        })
        .await
    }

    /// What is answered, as it is.
    pub(super) async fn download(&self, path: &str) -> Result<Bytes, CommandError> {
        let url = format!("{}/admin/v1/{path}", self.base);
        self.body(self.client.request(Method::GET, url).timeout(LONG_ANSWER)).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, CommandError> {
        let body = self.body(request).await?;
        let status = reqwest::StatusCode::OK.as_u16();
        serde_json::from_slice(&body).map_err(|_| CommandError::NotTheApi { url: self.base.clone(), status })
    }

    async fn body(&self, request: reqwest::RequestBuilder) -> Result<Bytes, CommandError> {
        let mut request = request.header(AUTHORIZATION, self.token.clone());
        if let Some(actor) = &self.actor {
            request = request.header("x-actor", actor.clone());
        }
        let unreachable = |cause: reqwest::Error| CommandError::Unreachable { url: self.base.clone(), cause };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        let not_the_api = || CommandError::NotTheApi { url: self.base.clone(), status: status.as_u16() };
        if status.is_success() {
            return Ok(body);
        }
        Err(serde_json::from_slice(&body)
            .map_or_else(|_| not_the_api(), |problem| CommandError::Refused(Box::new(problem))))
    }
}
