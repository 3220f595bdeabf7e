//! Files of the ministry's connector: upload by multipart, download, references from dossiers.
//!
//! Multipart is read by hand, and only as far as clients use it.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::StatusCode;
use lgsp_model::Digest;
use serde_json::{Value, json};

use super::checks::{self, Wrong};
use crate::answer::Answer;
use crate::call::Call;

pub(super) const UPLOAD: &str = "/fi/v1/file/upload";
pub(super) const DOWNLOAD: &str = "/fi/file/download/";
/// Bytes of all files that are kept.
const MAX_BYTES: usize = 256 << 20;
/// Parts of one upload; a real one has two.
const MAX_PARTS: usize = 16;

/// A file that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinistryFile {
    /// `maHoSo`: the dossier that it is for.
    pub dossier: String,
    /// The name that it came with.
    pub name: String,
    /// SHA-256 of its bytes: `HashTepTin`.
    pub digest: Digest,
    /// Its bytes.
    pub content: Bytes,
}

#[derive(Default)]
pub(super) struct Files {
    files: BTreeMap<String, MinistryFile>,
    bytes: usize,
}

/// One part of a multipart body.
struct Part {
    name: String,
    file_name: String,
    content: Bytes,
}

impl Files {
    pub(super) fn get(&self, id: &str) -> Option<&MinistryFile> {
        self.files.get(id)
    }

    pub(super) fn list(&self) -> Value {
        let row = |(id, file): (&String, &MinistryFile)| {
            json!({"id": id, "dossier": file.dossier, "name": file.name, "bytes": file.content.len(),
                   "sha256": file.digest.to_string()})
        };
        self.files.iter().map(row).collect()
    }

    pub(super) fn upload(&mut self, call: &Call) -> Result<Value, Wrong> {
        let content_type = call.header("content-type").unwrap_or_default();
        let parts = parts(content_type, &call.body).ok_or(Wrong::NotMultipart)?;
        let part = |name: &str| parts.iter().find(|part| part.name == name);
        let file = part("file").ok_or(Wrong::Field("file"))?;
        let dossier = part("maHoSo").and_then(|part| std::str::from_utf8(&part.content).ok());
        let dossier = dossier.filter(|code| !code.is_empty()).ok_or(Wrong::Field("maHoSo"))?;
        if self.bytes + file.content.len() > MAX_BYTES {
            return Err(Wrong::Full);
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &file.content);
        let digest = Digest(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"));
        let id = format!("TEP{:08}", self.files.len() + 1);
        self.bytes += file.content.len();
        let kept = MinistryFile {
            dossier: dossier.to_owned(),
            name: file.file_name.clone(),
            digest,
            // Its own bytes, so that the rest of the upload is given back.
            content: Bytes::copy_from_slice(&file.content),
        };
        self.files.insert(id.clone(), kept);
        Ok(json!({"IdTepTin": id, "HashTepTin": digest.to_string()}))
    }

    /// A file belongs to a dossier: with another `maHoSo` it is not found.
    pub(super) fn download(&self, call: &Call) -> Result<Answer, Wrong> {
        let id = call.path.trim_start_matches(DOWNLOAD);
        let dossier = call.query.get("maHoSo").ok_or(Wrong::Field("maHoSo"))?;
        let file = self.files.get(id).filter(|file| file.dossier == dossier);
        let file = file.ok_or_else(|| Wrong::Unknown(dossier.to_owned()))?;
        Ok(Answer::of(StatusCode::OK, "application/octet-stream", file.content.clone()))
    }

    /// Every file that a dossier names was uploaded, with this digest.
    pub(super) fn check_references(&self, dossier: &Value) -> Result<(), Wrong> {
        for part in checks::list(dossier, "ThanhPhanHoSo")? {
            for paper in checks::list(part, "GiayToDinhKem")? {
                let file = self.files.get(checks::text(paper, "IdGiayTo")?).ok_or(Wrong::File)?;
                if checks::text(paper, "HashTepTin")? != file.digest.to_string() {
                    return Err(Wrong::File);
                }
            }
        }
        Ok(())
    }
}

/// The parts of `multipart/form-data`; `None` when it is not or is broken off.
fn parts(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    let boundary = rest.split(';').find_map(|item| item.trim().strip_prefix("boundary="))?.trim_matches('"');
    let first = format!("--{boundary}");
    let next = format!("\r\n--{boundary}");
    let mut at = find(body, first.as_bytes(), 0)? + first.len();
    let mut parts = Vec::new();
    loop {
        let tail = &body[at..];
        if tail.starts_with(b"--") {
            return Some(parts);
        }
        if !tail.starts_with(b"\r\n") || parts.len() == MAX_PARTS {
            return None;
        }
        let head_end = find(body, b"\r\n\r\n", at)?;
        let end = find(body, next.as_bytes(), head_end + 2)?;
        let head = std::str::from_utf8(&body[at..head_end]).ok()?;
        let content = body.slice((head_end + 4).min(end)..end);
        let parameter = |name: &str| parameter(head, name);
        parts.push(Part { name: parameter("name")?, file_name: parameter("filename").unwrap_or_default(), content });
        at = end + next.len();
    }
}

/// A parameter of `Content-Disposition`.
fn parameter(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let value = line.split(';').find_map(|item| item.trim().strip_prefix(name)?.strip_prefix('='))?;
    Some(value.trim_matches('"').to_owned())
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    body.get(from..)?.windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipart_is_read_with_its_odd_bytes_and_refused_when_it_breaks_off() {
        let whole = b"--X\r\nContent-Disposition: form-data; name=\"maHoSo\"\r\n\r\nH56-1\r\n\
            --X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n\
            \r\n--\xff\0\r\n--X--\r\n";
        let body = Bytes::from_static(whole);
        let read = parts("multipart/form-data; boundary=X", &body).unwrap();
        assert_eq!((read[0].name.as_str(), &read[0].content[..]), ("maHoSo", &b"H56-1"[..]));
        assert_eq!((read[1].file_name.as_str(), &read[1].content[..]), ("a.pdf", &b"\r\n--\xff\0"[..]));
        for cut in 0..whole.len() - 4 {
            assert!(parts("multipart/form-data; boundary=X", &body.slice(..cut)).is_none(), "cut at {cut}");
        }
        assert!(parts("application/json", &body).is_none());
    }
}
