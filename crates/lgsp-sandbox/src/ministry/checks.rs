//! What the ministry's connector insists on: fields, integers that are integers, date forms, codes.
//!
//! It does not look at what is stored.

use std::ops::RangeInclusive;

use hyper::StatusCode;
use serde_json::Value;

use crate::call::Call;
use crate::forms;

/// Rows in one call at most.
const MAX_ROWS: usize = 1000;
const TIME: &str = "yyyy-MM-dd HH:mm:ss";

/// Why a call was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    NotJson,
    NotMultipart,
    Rows,
    Field(&'static str),
    /// `DanhSachGiayToKetQua` with a status that has no results.
    Results,
    /// A file that was not uploaded, or whose digest is another.
    File,
    Forbidden,
    Unknown(String),
    Exists(String),
    Full,
}

impl Wrong {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::NotJson
            | Self::NotMultipart
            | Self::Rows
            | Self::Field(_)
            | Self::Results
            | Self::File
            | Self::Exists(_)
            | Self::Full => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::NotJson => "Dữ liệu không đúng định dạng JSON".into(),
            Self::NotMultipart => "Cần multipart/form-data với file và maHoSo".into(),
            Self::Rows => format!("Cần danh sách từ 1 đến {MAX_ROWS} phần tử"),
            Self::Field(name) => format!("Trường {name} không hợp lệ hoặc bị thiếu"),
            Self::Results => "DanhSachGiayToKetQua chỉ áp dụng với trạng thái 5, 6, 9".into(),
            Self::File => "Tệp tin không tồn tại hoặc sai HashTepTin".into(),
            Self::Forbidden => "Không có quyền với đơn vị tiếp nhận này".into(),
            Self::Unknown(code) => format!("Không tìm thấy hồ sơ {code}"),
            Self::Exists(code) => format!("Hồ sơ {code} đã tồn tại"),
            Self::Full => "Hệ thống đã đầy dung lượng lưu trữ".into(),
        }
    }
}

pub(super) fn rows(call: &Call) -> Result<Vec<Value>, Wrong> {
    let rows: Vec<Value> = call.json().ok_or(Wrong::NotJson)?;
    if rows.is_empty() || rows.len() > MAX_ROWS { Err(Wrong::Rows) } else { Ok(rows) }
}

pub(super) fn text<'a>(row: &'a Value, name: &'static str) -> Result<&'a str, Wrong> {
    row[name].as_str().filter(|text| !text.is_empty()).ok_or(Wrong::Field(name))
}

/// An integer of JSON: one in quotes is refused.
pub(super) fn integer(row: &Value, name: &'static str, range: RangeInclusive<i64>) -> Result<i64, Wrong> {
    row[name].as_i64().filter(|value| range.contains(value)).ok_or(Wrong::Field(name))
}

fn time(row: &Value, name: &'static str) -> Result<(), Wrong> {
    if forms::is_date(text(row, name)?, TIME) { Ok(()) } else { Err(Wrong::Field(name)) }
}

fn optional_millis(row: &Value, name: &'static str) -> Result<(), Wrong> {
    match &row[name] {
        Value::Null => Ok(()),
        Value::String(text) if text.is_empty() || forms::is_iso_millis(text) => Ok(()),
        _ => Err(Wrong::Field(name)),
    }
}

/// Checks a dossier that is to be created and answers its code.
pub(super) fn dossier(body: &Value) -> Result<&str, Wrong> {
    for name in ["MaTTHC", "ChuHoSo", "MaDonViTiepNhan"] {
        text(body, name)?;
    }
    integer(body, "LoaiDoiTuong", 0..=2)?;
    time(body, "NgayNop")?;
    time(body, "NgayTiepNhan")?;
    let sender = &body["ThongTinNguoiNop"];
    integer(sender, "LoaiDoiTuong", 0..=2)?;
    text(&sender["ThongTinChiTiet"], "TenNguoiNop")?;
    for part in list(body, "ThanhPhanHoSo")? {
        text(part, "MaThanhPhanHoSo")?;
        integer(part, "LoaiBan", 0..=2)?;
        for paper in list(part, "GiayToDinhKem")? {
            text(paper, "IdGiayTo")?;
            text(paper, "HashTepTin")?;
        }
    }
    text(body, "MaHoSo")
}

/// A list that may be left out.
pub(super) fn list<'a>(row: &'a Value, name: &'static str) -> Result<&'a [Value], Wrong> {
    match &row[name] {
        Value::Null => Ok(&[]),
        Value::Array(rows) => Ok(rows),
        _ => Err(Wrong::Field(name)),
    }
}

pub(super) fn step(row: &Value) -> Result<(), Wrong> {
    for name in ["NguoiXuLy", "NoiDungXuLy"] {
        text(row, name)?;
    }
    integer(row, "TrangThai", 1..=10)?;
    if !forms::is_iso_millis(text(row, "ThoiDiemXuLy")?) {
        return Err(Wrong::Field("ThoiDiemXuLy"));
    }
    optional_millis(row, "NgayBatDau")?;
    optional_millis(row, "NgayKetThucTheoQuyDinh")
}

pub(super) fn status(row: &Value) -> Result<(), Wrong> {
    let status = integer(row, "TrangThai", 1..=10)?;
    list(row, "DanhSachLePhi")?;
    let results = list(row, "DanhSachGiayToKetQua")?;
    if results.is_empty() || matches!(status, 5 | 6 | 9) { Ok(()) } else { Err(Wrong::Results) }
}
