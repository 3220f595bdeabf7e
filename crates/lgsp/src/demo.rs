//! The demo: dossiers lived through their whole life over the public API by three kinds of one-stop system, while the
//! sandbox's portal misbehaves, and a comparison in the end of what was accepted with what arrived.
//!
//! It uses only what any caller has, and what the sandbox tells about itself; it looks into no part of the gateway.

mod calendar;
mod catalogue;
mod chance;
mod client;
mod compare;
mod counter;
mod ledger;
mod life;
mod record;
mod run;
mod stage;
mod summary;
mod tables;
mod weather;
mod world;

pub use catalogue::{CatalogueError, DemoProcedure, ProcedureList};
pub use client::{ClientCredentials, ClientError, PasswordLogin};
pub use counter::{Counter, CounterPlace};
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
    let pusher = |id, name, agencies, system| DemoMember { id, name, agencies, scopes: PUSH, system: Some(system) };
    vec![
        pusher("one-stop-h11", "Một cửa điện tử tỉnh Điện Biên", vec!["H11".to_owned()], System::Single),
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
