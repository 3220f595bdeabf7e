//! What the engine's errors mean to a caller. Texts come from the engine and the operating system and hold no values
//! of rows.

use rusqlite::ErrorCode;

use crate::StoreError;

/// An error while writing: nothing was stored, it may work later.
pub(super) fn unavailable(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(error),
        _ => StoreError::Unavailable(text(&error)),
    }
}

/// An error while reading what must be readable; failing hardware is not damage, it may pass.
pub(super) fn damaged(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseBusy
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::DiskFull
            | ErrorCode::DatabaseLocked,
        ) => StoreError::Unavailable(text(&error)),
        _ => StoreError::Damaged(text(&error)),
    }
}

fn text(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            format!("{} ({})", message.as_deref().unwrap_or("the engine failed"), code.extended_code)
        }
        rusqlite::Error::FromSqlConversionFailure(column, _, _)
        | rusqlite::Error::InvalidColumnType(column, _, _)
        | rusqlite::Error::IntegralValueOutOfRange(column, _) => {
            format!("column {column} of a row has an impossible value")
        }
        _ => "the engine failed".to_owned(),
    }
}
