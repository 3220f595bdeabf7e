//! `lgsp keys rotate`: a new signing key beside the old ones.

use std::time::{SystemTime, UNIX_EPOCH};

use super::arguments::{KeysAction, KeysArguments};
use super::failure::CommandError;
use crate::identity::KeyRing;
use crate::load;

pub(super) fn run(arguments: &KeysArguments) -> Result<(), CommandError> {
    let KeysAction::Rotate { config, keys } = &arguments.action;
    let directory = match (keys, config) {
        (Some(keys), _) => keys.clone(),
        (None, Some(config)) => load::load(config).map_err(CommandError::Load)?.config.issuer.keys,
        (None, None) => unreachable!("the arguments ask for one of them"),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    // Opening makes the directory, and refuses one that holds something else.
    KeyRing::open(&directory, now - 1).map_err(CommandError::Keys)?;
    let path = KeyRing::add_key(&directory, now).map_err(CommandError::Keys)?;
    println!("{} signs from the next reload on (SIGHUP); the older keys go on verifying.", path.display());
    Ok(())
}
