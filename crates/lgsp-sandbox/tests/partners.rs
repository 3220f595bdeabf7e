//! The partners beside the portal as clients on the wire see them.

#[path = "partners/control.rs"]
mod control;
#[path = "partners/echo.rs"]
mod echo;
#[path = "partners/enterprise.rs"]
mod enterprise;
#[path = "partners/identity.rs"]
mod identity;
#[path = "partners/ministry.rs"]
mod ministry;
#[path = "partners/payment.rs"]
mod payment;
#[path = "partners/population.rs"]
mod population;
#[path = "partners/profiles.rs"]
mod profiles;
#[path = "partners/vnpost.rs"]
mod vnpost;

use lgsp_sandbox::{Access, Sandbox};
use serde_json::Value;

/// A sandbox on a free port.
fn sandbox() -> Sandbox {
    Sandbox::start(([127, 0, 0, 1], 0).into()).expect("a free port")
}

/// The answer of a token endpoint to right credentials.
async fn token_answer(url: String) -> reqwest::Response {
    let form = [("grant_type", "client_credentials")];
    let request = reqwest::Client::new().post(url).header("authorization", Access::default().basic());
    request.form(&form).send().await.expect("the token endpoint answers")
}

async fn token(sandbox: &Sandbox, partner: &str) -> String {
    let answer: Value = token_answer(sandbox.url(&format!("/{partner}/token"))).await.json().await.expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}
