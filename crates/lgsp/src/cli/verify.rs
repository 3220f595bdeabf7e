//! `lgsp verify`: the log against its hash chain, through a running gateway or on a stopped store.

use serde_json::Value;

use super::api::Api;
use super::arguments::VerifyArguments;
use super::failure::CommandError;
use super::{FAILED, say, wait_for};

pub(super) fn run(arguments: VerifyArguments) -> Result<(), CommandError> {
    let report = match &arguments.data {
        Some(data) => {
            let report = lgsp_store::verify_dir(data).map_err(|error| CommandError::Store(data.clone(), error))?;
            crate::admin::report_json(&report)
        }
        None => wait_for(async { Api::new(&arguments.api)?.verify().await })?,
    };
    let intact = report["intact"] == Value::Bool(true);
    if arguments.api.json {
        say(&format!("{report}\n"));
    } else {
        say(&sentences(&report));
    }
    if intact { Ok(()) } else { Err(CommandError::Told(FAILED)) }
}

fn sentences(report: &Value) -> String {
    let (events, head) = (&report["events"], report["head"].as_str().unwrap_or_default());
    if report["intact"] == Value::Bool(true) {
        return format!("The log is intact: {events} events, chain head {head}.\n");
    }
    let (seq, what) = (&report["broken"]["seq"], report["broken"]["what"].as_str().unwrap_or_default());
    format!(
        "The log differs from its hash chain at event {seq}: {what}.\n{events} events before it are intact. Stop the \
         gateway, keep a copy of the data directory as it is, and restore the last good backup.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_broken_log_is_told_with_the_place_and_what_to_do() {
        let report = json!({"intact": false, "events": 4, "head": "00", "broken": {"seq": 5, "what": "the payload was changed"}});
        let text = sentences(&report);
        assert!(text.contains("at event 5: the payload was changed") && text.contains("restore"), "{text}");
        assert!(sentences(&json!({"intact": true, "events": 4, "head": "ab"})).contains("intact: 4 events"));
    }
}
