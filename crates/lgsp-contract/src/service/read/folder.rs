//! The files of one folder, and a list of what is wrong with them.

use std::collections::BTreeMap;

use crate::manifest::MANIFEST;
use crate::map::CodeMaps;
use crate::service::manifest::CodeMap;
use crate::{Diagnostic, SourceFile};

pub(crate) struct Folder<'a> {
    name: &'a str,
    files: &'a [&'a SourceFile],
    /// What is wrong, in the order in which it was found.
    pub(crate) found: Vec<Diagnostic>,
}

impl<'a> Folder<'a> {
    pub(super) fn new(name: &'a str, files: &'a [&'a SourceFile]) -> Self {
        Self { name, files, found: Vec::new() }
    }

    /// The text of a file; a missing one is noted.
    pub(super) fn text(&mut self, inside: &str) -> Option<&'a str> {
        let found = self.look(inside);
        if found.is_none() {
            self.refuse_in(inside, "the file", "is missing: the contract names it");
        }
        found
    }

    /// The text of a file, if it is there.
    pub(super) fn look(&self, inside: &str) -> Option<&'a str> {
        let of_name = |file: &&&SourceFile| file.path[self.name.len() + 1..] == *inside;
        self.files.iter().find(of_name).map(|file| file.text.as_str())
    }

    /// The files below a folder in this one: path inside of it, and text.
    pub(crate) fn below(&self, folder: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let prefix = format!("{}/{}/", self.name, folder.trim_end_matches('/'));
        self.files.iter().filter_map(move |file| Some((file.path.strip_prefix(&prefix)?, file.text.as_str())))
    }

    /// The name that a diagnostic gives a file.
    pub(crate) fn path(&self, inside: &str) -> String {
        format!("{}/{inside}", self.name)
    }

    /// Notes that a key of the manifest is wrong.
    pub(crate) fn refuse(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.refuse_in(MANIFEST, place, message);
    }

    /// Notes that a file is wrong.
    pub(crate) fn refuse_in(&mut self, inside: &str, place: impl Into<String>, message: impl Into<String>) {
        let file = self.path(inside);
        self.found.push(Diagnostic { file, place: place.into(), message: message.into() });
    }

    pub(super) fn code_maps(&mut self, written: &BTreeMap<String, CodeMap>) -> CodeMaps {
        let mut maps = CodeMaps::default();
        for (name, terms) in written {
            let Some(text) = self.text(&terms.file) else { continue };
            if let Err(errors) = maps.read(name, text) {
                for error in errors {
                    self.refuse_in(&terms.file, format!("line {}", error.line), error.to_string());
                }
                continue;
            }
            if let Some(covers) = &terms.covers {
                self.check_cover(&maps, name, covers);
            }
        }
        maps
    }

    /// A map is total: it knows every code that a schema lets through.
    fn check_cover(&mut self, maps: &CodeMaps, name: &str, covers: &str) {
        let place = format!("codes.{name}.covers");
        let Some((file, pointer)) = covers.split_once('#') else {
            return self.refuse(place, "must be a file and a JSON Pointer: schema/request.json#/properties/x/enum");
        };
        let Some(text) = self.text(file) else { return };
        let schema = serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
        let Some(codes) = schema.pointer(pointer).and_then(serde_json::Value::as_array) else {
            return self.refuse(place, format!("there is no list of codes at {pointer} of {file}"));
        };
        let codes: Vec<String> =
            codes.iter().map(|code| code.as_str().map_or_else(|| code.to_string(), str::to_owned)).collect();
        let missing = maps.get(name).map(|map| map.missing(codes.iter().map(String::as_str))).unwrap_or_default();
        if !missing.is_empty() {
            self.refuse(place, format!("has no row for {}", missing.join(", ")));
        }
    }
}
