//! An order whose bill says everything, and what the field's own names say of it.

use lgsp_connect::{Bill, Fee, Order, Payee, Payer};
use lgsp_model::FeeKind;
use serde_json::{Value, json};

use super::{dong, order};

pub(super) fn filled() -> Order {
    let fee =
        |kind, code: &str, name: &str, amount| Fee { kind, code: code.into(), name: name.into(), amount: dong(amount) };
    let bill = Bill {
        dossier: "H56.14-260101-0007".into(),
        procedure: "1.001193".into(),
        procedure_name: "Đăng ký khai sinh".into(),
        agency: "000.14.01.H56".into(),
        agency_name: "UBND phường Hạc Thành".into(),
        fees: vec![fee(FeeKind::Fee, "LP1", "Lệ phí", 30_000), fee(FeeKind::Charge, "P1", "Phí bản sao", 20_000)],
        payee: Payee {
            account: "3511.0.1057642".into(),
            bank: "01202001".into(),
            bank_bin: "970436".into(),
            name: "Kho bạc".into(),
            treasury: "0011".into(),
        },
        payer: Payer {
            name: "Nguyễn Thị Hoa".into(),
            identity: "038000000001".into(),
            address: "12 Lê Lợi".into(),
            district: "Thành phố".into(),
            province: "Thanh Hóa".into(),
        },
    };
    Order { bill, ..order() }
}

/// The fields that every receipt of the field has.
pub(super) fn bill() -> Value {
    json!({"TKThuHuong": "3511.0.1057642", "MaNHThuHuong": "01202001", "TenTKThuHuong": "Kho bạc", "KhoBac": "0011",
        "MaDonVi": "000.14.01.H56", "TenDonVi": "UBND phường Hạc Thành", "MaHoSo": "H56.14-260101-0007",
        "MaTTHC": "1.001193", "TenTTHC": "Đăng ký khai sinh", "NoiDungThanhToan": order().description,
        "HoTenNguoiNop": "Nguyễn Thị Hoa", "SoCMNDNguoiNop": "038000000001", "DiaChiNguoiNop": "12 Lê Lợi",
        "HuyenNguoiNop": "Thành phố", "TinhNguoiNop": "Thanh Hóa",
        "PhiLePhi": [
            {"LoaiPhiLePhi": "2", "MaPhiLePhi": "LP1", "TenPhiLePhi": "Lệ phí", "SoTien": "30000"},
            {"LoaiPhiLePhi": "1", "MaPhiLePhi": "P1", "TenPhiLePhi": "Phí bản sao", "SoTien": "20000"}],
        "DSKhoanNop": [{"NoiDung": "Lệ phí", "SoTien": "30000"}, {"NoiDung": "Phí bản sao", "SoTien": "20000"}]})
}
