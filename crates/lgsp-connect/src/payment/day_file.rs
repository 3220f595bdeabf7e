//! Day files: a provider's account of a day as CSV, by a declared layout. Each kind of provider has one built in, and settings say
//! where a provider's own differs.
//!
//! It reads what is given to it piece by piece, in bounded memory, and stops at the first row that it cannot read. What the rows
//! mean beside our ledger is for others to say.

mod layout;
mod read;
mod records;
mod time;

pub use layout::DayFileLayout;
pub use read::{DayFileError, DayFileReader};

#[cfg(test)]
mod tests;
