//! A dossier as a one-stop system keeps it, and the messages that it sends about it: records and progress steps with
//! every field of the national format, in its order.

use jiff::civil::DateTime;
use lgsp_model::Status;
use serde::Serialize;

use super::calendar::portal_time;

/// Whom a dossier belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) is_company: bool,
    pub(crate) name: String,
    /// Twelve digits of a citizen, or a tax number; of a shape that no authority has issued.
    pub(crate) number: String,
    pub(crate) phone: String,
    pub(crate) address: String,
}

/// One request for papers that were missing.
#[derive(Clone, Debug)]
pub(crate) struct Supplement {
    pub(crate) asked: DateTime,
    pub(crate) answered: Option<DateTime>,
    pub(crate) due_before: DateTime,
    pub(crate) due_after: DateTime,
}

/// What stays the same over a dossier's life, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Dossier {
    pub(crate) code: String,
    pub(crate) procedure_code: String,
    pub(crate) procedure_name: String,
    pub(crate) field_code: String,
    pub(crate) field_name: String,
    pub(crate) unit: String,
    pub(crate) owner: Owner,
    pub(crate) online: bool,
    pub(crate) by_post: bool,
    pub(crate) officer: String,
    pub(crate) fee: Option<u64>,
    pub(crate) status: Status,
    pub(crate) filed: DateTime,
    pub(crate) received: Option<DateTime>,
    pub(crate) due: Option<DateTime>,
    pub(crate) finished: Option<DateTime>,
    pub(crate) returned: Option<DateTime>,
    pub(crate) refused: Option<DateTime>,
    pub(crate) fee_paid: bool,
    pub(crate) note: String,
    pub(crate) supplement: Option<Supplement>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Record<'a> {
    ma_ho_so: &'a str,
    #[serde(rename = "MaTTHC")]
    ma_tthc: &'a str,
    #[serde(rename = "TenTTHC")]
    ten_tthc: &'a str,
    ma_linh_vuc: &'a str,
    ten_linh_vuc: &'a str,
    so_bien_nhan: String,
    kenh_thuc_hien: &'static str,
    chu_ho_so: &'a str,
    so_giay_to_chu_ho_so: &'a str,
    loai_doi_tuong: &'static str,
    ma_doi_tuong: &'static str,
    thong_tin_khac: &'a str,
    email: &'static str,
    fax: &'static str,
    so_dien_thoai: &'a str,
    trich_yeu_ho_so: String,
    ngay_tiep_nhan: String,
    ngay_hen_tra: String,
    trang_thai_ho_so: &'static str,
    ngay_tra: String,
    thong_tin_tra: &'static str,
    hinh_thuc: &'static str,
    ngay_ket_thuc_xu_ly: String,
    don_vi_xu_ly: &'a str,
    ghi_chu: &'a str,
    noi_nop_ho_so: &'static str,
    ho_so_co_thanh_phan_so_hoa: &'static str,
    #[serde(rename = "TaiKhoanDuocXacThucVoiVNeID")]
    tai_khoan_duoc_xac_thuc: &'static str,
    duoc_thanh_toan_truc_tuyen: &'static str,
    ngay_tu_choi: String,
    ngay_nop_ho_so: String,
    #[serde(rename = "DinhDanhCHS")]
    dinh_danh: Vec<Identity<'a>>,
    #[serde(rename = "DSKetNoiCSDL")]
    ket_noi: Vec<Database>,
    tai_lieu_nop: Vec<Submitted>,
    danh_sach_le_phi: Vec<Fee>,
    danh_sach_tep_dinh_kem_khac: [(); 0],
    danh_sach_ho_so_bo_sung: Vec<SupplementRow<'a>>,
    danh_sach_giay_to_ket_qua: Vec<ResultPaper>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Identity<'a> {
    loai_dinh_danh: &'static str,
    so_dinh_danh: &'a str,
}

