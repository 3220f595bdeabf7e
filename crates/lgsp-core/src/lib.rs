//! placeholder, replaced by the part that this crate holds.
