//! What the public service providers are told of a bill, and the receipt that they give out for it.
//!
//! Nobody's name is written on the receipt.

use serde_json::Value;

use super::book::{PaymentOrder, text_of};
use super::clock;
use super::rules::dong;

/// The longest `TenTTHC` that callers are known to have got through.
const MAX_PROCEDURE_NAME: usize = 250;

/// Checks a bill (`bill_info`, `ThongTinBienLai`): the name of the first field that is missing or wrong. The fees have to add up to the
/// amount.
pub(super) fn check(bill: &Value, amount: i64) -> Result<(), &'static str> {
    let text = |name: &str| text_of(&bill[name]);
    let needed = [
        "MaDichVu",
        "TKThuHuong",
        "MaNHThuHuong",
        "TenTKThuHuong",
        "MaDonVi",
        "TenDonVi",
        "MaHoSo",
        "MaTTHC",
        "TenTTHC",
        "NoiDungThanhToan",
        "HoTenNguoiNop",
    ];
    if let Some(name) = needed.into_iter().find(|name| text(name).is_empty()) {
        return Err(name);
    }
    if text("TenTTHC").chars().count() > MAX_PROCEDURE_NAME {
        return Err("TenTTHC");
    }
    let fees = bill["PhiLePhi"].as_array().filter(|fees| !fees.is_empty()).ok_or("PhiLePhi")?;
    let mut sum = 0;
    for fee in fees {
        if !matches!(text_of(&fee["LoaiPhiLePhi"]).as_str(), "1" | "2") || text_of(&fee["TenPhiLePhi"]).is_empty() {
            return Err("PhiLePhi");
        }
        sum += match text_of(&fee["SoTien"]).as_str() {
            "0" => 0,
            text => dong(text).ok_or("PhiLePhi")?,
        };
    }
    if sum == amount { Ok(()) } else { Err("PhiLePhi") }
}

/// A receipt: one page of PDF 1.4 (ISO 32000-1) in letters that every reader has.
pub(super) fn pdf(order: &PaymentOrder) -> Vec<u8> {
    let plain = |text: &str| {
        text.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-_.:/ ".contains(*letter)).collect::<String>()
    };
    let lines = [
        "BIEN LAI THU TIEN (mo phong)".to_owned(),
        format!("Ma tham chieu: {}", plain(&order.reference)),
        format!("Ma giao dich: {}", plain(order.transaction.as_deref().unwrap_or_default())),
        format!("So tien: {} VND", order.amount),
        format!("Thoi gian: {}", clock::written(order.paid_ms.unwrap_or(order.created_ms))),
    ];
    let shown: String = lines.iter().map(|line| format!("({line}) Tj 0 -24 Td ")).collect();
    let content = format!("BT /F1 14 Tf 60 760 Td {shown}ET");
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>".to_owned(),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
        format!("<</Length {}>>stream\n{content}\nendstream", content.len()),
    ];
    let mut out = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (place, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", out.len()));
        out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", place + 1));
    }
    let start = out.len();
    out.push_str(&format!("xref\n0 6\n{table}trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"));
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bill_is_whole_and_adds_up() {
        let whole = json!({
            "MaDichVu": "2", "TKThuHuong": "1", "MaNHThuHuong": "VCB", "TenTKThuHuong": "KHO BAC", "MaDonVi": "H11",
            "TenDonVi": "So", "MaHoSo": "H11-1", "MaTTHC": "1.0", "TenTTHC": "Cap", "NoiDungThanhToan": "Le phi",
            "HoTenNguoiNop": "A", "PhiLePhi": [
                {"LoaiPhiLePhi": "2", "MaPhiLePhi": "x", "TenPhiLePhi": "Le phi", "SoTien": 30_000},
                {"LoaiPhiLePhi": "1", "MaPhiLePhi": "y", "TenPhiLePhi": "Phi", "SoTien": "20000"},
            ],
        });
        assert_eq!(check(&whole, 50_000), Ok(()));
        assert_eq!(check(&whole, 50_001), Err("PhiLePhi"));
        let mut without = whole.clone();
        without["TKThuHuong"] = json!("");
        assert_eq!(check(&without, 50_000), Err("TKThuHuong"));
        assert_eq!(check(&Value::Null, 50_000), Err("MaDichVu"));
        let mut long = whole;
        long["TenTTHC"] = json!("ạ".repeat(251));
        assert_eq!(check(&long, 50_000), Err("TenTTHC"));
    }
}
