//! Simulated partners of the gateway, on real wire formats, with the traps of the real ones and faults on demand.
//!
//! It knows nothing of the gateway, keeps everything in memory, and is not meant for real data. One file for each
//! partner.
//!
//! | partner | paths |
//! |---|---|
//! | national portal | `/XrdAdapter/RestService/forward/mapi/login`, `…/mapi/g` (and `/VXPAdapter/…`) |
//! | population database | `/population/token`, `/soap`, `/rest/TraCuuThongTinCongDan`, `/rest/XacThucThongTinCongDan` |
//! | enterprise register | `/enterprise/token`, `/apiCSDLDKDN/1.0/chiTietDoanhNghiep?msdn=` |
//! | profile exchange | `/profiles/token`, `/list?unit_code=`, `/detail?profile_id=`, `/ack?profile_id=&status=`, `/files/…` |
//! | post | `/vnpost/token`, `/api?service=orderPost` (`orderCancel`, `orderTracking`, `getPriceHcc`) |
//! | ministry | `/ministry/connector/connector/v1/…`, `/ministry/fi/v1/file/upload`, `/ministry/fi/file/download/…` |
//! | VNConnect | `/identity/vnconnect/oauth2/` `authorize`, `token`, `userinfo`, `jwks`; `/identity/vnconnect/oidc/logout` |
//! | VNeID | `/identity/vneid/oauth2/` `authorize`, `token`, `userinfo`, `jwks`; `/identity/vneid/oidc/logout` |
//! | province's sign-in | `/identity/province/.well-known/openid-configuration`, `authorize`, `token`, `userinfo`, `jwks`, `logout` |
//! | province's CAS | `/identity/cas/login?service=`, `p3/serviceValidate?service=&ticket=`, `logout?service=` |
//! | VNPAY | `/pay-sandbox/vnpay/paymentv2/vpcpay.html`, `/merchant_webapi/api/transaction` |
//! | MoMo | `/pay-sandbox/momo/v2/gateway/api/` `create`, `query`, `refund`, `refund/query` |
//! | ZaloPay | `/pay-sandbox/zalopay/v2/` `create`, `query`, `refund`, `query_refund` |
//! | KeyPay, PayGov | `/pay-sandbox/keypay`, `/pay-sandbox/paygov`: every path below, by what the body asks |
//! | national payment platform | `/pay-sandbox/national`, `/pay-sandbox/national/lgsp`: every path below, by `LoaiBanTin` |
//! | echo | `/echo/any`, `guarded`, `sink`, `bytes/N`, `status/N`, `half`, `slow-body`, `sse`, `ws` and others |
//!
//! Every one takes the client `lgsp` with the secret `lgsp-sandbox`. Its state, settings and faults stand at
//! `/sandbox/<partner>/state`, `settings`, `faults`, those of the portal at `/sandbox/state` and so on. The identity
//! providers are `identity-vnconnect`, `identity-vneid`, `identity-province` and `identity-cas` there, with the lists
//! `people`, `sign-ins` and `keys` and the commands `people`, `rotate-keys`, `drop-old-keys` and `back-channel-logout`.
//!
//! The payment providers are `payment-vnpay`, `payment-momo`, `payment-zalopay`, `payment-keypay`, `payment-paygov` and
//! `payment-national`, with the lists `orders`, `callbacks`, `ledger` and `totals`, the CSV `day-file?day=20261122` and the
//! commands `act` (`reference`, `act`, `code`) and `settle-refund` (`refund`); the national one also `pull` (`MaHoSo`,
//! `pay`). Every order has its page at `/pay-sandbox/<provider>/pay/…` with a button for each act. See [`payment`].

mod access;
mod address;
mod answer;
mod call;
mod control;
mod echo;
mod enterprise;
mod faults;
mod forms;
mod html;
mod identity;
mod line;
mod ministry;
mod partner;
pub mod payment;
mod population;
mod portal;
mod profiles;
mod recent;
mod scripted;
mod server;
mod sessions;
mod variables;
mod vnpost;

pub use access::{Access, LgspKey};
pub use echo::{Echo, EchoSeen, EchoSettings};
pub use enterprise::{Enterprise, EnterpriseSettings, RegisteredEnterprise, UnknownEnterprise};
pub use faults::{BadFault, CodeForm, Fault, FaultId, FaultRule, MessageForm};
pub use identity::{
    Account, AccountKind, BackChannelFailure, Cas, CasFault, CasSettings, CasSignIn, IdentitySettings, PkceRule,
    Province, SignIn, SigningAlgorithm, SubjectRule, TokenFault, VnConnect, Vneid,
};
pub use ministry::{Ministry, MinistryDossier, MinistryFile, MinistrySettings, Waiting};
pub use partner::{Partner, Peer, PeerCounters};
pub use population::{
    Address, Birth, Citizen, Lookup, LookupKind, Officer, PersonName, Population, PopulationSettings,
};
pub use portal::{
    BatchMode, Catalogue, Counters, NotStored, Notice, Portal, PortalSettings, Procedure, StoredDossier, StoredStep,
    StoredVersion,
};
pub use profiles::{Ack, AckStatus, Profile, Profiles, ProfilesSettings};
pub use server::{Partners, Sandbox};
pub use vnpost::{PostOrder, VnPost, VnPostSettings};
