//! What has to do with money: the one-stop system that asks for a fee over the public API, and a citizen with a browser
//! that runs no scripts, who presses a button of the provider's page.

use reqwest::header::LOCATION;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ATTEMPTS, ClientCredentials, ClientError, PAUSE, TokenClient};
use crate::demo::fees::Fee;

/// The one-stop system's calls.
pub(crate) struct Cashier {
    client: TokenClient,
    return_url: String,
}

impl Cashier {
    /// `return_url` is where its citizens come back to.
    pub(crate) fn new(base: &str, credentials: ClientCredentials, return_url: &str) -> Self {
        Self { client: TokenClient::new(base, credentials), return_url: return_url.to_owned() }
    }

    /// Asks for a fee for the nth time.
    pub(crate) async fn ask(&self, fee: &Fee, time: u32) -> Result<Value, ClientError> {
        self.call("asking for a fee", Method::POST, "", fee.ask(time, &self.return_url).to_string()).await
    }

    pub(crate) async fn read(&self, id: &str) -> Result<Value, ClientError> {
        self.call("reading a payment", Method::GET, &format!("/{id}"), String::new()).await
    }

    /// Sends so many đồng back.
    pub(crate) async fn refund(&self, id: &str, amount: i64) -> Result<Value, ClientError> {
        let ask = json!({"reference": "hoan-1", "SoTien": amount, "reason": "Hồ sơ không đủ điều kiện giải quyết"});
        self.call("a refund", Method::POST, &format!("/{id}/refund"), ask.to_string()).await
    }

    pub(crate) async fn cancel(&self, id: &str) -> Result<Value, ClientError> {
        self.call("giving a payment up", Method::POST, &format!("/{id}/cancel"), String::new()).await
    }

    async fn call(&self, call: &'static str, method: Method, path: &str, body: String) -> Result<Value, ClientError> {
        let build = |http: &reqwest::Client, base: &str| {
            let request = http.request(method.clone(), format!("{base}/v1/payments{path}"));
            request.header("content-type", "application/json").body(body.clone())
        };
        let (answer, _) = self.client.send(call, build).await?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        if status.is_success() && body["id"].is_string() {
            return Ok(body);
        }
        let detail = format!("{} {}", body["detail"].as_str().unwrap_or("no detail"), body["errors"]);
        Err(ClientError::Unexpected { call, status, detail })
    }
}

/// A citizen's browser, which follows no redirect that it is not told to follow.
pub(crate) struct Citizen {
    http: reqwest::Client,
}

impl Citizen {
    pub(crate) fn new() -> Self {
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self { http: builder.build().expect("a client without options can be made") }
    }

    /// Goes where the payment is to be paid, chooses the provider when there is a choice, presses the fee's button, and comes
    /// back if the provider sends anybody back.
    pub(crate) async fn pay(&self, payment: &Value, fee: &Fee) -> Result<(), ClientError> {
        let mut page = payment["payment_url"].as_str().unwrap_or_default().to_owned();
        if fee.is_chosen {
            self.visit(&page, None).await?;
            let chosen = self.visit(&page, Some(("provider", fee.provider.id()))).await?;
            page = chosen.ok_or(ClientError::Unexpected {
                call: "choosing a provider",
                status: StatusCode::OK,
                detail: "the citizen was not sent to the provider".to_owned(),
            })?;
        }
        // Some providers send on to the page, others show it at once.
        if let Some(sent_on) = self.visit(&page, None).await? {
            page = sent_on;
        }
        if let Some(back) = self.visit(&page, Some(("act", fee.deed.button()))).await? {
            self.visit(&back, None).await?;
        }
        Ok(())
    }

    /// Opens a page, or sends its form; where the browser is sent.
    async fn visit(&self, url: &str, pressed: Option<(&str, &str)>) -> Result<Option<String>, ClientError> {
        let call = "a citizen's browser";
        for attempt in 1.. {
            let request = match pressed {
                Some(button) => self.http.post(url).form(&[button]),
                None => self.http.get(url),
            };
            match request.send().await {
                Ok(answer) if super::is_busy(answer.status()) && attempt < ATTEMPTS => super::wait(&answer).await,
                Ok(answer) if answer.status().is_success() => return Ok(None),
                Ok(answer) if answer.status().is_redirection() => {
                    let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                    return Ok(to.and_then(|to| answer.url().join(to).ok()).map(String::from));
                }
                Ok(answer) => {
                    let (status, detail) = (answer.status(), answer.url().path().to_owned());
                    return Err(ClientError::Unexpected { call, status, detail });
                }
                Err(error) if attempt >= ATTEMPTS || pressed.is_some() => {
                    return Err(ClientError::NoAnswer { call, error });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        unreachable!("the last attempt returns")
    }
}
