//! A service's folder → its checked terms, or everything that is wrong with it, each with file and key.

mod folder;
mod operation;
mod patience;
mod terms;

use std::collections::HashSet;

use lgsp_model::Timestamp;

use super::example::Examples;
use super::manifest::Manifest;
use super::{Dispatch, Mode, Operation, QueueTerms, Service};
use crate::manifest::{MANIFEST, is_contract_id, line_of, starts};
use crate::xml::Names;
use crate::{Diagnostic, SourceFile};
pub(super) use folder::Folder;

/// Reads one folder. `None` when something essential is wrong, and then diagnostics say what.
pub(crate) fn read(name: &str, files: &[&SourceFile], found: &mut Vec<Diagnostic>) -> Option<Service> {
    let mut folder = Folder::new(name, files);
    let service = read_in(&mut folder);
    let complete = folder.found.is_empty();
    found.append(&mut folder.found);
    service.filter(|_| complete)
}

/// Whether a manifest describes a service: it has a `mode`, where a record's contract has a `record`.
pub(crate) fn is_service(manifest: &str) -> bool {
    manifest.parse::<toml::Table>().is_ok_and(|table| table.contains_key("mode"))
}

fn read_in(folder: &mut Folder<'_>) -> Option<Service> {
    let manifest = manifest(folder)?;
    let valid_from = valid_from(&manifest, folder);
    let mode = Mode::parse(&manifest.mode);
    if mode.is_none() {
        folder.refuse("mode", "must be proxy, queue or intake");
    }
    let exposed = terms::exposed(&manifest.id, &manifest.expose, folder);
    let (mode, exposed) = (mode?, exposed?);
    let upstream = manifest.upstream.as_ref().and_then(|upstream| terms::upstream(upstream, mode, folder));
    check_mode(mode, &manifest, folder);
    let names = Names::new(manifest.names.iter().map(|(prefix, name)| (prefix.as_str(), name.as_str())))
        .map_err(|error| folder.refuse("names", error.to_string()))
        .unwrap_or_default();
    let codes = folder.code_maps(&manifest.codes);
    let ground =
        operation::Ground { mode, exposed: &exposed, upstream: upstream.as_ref(), names: &names, codes: &codes };
    let operations: Vec<_> = manifest
        .operations
        .iter()
        .enumerate()
        .filter_map(|(index, operation)| operation::read(index, operation, &ground, folder))
        .collect();
    check_names(&manifest, folder);
    check_places(exposed.dispatch, &operations, folder);
    let examples = Examples::read(manifest.examples.as_deref(), folder);
    let queue = manifest.queue.map_or_else(QueueTerms::default, |queue| QueueTerms {
        callback: queue.callback,
        keep_reply: queue.keep_reply || queue.callback,
    });
    Some(Service {
        id: manifest.id,
        version: manifest.version,
        valid_from: valid_from?,
        title: manifest.title,
        description: manifest.description,
        owner: manifest.owner,
        mode,
        exposed,
        upstream,
        queue,
        names,
        operations,
        examples,
    })
}

/// From when a version is in force; its name is looked at too.
fn valid_from(manifest: &Manifest, folder: &mut Folder<'_>) -> Option<Timestamp> {
    if !is_contract_id(&manifest.id) {
        folder.refuse("id", "must be 1 to 64 of a-z, 0-9 and dashes between them");
    }
    if manifest.version.is_empty() {
        folder.refuse("version", "must not be empty");
    }
    let valid_from = starts(&manifest.valid_from);
    if valid_from.is_none() {
        folder.refuse("valid_from", "must be a day such as 2025-07-01, without quotation marks");
    }
    valid_from
}

fn manifest(folder: &mut Folder<'_>) -> Option<Manifest> {
    let text = folder.text(MANIFEST)?;
    match toml::from_str(text) {
        Ok(manifest) => Some(manifest),
        Err(error) => {
            let place = error.span().map_or_else(|| "the file".to_owned(), |span| line_of(text, span.start));
            folder.refuse(place, error.message().to_owned());
            None
        }
    }
}

/// A queue's target is called `service-` and the id, and names of targets have at most 64 characters.
const MOST_QUEUE_ID: usize = 64 - "service-".len();

fn check_mode(mode: Mode, manifest: &Manifest, folder: &mut Folder<'_>) {
    match (mode, &manifest.upstream) {
        (Mode::Proxy | Mode::Queue, None) => folder.refuse("upstream", "is missing: say where calls go"),
        (Mode::Intake, Some(_)) => {
            folder.refuse("upstream", "does not belong to intake mode: calls stay in the gateway")
        }
        _ => {}
    }
    let any_queued = manifest.operations.iter().any(|operation| match &operation.mode {
        Some(own) => Mode::parse(own) == Some(Mode::Queue),
        None => mode == Mode::Queue,
    });
    if any_queued && manifest.id.len() > MOST_QUEUE_ID {
        folder.refuse("id", format!("must have at most {MOST_QUEUE_ID} characters in queue mode"));
    }
    if !(any_queued || mode == Mode::Queue) && manifest.queue.is_some() {
        folder.refuse("queue", "belongs to mode = \"queue\" only");
    }
}

/// Where several operations stand at one path, something must tell them apart.
fn check_places(dispatch: Dispatch, operations: &[Operation], folder: &mut Folder<'_>) {
    for (index, operation) in operations.iter().enumerate() {
        let place = format!("operation.{}", operation.name);
        let before = operations[..index].iter().filter(|other| other.path == operation.path);
        for other in before {
            let shared = |method: &String| method == "*" || other.methods.iter().any(|one| one == method || one == "*");
            let same_element = other.exchange.request.element == operation.exchange.request.element;
            match dispatch {
                Dispatch::Path if operation.methods.iter().any(shared) => {
                    let advice =
                        "stands at the path of another: choose another path or method, or dispatch = \"element\"";
                    folder.refuse(format!("{place}.path"), advice);
                }
                Dispatch::Element if same_element => {
                    folder.refuse(format!("{place}.element"), "is another's at this path: choose another");
                }
                Dispatch::Path | Dispatch::Element => {}
            }
        }
        if dispatch == Dispatch::Element && operation.scopes.is_some() {
            // Rights are looked at before the message is.
            folder.refuse(format!("{place}.scopes"), "cannot differ where the element chooses: use expose.scopes");
        }
    }
}

fn check_names(manifest: &Manifest, folder: &mut Folder<'_>) {
    if manifest.operations.is_empty() {
        folder.refuse("operation", "is missing: write at least one [[operation]]");
    }
    let mut seen = HashSet::new();
    for (index, operation) in manifest.operations.iter().enumerate() {
        if !seen.insert(&operation.name) {
            folder.refuse(format!("operation[{index}].name"), "is used twice: choose another");
        }
    }
}
