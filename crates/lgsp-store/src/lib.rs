//! Durable state behind one trait: the log, the dossiers, the targets. One engine today, embedded SQLite.
//!
//! It decides nothing about dossiers (`lgsp-model` does) and knows neither HTTP nor connectors.

mod api;
mod embedded;

pub use api::{
    Appended, AuditEntry, CommitObserver, DossierEvent, DurableStore, Health, Held, HeldDecision, IDEMPOTENCY_KEPT,
    IN_ORDER_AT_ONCE, IdempotencyKey, NewEvent, NewReply, Page, PageLimit, Parked, ParkedState, ReadFilter, StoreError,
    StoreFuture, StoredEvent, Subject, TargetChange, TargetPosition, TraceId, VerifyReport,
};
pub use embedded::{EmbeddedOptions, EmbeddedStore, verify_dir};
