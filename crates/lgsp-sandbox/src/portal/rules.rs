//! What the portal reads of a pushed record, and for which lengths and gaps it refuses one.
//!
//! Lengths are those at which deployed clients cut their texts because the portal refused longer ones. It is not the
//! contract of a dossier: the portal lets much pass that a gateway should not.

use std::borrow::Cow;

use lgsp_model::Status;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Characters of `GhiChu`.
const MAX_NOTE: usize = 2000;
/// Characters of `TrichYeuHoSo`.
const MAX_ABSTRACT: usize = 1000;
/// Characters of `NguoiXuLy`.
const MAX_OFFICER: usize = 50;
/// Characters of `TenTepDinhKem`.
const MAX_FILE_NAME: usize = 4000;
/// Characters of `TenGiayTo`.
const MAX_PAPER_NAME: usize = 2000;
/// Characters of `SoDinhDanh`.
const MAX_IDENTITY: usize = 40;
/// Characters of the flags of one digit.
const MAX_FLAG: usize = 2;

/// Why a record is refused, as the portal says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Exists,
    Unknown,
    Missing(&'static str),
    TooLong(&'static str),
    BadStatus,
    NotReadable,
    OnPurpose,
}

impl Refusal {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Exists => "3",
            Self::Unknown => "-3",
            Self::Missing(_) | Self::TooLong(_) | Self::BadStatus | Self::NotReadable | Self::OnPurpose => "-1",
        }
    }

    pub(crate) fn text(&self, dossier: &str) -> String {
        let name = if dossier.is_empty() { String::new() } else { format!(" {dossier}") };
        match self {
            Self::Exists => format!("Hồ sơ{name} đã tồn tại trên hệ thống"),
            Self::Unknown => format!("Hồ sơ{name} không tồn tại trên hệ thống"),
            Self::Missing(field) => format!("Hồ sơ{name} thiếu trường {field}"),
            Self::TooLong(field) => format!("Hồ sơ{name}: trường {field} vượt quá độ dài cho phép"),
            Self::BadStatus => format!("Hồ sơ{name}: trạng thái hồ sơ không hợp lệ"),
            Self::NotReadable => format!("Hồ sơ{name}: dữ liệu không đúng định dạng"),
            Self::OnPurpose => format!("Hồ sơ{name}: dữ liệu không hợp lệ, đề nghị kiểm tra lại"),
        }
    }
}

/// The fields of a dossier record that the portal looks at.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DossierFields<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(crate) ma_ho_so: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(crate) trang_thai_ho_so: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    ghi_chu: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    trich_yeu_ho_so: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    kenh_thuc_hien: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    duoc_thanh_toan_truc_tuyen: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "list", rename = "DinhDanhCHS")]
    dinh_danh_chs: Vec<Identity<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    tai_lieu_nop: Vec<File<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    danh_sach_giay_to_ket_qua: Vec<Paper<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Identity<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    so_dinh_danh: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    ten_tep_dinh_kem: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Paper<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    ten_giay_to: Cow<'a, str>,
}

/// The fields of a progress step that the portal looks at.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ProgressFields<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(crate) ma_ho_so: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(crate) thoi_diem_xu_ly: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(crate) trang_thai: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(crate) noi_dung_xu_ly: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    nguoi_xu_ly: Cow<'a, str>,
}

/// The portal takes `null` for an empty text.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Text<'de>>::deserialize(deserializer)?.map_or(Cow::Borrowed(""), |text| text.0))
}

/// The portal takes `null` for an empty list.
fn list<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

pub(crate) fn read_dossier(record: &RawValue) -> Result<DossierFields<'_>, Refusal> {
    let fields: DossierFields<'_> = serde_json::from_str(record.get()).map_err(|_| Refusal::NotReadable)?;
    if fields.ma_ho_so.is_empty() {
        return Err(Refusal::Missing("MaHoSo"));
    }
    Ok(fields)
}

pub(crate) fn read_progress(record: &RawValue) -> Result<ProgressFields<'_>, Refusal> {
    let fields: ProgressFields<'_> = serde_json::from_str(record.get()).map_err(|_| Refusal::NotReadable)?;
    if fields.ma_ho_so.is_empty() {
        return Err(Refusal::Missing("MaHoSo"));
    }
    Ok(fields)
}

impl DossierFields<'_> {
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        status(&self.trang_thai_ho_so)?;
        within(&self.ghi_chu, MAX_NOTE, "GhiChu")?;
        within(&self.trich_yeu_ho_so, MAX_ABSTRACT, "TrichYeuHoSo")?;
        within(&self.kenh_thuc_hien, MAX_FLAG, "KenhThucHien")?;
        within(&self.duoc_thanh_toan_truc_tuyen, MAX_FLAG, "DuocThanhToanTrucTuyen")?;
        self.dinh_danh_chs.iter().try_for_each(|one| within(&one.so_dinh_danh, MAX_IDENTITY, "SoDinhDanh"))?;
        self.tai_lieu_nop.iter().try_for_each(|one| within(&one.ten_tep_dinh_kem, MAX_FILE_NAME, "TenTepDinhKem"))?;
        self.danh_sach_giay_to_ket_qua.iter().try_for_each(|one| within(&one.ten_giay_to, MAX_PAPER_NAME, "TenGiayTo"))
    }
}

impl ProgressFields<'_> {
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        status(&self.trang_thai)?;
        if self.thoi_diem_xu_ly.is_empty() {
            return Err(Refusal::Missing("ThoiDiemXuLy"));
        }
        within(&self.nguoi_xu_ly, MAX_OFFICER, "NguoiXuLy")
    }
}

fn status(text: &str) -> Result<(), Refusal> {
    Status::from_text(text).map(|_| ()).ok_or(Refusal::BadStatus)
}

fn within(text: &str, most: usize, field: &'static str) -> Result<(), Refusal> {
    // A text of few bytes has few characters: counting is for the long ones.
    if text.len() > most && text.chars().count() > most { Err(Refusal::TooLong(field)) } else { Ok(()) }
}
