//! Payments on the demo's stage: the providers of the sandbox and the accounts of two provinces as configuration, and how to try
//! them by hand.

use std::fmt::Write as _;

use lgsp_sandbox::payment as sandbox;

use crate::demo::fees::PAYEE;

/// All six providers, and an account of each province. `sandbox` is where the providers are.
pub(super) fn tables(sandbox: &str) -> String {
    let mut text = String::new();
    for (id, name, settings) in providers() {
        let _ = write!(
            text,
            "[[payment_provider]]\nid = \"{id}\"\nkind = \"{id}\"\nname = \"{name} (mô phỏng)\"\nname_en = \"{name} (simulated)\"\n\
             [payment_provider.settings]\nurl = \"{sandbox}/pay-sandbox/{id}\"\nallow_private = true\ntimeout = \"5s\"\n{settings}\n"
        );
    }
    for (id, agency, province, account) in
        [(PAYEE, "H11", "Điện Biên", "3511.0.1062311"), ("kho-bac-h56", "H56", "Thanh Hóa", "3511.0.1062356")]
    {
        let _ = write!(
            text,
            "[[payee]]\nid = \"{id}\"\nagency = \"{agency}\"\nagency_name = \"UBND tỉnh {province}\"\naccount = \"{account}\"\n\
             bank = \"01201001\"\nname = \"Kho bạc Nhà nước {province}\"\n"
        );
    }
    text
}

/// Id and kind, name, and what the provider's settings have of their own.
fn providers() -> [(&'static str, &'static str, String); 6] {
    use sandbox::{
        KEYPAY_CLIENT_ID, KEYPAY_HASH_KEY_1, KEYPAY_HASH_KEY_2, MOMO_ACCESS_KEY, MOMO_PARTNER_CODE, MOMO_SECRET_KEY,
        NATIONAL_PARTNER, NATIONAL_SECRET, PAYGOV_ACCESS_KEY, PAYGOV_PARTNER_CODE, PAYGOV_SECRET_KEY,
        VNPAY_HASH_SECRET, VNPAY_TMN_CODE, ZALOPAY_APP_ID, ZALOPAY_KEY1, ZALOPAY_KEY2,
    };
    [
        ("vnpay", "VNPAY", format!("tmn_code = \"{VNPAY_TMN_CODE}\"\nsecret = \"{VNPAY_HASH_SECRET}\"")),
        (
            "momo",
            "Ví MoMo",
            format!(
                "partner_code = \"{MOMO_PARTNER_CODE}\"\naccess_key = \"{MOMO_ACCESS_KEY}\"\nsecret_key = \"{MOMO_SECRET_KEY}\""
            ),
        ),
        (
            "zalopay",
            "Ví ZaloPay",
            format!("app_id = {ZALOPAY_APP_ID}\nkey1 = \"{ZALOPAY_KEY1}\"\nkey2 = \"{ZALOPAY_KEY2}\""),
        ),
        (
            "keypay",
            "KeyPay",
            format!(
                "client_id = \"{KEYPAY_CLIENT_ID}\"\nhash_key_1 = \"{KEYPAY_HASH_KEY_1}\"\nhash_key_2 = \"{KEYPAY_HASH_KEY_2}\""
            ),
        ),
        (
            "paygov",
            "PayGov",
            format!(
                "partner_code = \"{PAYGOV_PARTNER_CODE}\"\naccess_key = \"{PAYGOV_ACCESS_KEY}\"\n\
                 secret_key = \"{PAYGOV_SECRET_KEY}\"\nservice_code = \"LGSP\""
            ),
        ),
        (
            "national",
            "Nền tảng thanh toán trực tuyến quốc gia",
            format!("partner = \"{NATIONAL_PARTNER}\"\nsecret = \"{NATIONAL_SECRET}\""),
        ),
    ]
}

/// How to pay by hand, for a shell in which `TOKEN` is the access token of the one-stop system. Every call is another payment.
pub(super) fn calls(public: &str, return_url: &str) -> String {
    format!(
        "  pay                curl -s -H \"Authorization: Bearer $TOKEN\" \
         --json '{{\"reference\":\"thu-'$(date +%s)'\",\"MaHoSo\":\"000.00.16.H11-231005-0001\",\"MaTTHC\":\"1.001193\",\
         \"TenTTHC\":\"Thủ tục đăng ký khai sinh\",\"NguoiNop\":{{\"HoTenNguoiNop\":\"Nguyễn Văn Thử\"}},\
         \"PhiLePhi\":[{{\"LoaiPhiLePhi\":\"2\",\"MaPhiLePhi\":\"LP01\",\"TenPhiLePhi\":\"Lệ phí\",\"SoTien\":50000}}],\"SoTien\":50000,\
         \"payee\":\"{PAYEE}\",\"return_url\":\"{return_url}\"}}' {public}/v1/payments \
         | sed 's/.*\"payment_url\":\"\\([^\"]*\\)\".*/\\1/'   # prints the page to open in a browser: six providers\n"
    )
}

/// What operators do about payments.
pub(super) fn operators(token: &str, admin: &str) -> String {
    format!(
        "  payments           LGSP_ADMIN_TOKEN={token} lgsp payments list --admin {admin}\n\
         \x20 reconcile          LGSP_ADMIN_TOKEN={token} lgsp reconcile --admin {admin} --provider vnpay \
         --day $(TZ=Asia/Ho_Chi_Minh date +%F)\n"
    )
}
