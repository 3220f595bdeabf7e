//! `lgsp keys`: a new signing key beside the old ones; an API key for a member. It changes no configuration.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use lgsp_config::{KeyId, TokenAlgorithm};
use lgsp_model::Timestamp;

use super::arguments::{KeysAction, KeysArguments};
use super::failure::CommandError;
use crate::identity::{FreshKey, KeyRing, SHOWN_BEFORE_MILLIS};
use crate::load;

pub(super) fn run(arguments: &KeysArguments) -> Result<(), CommandError> {
    match &arguments.action {
        KeysAction::Rotate { config, keys, algorithm, at_once } => {
            rotate(config.as_deref(), keys.as_deref(), *algorithm, *at_once)
        }
        KeysAction::Api { id } => {
            println!("{}", api(id));
            Ok(())
        }
    }
}

fn api(id: &KeyId) -> String {
    let key = FreshKey::draw(id.as_str());
    format!(
        "X-API-Key: {}\n  The caller sends this header. It is shown this once; hand it over on a safe way.\n\n\
         api_keys = [{{ id = \"{id}\", sha256 = \"{}\" }}]\n  This line, or its element, belongs into the member's table.",
        key.value, key.sha256
    )
}

fn rotate(
    config: Option<&Path>,
    keys: Option<&Path>,
    algorithm: TokenAlgorithm,
    at_once: bool,
) -> Result<(), CommandError> {
    let directory = match (keys, config) {
        (Some(keys), _) => keys.to_owned(),
        (None, Some(config)) => load::load(config).map_err(CommandError::Load)?.config.issuer.keys,
        (None, None) => unreachable!("the arguments ask for one of them"),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
    // Opening makes the directory, and refuses one that holds something else.
    KeyRing::open(&directory, now.plus_millis(-1), &[algorithm]).map_err(CommandError::Keys)?;
    let from = if at_once { now } else { now.plus_millis(SHOWN_BEFORE_MILLIS) };
    let path = KeyRing::add_key(&directory, algorithm, from).map_err(CommandError::Keys)?;
    println!(
        "{}\n  Reload (SIGHUP): it is published at once and signs from {from} on. The older key is published until its last token has ended.",
        path.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_key_is_printed_with_the_line_that_the_configuration_reads() {
        let printed = api(&"h11-1".parse().unwrap());
        let line = printed.lines().find(|line| line.starts_with("api_keys")).unwrap();
        let member = "[[member]]\nid = \"m\"\nname = \"M\"\nagencies = [\"*\"]\nscopes = [\"changes:read\"]\n";
        let text = format!(
            "version = 1\n[admin]\ntoken = \"0123456789abcdef\"\n[issuer]\nurl = \"http://localhost:1\"\n{member}{line}\n"
        );
        let config = lgsp_config::parse(&text, Path::new(""), &|_| None, &|_| Err(String::new())).unwrap();
        assert_eq!(config.members[0].api_keys[0].id.as_str(), "h11-1");
        assert!(printed.starts_with("X-API-Key: h11-1."));
        assert_ne!(printed, api(&"h11-1".parse().unwrap()));
    }
}
