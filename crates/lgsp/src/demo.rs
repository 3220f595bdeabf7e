//! The demo: dossiers lived through their whole life over the public API by three kinds of one-stop system, while the
//! sandbox's portal misbehaves, fees of some paid at simulated providers, and a comparison in the end of what was accepted with
//! what arrived, and of the money with the providers' books.
//!
//! It uses only what any caller has, and what the sandbox tells about itself; it looks into no part of the gateway.

mod calendar;
mod catalogue;
mod chance;
mod client;
mod compare;
mod counter;
mod fees;
mod ledger;
mod life;
mod reckoning;
mod record;
mod run;
mod stage;
mod summary;
mod tables;
mod till;
mod weather;
mod world;

pub use catalogue::{CatalogueError, DemoProcedure, ProcedureList};
pub use client::{ClientCredentials, ClientError, PasswordLogin};
pub use counter::{Counter, CounterPlace};
pub use fees::Provider;
pub use reckoning::{FeeSummary, Takings};
pub use run::{DemoError, DemoOptions, Progress, run_demo};
pub(crate) use stage::run;
pub use summary::Summary;
pub use world::System;

/// A member that the gateway of a demo must have.
#[derive(Clone, Debug)]
pub struct DemoMember {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The agencies to grant.
    pub agencies: Vec<String>,
    /// The scopes to grant.
    pub scopes: &'static [&'static str],
    /// The kind of one-stop system that it plays; `None` for the one that pulls. [`System::Adapter`] needs a login of
    /// the national dialect.
    pub system: Option<System>,
}

/// Where the gateway is, and how its members sign in.
pub struct DemoTarget {
    /// The public listener, such as `http://127.0.0.1:8080`.
    pub public_url: String,
    /// The member for [`System::Single`].
    pub single: ClientCredentials,
    /// The member for [`System::Bulk`].
    pub bulk: ClientCredentials,
    /// The login of the member for [`System::Adapter`].
    pub adapter: PasswordLogin,
    /// The member that pulls.
    pub puller: ClientCredentials,
    /// Where the citizens of [`System::Single`] come back to when they have paid.
    pub return_url: String,
    /// The operators' listener, such as `http://127.0.0.1:9090`.
    pub admin_url: String,
    /// The operators' token.
    pub admin_token: String,
}

/// The members that a demo plays.
pub fn members() -> Vec<DemoMember> {
    const PUSH: &[&str] = &[
        "dossier:push",
        "dossier:read",
        "service:population",
        "service:enterprise",
        "service:profile-exchange",
        "service:vnpost",
        "service:ministry",
    ];
    const PUSH_AND_PAY: &[&str] = &[
        "dossier:push",
        "dossier:read",
        "payment:create",
        "payment:read",
        "service:population",
        "service:enterprise",
        "service:profile-exchange",
        "service:vnpost",
        "service:ministry",
    ];
    let pusher = |id, name, agencies, system| DemoMember { id, name, agencies, scopes: PUSH, system: Some(system) };
    vec![
        DemoMember {
            id: "one-stop-h11",
            name: "Một cửa điện tử tỉnh Điện Biên",
            agencies: vec!["H11".to_owned()],
            scopes: PUSH_AND_PAY,
            system: Some(System::Single),
        },
        pusher("one-stop-h56", "Một cửa điện tử tỉnh Thanh Hóa", System::Bulk.agency_codes(), System::Bulk),
        pusher(
            "one-stop-h56-communes",
            "Một cửa cấp xã tỉnh Thanh Hóa",
            System::Adapter.agency_codes(),
            System::Adapter,
        ),
        DemoMember {
            id: "data-warehouse",
            name: "Kho dữ liệu dùng chung",
            agencies: vec!["*".to_owned()],
            scopes: &["changes:read", "dossier:read"],
            system: None,
        },
    ]
}
