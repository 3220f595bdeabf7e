//! Records for tests: the shipped examples with some fields changed. Nothing in them is real.

use serde_json::{Value, json};

/// The code of the nth dossier of one commune of the agency H56.
pub(crate) fn code(n: usize) -> String {
    format!("H56.14-240315-{n:06}")
}

/// The code of the nth dossier of another province.
pub(crate) fn code_of_h11(n: usize) -> String {
    format!("H11.16-240315-{n:06}")
}

fn example(folder: &str, name: &str) -> Value {
    let path = format!("{folder}/examples/valid/{name}");
    let file = lgsp_contract::shipped().into_iter().find(|file| file.path == path);
    serde_json::from_str(&file.expect("a shipped example").text).unwrap()
}

/// A dossier record without warnings in one of the statuses "2", "4", "5", "6", "9" and "10".
pub(crate) fn dossier(code: &str, status: &str) -> Value {
    let mut record = example("dossier", "received.json");
    record["MaHoSo"] = code.into();
    record["TrangThaiHoSo"] = status.into();
    if matches!(status, "9" | "10") {
        record["NgayKetThucXuLy"] = "20240401160000".into();
    }
    if status == "10" {
        record["NgayTra"] = "20240402090000".into();
    }
    record
}

/// A progress step without warnings; `minute` tells the steps of one dossier apart and orders them.
pub(crate) fn step(code: &str, status: &str, minute: usize) -> Value {
    let mut record = example("progress", "processing.json");
    record["MaHoSo"] = code.into();
    record["TrangThai"] = status.into();
    record["ThoiDiemXuLy"] = format!("2024031914{minute:02}00").into();
    record["NoiDungXuLy"] = format!("Bước {minute}").into();
    record
}

/// A notice about a dossier that was born on the portal.
pub(crate) fn notice(portal_code: &str, own_code: &str) -> Value {
    let mut record = example("status-notice", "received.json");
    record["MaHoSo"] = portal_code.into();
    record["MaHoSoDonVi"] = own_code.into();
    record
}

/// The same record with a field set.
pub(crate) fn with(mut record: Value, field: &str, value: impl Into<Value>) -> Value {
    record[field] = value.into();
    record
}

/// Records as NDJSON.
pub(crate) fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// The same object with its keys the other way round and spaces between tokens.
pub(crate) fn rearranged(record: &Value) -> String {
    let fields = record.as_object().unwrap().iter().rev();
    let fields: Vec<String> = fields.map(|(key, value)| format!("  {} :\n\t{value}", json!(key))).collect();
    format!("{{\n{}\n}}\n", fields.join(" ,\n"))
}