#[derive(Serialize)]
struct Database {
    #[serde(rename = "MaCSDL")]
    code: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Submitted {
    tep_dinh_kem_id: String,
    ten_tep_dinh_kem: &'static str,
    is_deleted: &'static str,
    ma_thanh_phan_ho_so: String,
    duong_dan_tai_tep_tin: String,
    duoc_so_hoa: &'static str,
    duoc_tai_su_dung: &'static str,
    #[serde(rename = "DuocLayTuKhoDMQG")]
    duoc_lay_tu_kho: &'static str,
    ma_ket_qua_thay_the: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Fee {
    ten_phi_le_phi: &'static str,
    ma_phi_le_phi: &'static str,
    hinh_thuc_thu: &'static str,
    gia: String,
    loai_phi_le_phi: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SupplementRow<'a> {
    ho_so_bo_sung_id: String,
    nguoi_yeu_cau_bo_sung: &'a str,
    noi_dung_bo_sung: &'static str,
    ngay_bo_sung: String,
    nguoi_tiep_nhan_bo_sung: &'a str,
    thong_tin_tiep_nhan: &'static str,
    ngay_tiep_nhan_bo_sung: String,
    trang_thai_bo_sung: &'static str,
    danh_sach_giay_to_bo_sung: [(); 0],
    danh_sach_le_phi_bo_sung: [(); 0],
    ngay_hen_tra_truoc: String,
    ngay_hen_tra_moi: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResultPaper {
    ten_giay_to: String,
    ma_thanh_phan_ho_so: &'static str,
    giay_to_id: String,
    duong_dan_tep_tin_ket_qua: String,
    ma_giay_to_ket_qua: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Step<'a> {
    ma_ho_so: &'a str,
    nguoi_xu_ly: &'a str,
    chuc_danh: &'static str,
    thoi_diem_xu_ly: String,
    phong_ban_xu_ly: &'a str,
    noi_dung_xu_ly: &'a str,
    trang_thai: &'static str,
    ngay_bat_dau: String,
    ngay_ket_thuc_theo_quy_dinh: String,
}

impl Dossier {
    /// The record as `DongBoHoSoMC` carries it.
    pub(crate) fn record(&self) -> String {
        let paid = if self.fee_paid { "1" } else { "3" };
        let record = Record {
            ma_ho_so: &self.code,
            ma_tthc: &self.procedure_code,
            ten_tthc: &self.procedure_name,
            ma_linh_vuc: &self.field_code,
            ten_linh_vuc: &self.field_name,
            so_bien_nhan: format!("BN-{}", &self.code[self.code.find('-').map_or(0, |dash| dash + 1)..]),
            kenh_thuc_hien: if self.online { "2" } else { "1" },
            chu_ho_so: &self.owner.name,
            so_giay_to_chu_ho_so: &self.owner.number,
            loai_doi_tuong: if self.owner.is_company { "2" } else { "1" },
            ma_doi_tuong: "",
            thong_tin_khac: &self.owner.address,
            email: "",
            fax: "",
            so_dien_thoai: &self.owner.phone,
            trich_yeu_ho_so: self.summary(),
            ngay_tiep_nhan: time(self.received),
            ngay_hen_tra: time(self.due),
            trang_thai_ho_so: self.status.text(),
            ngay_tra: time(self.returned),
            thong_tin_tra: if self.returned.is_some() {
                "Đã trả kết quả cho người nộp hồ sơ"
            } else {
                ""
            },
            hinh_thuc: if self.by_post { "1" } else { "0" },
            ngay_ket_thuc_xu_ly: time(self.finished),
            don_vi_xu_ly: &self.unit,
            ghi_chu: &self.note,
            noi_nop_ho_so: if self.online { "1" } else { "2" },
            ho_so_co_thanh_phan_so_hoa: "1",
            tai_khoan_duoc_xac_thuc: if self.online { "1" } else { "0" },
            duoc_thanh_toan_truc_tuyen: if self.fee.is_some() { paid } else { "0" },
            ngay_tu_choi: time(self.refused),
            ngay_nop_ho_so: time(Some(self.filed)),
            dinh_danh: self.identities(),
            ket_noi: if self.owner.is_company { vec![] } else { vec![Database { code: "1" }] },
            tai_lieu_nop: vec![self.submitted()],
            danh_sach_le_phi: self.fees(),
            danh_sach_tep_dinh_kem_khac: [],
            danh_sach_ho_so_bo_sung: self.supplements(),
            danh_sach_giay_to_ket_qua: self.results(),
        };
        serde_json::to_string(&record).expect("a record has text keys only")
    }

    /// A progress step as `CapNhatTienDoHoSoMC` carries it.
    pub(crate) fn step(&self, status: Status, at: DateTime, text: &str) -> String {
        let step = Step {
            ma_ho_so: &self.code,
            nguoi_xu_ly: &self.officer,
            chuc_danh: "Chuyên viên",
            thoi_diem_xu_ly: time(Some(at)),
            phong_ban_xu_ly: &self.unit,
            noi_dung_xu_ly: text,
            trang_thai: status.text(),
            ngay_bat_dau: time(Some(at)),
            ngay_ket_thuc_theo_quy_dinh: time(self.due.filter(|due| *due >= at)),
        };
        serde_json::to_string(&step).expect("a step has text keys only")
    }

    /// The procedure's name is not repeated in full where that would be too long: nothing is cut.
    fn summary(&self) -> String {
        let whole = format!("{} - {}", self.procedure_name, self.owner.name);
        if whole.chars().count() <= 1000 { whole } else { format!("Hồ sơ của {}", self.owner.name) }
    }

    fn identities(&self) -> Vec<Identity<'_>> {
        if self.owner.is_company {
            return Vec::new();
        }
        vec![Identity { loai_dinh_danh: "1", so_dinh_danh: &self.owner.number }]
    }

    fn submitted(&self) -> Submitted {
        Submitted {
            tep_dinh_kem_id: format!("{}-1", self.code),
            ten_tep_dinh_kem: "don_de_nghi.pdf",
            is_deleted: "False",
            ma_thanh_phan_ho_so: format!("000.00.00.{}-KQ000001", self.field_code.split('-').next().unwrap_or("G22")),
            duong_dan_tai_tep_tin: format!("https://motcua.example/tep/{}-1", self.code),
            duoc_so_hoa: "1",
            duoc_tai_su_dung: "0",
            duoc_lay_tu_kho: "0",
            ma_ket_qua_thay_the: "",
        }
    }

    fn fees(&self) -> Vec<Fee> {
        let fee = |dong: u64| Fee {
            ten_phi_le_phi: "Lệ phí giải quyết hồ sơ",
            ma_phi_le_phi: "1",
            hinh_thuc_thu: "1",
            gia: dong.to_string(),
            loai_phi_le_phi: "2",
        };
        self.fee.map(fee).into_iter().collect()
    }

    fn supplements(&self) -> Vec<SupplementRow<'_>> {
        let row = |supplement: &Supplement| SupplementRow {
            ho_so_bo_sung_id: format!("{}-BS1", self.code),
            nguoi_yeu_cau_bo_sung: &self.officer,
            noi_dung_bo_sung: "Bổ sung bản sao giấy tờ còn thiếu theo phiếu hướng dẫn",
            ngay_bo_sung: time(Some(supplement.asked)),
            nguoi_tiep_nhan_bo_sung: if supplement.answered.is_some() { &self.officer } else { "" },
            thong_tin_tiep_nhan: if supplement.answered.is_some() {
                "Đã nhận đủ giấy tờ bổ sung"
            } else {
                ""
            },
            ngay_tiep_nhan_bo_sung: time(supplement.answered),
            trang_thai_bo_sung: if supplement.answered.is_some() { "1" } else { "0" },
            danh_sach_giay_to_bo_sung: [],
            danh_sach_le_phi_bo_sung: [],
            ngay_hen_tra_truoc: time(Some(supplement.due_before)),
            ngay_hen_tra_moi: time(Some(supplement.due_after)),
        };
        self.supplement.iter().map(row).collect()
    }

    fn results(&self) -> Vec<ResultPaper> {
        let paper = || ResultPaper {
            ten_giay_to: format!("Kết quả giải quyết hồ sơ {}", self.code),
            ma_thanh_phan_ho_so: "",
            giay_to_id: format!("{}-KQ", self.code),
            duong_dan_tep_tin_ket_qua: format!("https://motcua.example/tep/{}-KQ", self.code),
            ma_giay_to_ket_qua: "",
        };
        if matches!(self.status, Status::Settled | Status::Returned) { vec![paper()] } else { Vec::new() }
    }
}

fn time(at: Option<DateTime>) -> String {
    at.map(|at| portal_time(at).to_string()).unwrap_or_default()
}
