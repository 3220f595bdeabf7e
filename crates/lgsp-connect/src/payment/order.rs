//! What a citizen is asked to pay, with all that a provider may want to be told of it.
//!
//! It holds personal data: nothing here prints it.

use std::fmt;
use std::net::IpAddr;

use lgsp_model::{Dong, FeeKind, PaymentId, Timestamp};

/// An order at a provider. The same values at every call about it, so that what is asked about is what was opened.
#[derive(Clone)]
pub struct Order {
    /// Its name here, and at the provider as it is or with what the provider wants around it. Unique for ever.
    pub id: PaymentId,
    /// What is to be paid; the sum of the bill's fees.
    pub amount: Dong,
    /// What it is for, in Vietnamese, at most 200 characters. A provider that takes fewer letters leaves accents and signs out.
    pub description: String,
    /// When it was made, to the second at every provider.
    pub opened_at: Timestamp,
    /// After this the provider takes no money for it, if it can be told so.
    pub expires_at: Timestamp,
    /// Where the provider sends the browser.
    pub return_url: String,
    /// Where the provider tells the gateway what happened.
    pub callback_url: String,
    /// Where the citizen comes from.
    pub address: IpAddr,
    /// What it is made of.
    pub bill: Bill,
}

/// What the fee is for, who asks for it, who pays and who gets it. Empty texts are unknown.
#[derive(Clone, Default)]
pub struct Bill {
    /// `MaHoSo`.
    pub dossier: String,
    /// `MaTTHC`.
    pub procedure: String,
    /// `TenTTHC`.
    pub procedure_name: String,
    /// `MaDonVi`.
    pub agency: String,
    /// `TenDonVi`.
    pub agency_name: String,
    /// The lines; their sum is the order's amount.
    pub fees: Vec<Fee>,
    /// Who gets it.
    pub payee: Payee,
    /// Who pays.
    pub payer: Payer,
}

/// One line.
#[derive(Clone)]
pub struct Fee {
    /// `LoaiPhiLePhi`.
    pub kind: FeeKind,
    /// `MaPhiLePhi`.
    pub code: String,
    /// `TenPhiLePhi`.
    pub name: String,
    /// `SoTien`.
    pub amount: Dong,
}

/// An account of an agency; of the allow-list, never of a caller.
#[derive(Clone, Default)]
pub struct Payee {
    /// `TKThuHuong`.
    pub account: String,
    /// `MaNHThuHuong`: the bank's code as the partner wants it.
    pub bank: String,
    /// The bank's six digits at NAPAS, for VietQR.
    pub bank_bin: String,
    /// `TenTKThuHuong`.
    pub name: String,
    /// `KhoBac`.
    pub treasury: String,
}

/// Who pays.
#[derive(Clone, Default)]
pub struct Payer {
    /// `HoTenNguoiNop`.
    pub name: String,
    /// `SoCMNDNguoiNop`.
    pub identity: String,
    /// `DiaChiNguoiNop`.
    pub address: String,
    /// `HuyenNguoiNop`.
    pub district: String,
    /// `TinhNguoiNop`.
    pub province: String,
}

/// Money to go back.
#[derive(Clone, Copy)]
pub struct RefundOrder<'a> {
    /// The order that was paid.
    pub order: &'a Order,
    /// The provider's name of the payment.
    pub transaction: &'a str,
    /// The provider's names of the other refunds of the payment, as far as they are known: none of them is this one.
    pub others: &'a [String],
    /// Our name of the refund: 20 of `0-9 a-z`, unique for ever, the same at every try.
    pub id: &'a PaymentId,
    /// How much.
    pub amount: Dong,
    /// Whether that is all that was paid.
    pub full: bool,
    /// When it was asked for; the same at every try.
    pub asked_at: Timestamp,
    /// Why, in the words of who asked.
    pub reason: &'a str,
    /// Who asked: a member's id.
    pub by: &'a str,
}

/// Without who pays and to whom.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, amount, opened_at, expires_at, .. } = self;
        write!(f, "Order({id}, {amount} VND, {opened_at} to {expires_at})")
    }
}
