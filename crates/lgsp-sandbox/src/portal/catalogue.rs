//! The catalogue that the portal shares: procedures, their fields, agencies and small dictionaries.
//!
//! Pull fields are upper case. The lists are given from outside; the small default is enough to try the services.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One administrative procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Procedure {
    /// `MATTHC`.
    pub code: String,
    /// `TENTTHC`.
    pub name: String,
    /// `MALINHVUC`; may be empty, as in published lists.
    pub field_code: String,
    /// `TENLINHVUC`.
    pub field_name: String,
    /// The level that carries it out: bộ, tỉnh, xã.
    pub level: String,
}

/// What the catalogue services answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// The procedures, in the order in which they are listed.
    pub procedures: Vec<Procedure>,
    /// Agencies: code and name.
    pub agencies: Vec<(String, String)>,
}

impl Default for Catalogue {
    fn default() -> Self {
        let procedure = |code: &str, name: &str, field_code: &str, field_name: &str, level: &str| Procedure {
            code: code.into(),
            name: name.into(),
            field_code: field_code.into(),
            field_name: field_name.into(),
            level: level.into(),
        };
        Self {
            procedures: vec![
                procedure("1.001193", "Thủ tục đăng ký khai sinh", "G15-TP04", "Hộ tịch", "xã"),
                procedure("1.000894", "Thủ tục đăng ký kết hôn", "G15-TP04", "Hộ tịch", "xã"),
                procedure("1.000656", "Thủ tục đăng ký khai tử", "G15-TP04", "Hộ tịch", "xã"),
            ],
            agencies: vec![("H56".into(), "UBND tỉnh Thanh Hóa".into())],
        }
    }
}

impl Catalogue {
    /// `LayDanhSachTTHC`.
    pub(crate) fn procedures(&self) -> Vec<Value> {
        self.procedures.iter().map(|p| json!({"MATTHC": p.code, "TENTTHC": p.name})).collect()
    }

    /// `LayThuTuc`: the one asked for, or nothing.
    pub(crate) fn procedure(&self, code: &str) -> Vec<Value> {
        let found = self.procedures.iter().enumerate().find(|(_, p)| p.code == code);
        found.map(|(place, procedure)| detail(place, procedure)).into_iter().collect()
    }

    /// `LayDVC`: one online service for each procedure.
    pub(crate) fn services(&self) -> Vec<Value> {
        let row = |p: &Procedure| {
            json!({
                "MADVC": format!("{}.01", p.code), "TENDVC": p.name, "MATTHC": p.code, "TENTTHC": p.name,
                "TENCOQUANBANHANH": "", "TENLINHVUC": p.field_name, "APDUNGDVC": [],
            })
        };
        self.procedures.iter().map(row).collect()
    }

    /// `LayDanhMucLinhVuc`: every field once, in order of its code.
    pub(crate) fn fields(&self) -> Vec<Value> {
        let coded = self.procedures.iter().filter(|p| !p.field_code.is_empty());
        let fields: BTreeMap<&str, &str> = coded.map(|p| (p.field_code.as_str(), p.field_name.as_str())).collect();
        let branch = |code: &str| code.split('-').next().unwrap_or_default().to_owned();
        fields
            .into_iter()
            .map(|(code, name)| json!({"MALINHVUC": code, "TENLINHVUC": name, "MANGANH": branch(code)}))
            .collect()
    }

    /// `LayDanhMucCoQuan`.
    pub(crate) fn agencies(&self) -> Vec<Value> {
        self.agencies.iter().map(|(code, name)| json!({"MADONVI": code, "TENDONVI": name})).collect()
    }
}

/// A small dictionary (`LayDanhMuc…`), or `None` when the portal has no such list.
pub(crate) fn dictionary(service: &str) -> Option<Vec<Value>> {
    let rows: &[(&str, &str)] = match service {
        "LayDanhMucGioiTinh" => &[("1", "Nam"), ("2", "Nữ"), ("3", "Khác")],
        "LayDanhMucTinhThanh" => &[("11", "Tỉnh Điện Biên"), ("38", "Tỉnh Thanh Hóa")],
        "LayDanhMucQuocGia" => &[("VN", "Việt Nam"), ("LA", "Lào"), ("KH", "Campuchia")],
        "LayDanhMucDanToc" => &[("01", "Kinh"), ("03", "Thái"), ("05", "Mường"), ("08", "Mông")],
        "LayDanhMucTonGiao" => &[("00", "Không"), ("01", "Phật giáo"), ("02", "Công giáo")],
        "LayDanhMucTinhTrangHonNhan" => &[("1", "Chưa kết hôn"), ("2", "Đang có vợ/chồng"), ("3", "Đã ly hôn")],
        "LayDanhMucDoiTuong" => {
            &[("1", "Công dân"), ("2", "Doanh nghiệp"), ("3", "Cơ quan nhà nước"), ("4", "Tổ chức khác")]
        }
        "LayDanhMucCapThucHien" => &[("1", "Cấp Bộ"), ("2", "Cấp tỉnh"), ("4", "Cấp xã")],
        "LayDanhMucLePhi" => &[("1", "Phí"), ("2", "Lệ phí")],
        _ => return None,
    };
    Some(rows.iter().map(|(code, name)| json!({"MA": code, "TEN": name})).collect())
}

fn detail(place: usize, p: &Procedure) -> Value {
    json!({
        "ID": (place + 1).to_string(), "MATTHC": p.code, "TENTTHC": p.name, "TRANGTHAI": "1", "LOAITTHC": "1",
        "CAPTHUCHIEN": [{"TENCAPTHUCHIEN": p.level}],
        "LINHVUCTHUCHIEN": [{"MALINHVUC": p.field_code, "TENLINHVUC": p.field_name}],
        "CACHTHUCTHUCHIEN": [
            {"KENH": "1", "THOIGIAN": [{"THOIGIANGIAIQUYET": "3", "DONVITINH": "Ngày làm việc", "MOTA": "", "PHILEPHI": []}]},
            {"KENH": "2", "THOIGIAN": [{"THOIGIANGIAIQUYET": "3", "DONVITINH": "Ngày làm việc", "MOTA": "",
                "PHILEPHI": [{"MAPHILEPHI": "1", "SOTIEN": "không", "DONVI": "Đồng", "MOTA": "", "URL": ""}]}]},
        ],
        "DOITUONGTHUCHIEN": [{"TENDOITUONG": "Công dân Việt Nam"}],
        "THANHPHANHOSO": [], "KETQUATHUCHIEN": [], "CANCUPHAPLY": [], "TTHCLIENQUAN": [], "TTHCLIENTHONG": [],
        "COQUANTHUCHIEN": [], "COQUANCOTHAMQUYEN": [], "COQUANDUOCUYQUYEN": [], "COQUANPHOIHOP": [],
    })
}
