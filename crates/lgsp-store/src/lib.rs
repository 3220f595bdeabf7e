//! State behind two traits. What must not be lost: the log, the dossiers, the targets, the payments, the registry;
//! one engine today, embedded SQLite. And what may vanish at any moment: sessions, codes, what was seen; in this process or in Redis.
//!
//! It decides nothing about dossiers (`lgsp-model` does) and knows neither HTTP nor connectors.

mod api;
mod embedded;
mod soft;

pub use api::{
    Appended, AuditEntry, CommitObserver, DossierEvent, DurableStore, Health, Held, HeldDecision, IDEMPOTENCY_KEPT,
    IN_ORDER_AT_ONCE, IdempotencyKey, LEDGER_AT_ONCE, LedgerKind, LedgerLine, LedgerState, NewEvent, NewReply,
    PAYMENT_PARTS, PAYMENT_TEXT_BYTES, PAYMENTS_AT_ONCE, Page, PageLimit, Parked, ParkedState, PaymentChange,
    PaymentChanged, PaymentEntry, PaymentName, REGISTRY_KEPT_MILLIS, ReadFilter, RegistryChange, RegistryEntry,
    RegistryKind, StoreError, StoreFuture, StoredEvent, Subject, TargetChange, TargetPosition, TraceId, VerifyReport,
};
pub use embedded::{EmbeddedOptions, EmbeddedStore, verify_dir};
pub use soft::{LocalSoft, RedisSoft, SoftKind, SoftState};
