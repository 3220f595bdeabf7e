//! The public error codes: one row here and one page under `errors/` for each.
//!
//! It says what an error is; which answer it becomes in which dialect is decided in one place of the shell.

/// One thing that is wrong with a message: where, which rule, and what to do. Never the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// JSON Pointer into the record, such as `/TrangThaiHoSo`.
    pub path: String,
    /// The rule's stable name, such as `enum` or `due-before-received`.
    pub rule: String,
    /// One sentence that says what to do.
    pub message: String,
}

impl Finding {
    /// A finding about the place `path`.
    pub fn new(path: impl Into<String>, rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), rule: rule.into(), message: message.into() }
    }
}

macro_rules! error_codes {
    ($($variant:ident = $number:literal, $status:literal, $slug:literal, $title:literal, $vi:literal;)+) => {
        /// A public error. Codes and slugs are stable; callers may branch on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the title and the page of each row say what it means")]
        pub enum ErrorCode { $($variant),+ }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code: `GW` and four digits.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => concat!("GW", $number)),+ }
            }

            /// The four digits, as the national dialect carries them in `error_code`.
            pub const fn number(self) -> &'static str {
                match self { $(Self::$variant => $number),+ }
            }

            /// The HTTP status of the JSON dialect.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// The last part of the problem's `type`, `/errors/<slug>`.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug),+ }
            }

            /// The problem's `title`.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// One Vietnamese sentence that says what to do.
            pub const fn advice_vi(self) -> &'static str {
                match self { $(Self::$variant => $vi),+ }
            }

            /// The page that explains the error: Markdown.
            pub const fn page(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../errors/", $slug, ".md"))),+ }
            }
        }
    };
}

error_codes! {
    MalformedRequest = "1001", 400, "malformed-request", "The request is not well-formed HTTP", "Yêu cầu HTTP sai định dạng. Kiểm tra tiêu đề Host, Content-Length và Transfer-Encoding.";
    MalformedJson = "1002", 400, "malformed-json", "The body is not well-formed JSON", "Nội dung không phải JSON hợp lệ. Kiểm tra cú pháp, khoá trùng và mã UTF-8.";
    TooLarge = "1003", 413, "too-large", "The message is larger than allowed", "Bản tin quá lớn. Chia nhỏ bản tin rồi gửi lại.";
    UnsupportedMediaType = "1004", 415, "unsupported-media-type", "The media type or encoding is not supported", "Kiểu nội dung không được hỗ trợ. Gửi application/json hoặc application/x-ndjson, mã UTF-8.";
    BadEncoding = "1005", 400, "bad-encoding", "The compressed body cannot be read", "Không giải nén được nội dung. Gửi gzip hợp lệ hoặc không nén.";
    BadParameter = "1006", 400, "bad-parameter", "A parameter is missing or not allowed", "Thiếu tham số hoặc tham số sai. Sửa tham số được nêu rồi gửi lại.";
    RequestTimeout = "1007", 408, "request-timeout", "The request did not arrive in time", "Yêu cầu đến quá chậm. Kiểm tra đường truyền rồi gửi lại.";
    MethodNotAllowed = "1008", 405, "method-not-allowed", "The method is not allowed here", "Phương thức không được phép. Xem tài liệu của dịch vụ.";
    MalformedXml = "1009", 400, "malformed-xml", "The body is not well-formed XML or SOAP", "Nội dung không phải XML hoặc SOAP hợp lệ. Kiểm tra cú pháp, namespace và mã UTF-8.";
    Misdirected = "1010", 421, "misdirected", "The connection is for another host", "Kết nối này dành cho tên miền khác. Mở kết nối mới đến đúng tên miền rồi gửi lại.";
    Unauthenticated = "1101", 401, "unauthenticated", "The caller is not identified", "Chưa xác định được bên gọi hoặc mã truy cập đã hết hạn. Lấy mã truy cập mới hoặc kiểm tra khoá, chữ ký rồi gửi lại.";
    BadCredentials = "1102", 401, "bad-credentials", "Wrong member id or secret", "Sai tên đăng nhập hoặc mật khẩu. Kiểm tra cấu hình kết nối của đơn vị.";
    SessionExpired = "1103", 401, "session-expired", "The session is unknown or has expired", "Phiên làm việc (session) không tồn tại hoặc đã hết hạn. Đăng nhập lại.";
    InsufficientScope = "1201", 403, "insufficient-scope", "The token lacks a scope", "Đơn vị chưa được cấp quyền này. Đề nghị quản trị trục cấp quyền.";
    AgencyNotGranted = "1202", 403, "agency-not-granted", "The agency was not granted to this member", "Mã đơn vị của hồ sơ không thuộc phạm vi được cấp. Kiểm tra MaHoSo hoặc đề nghị cấp thêm mã đơn vị.";
    NotFound = "1301", 404, "not-found", "There is nothing at this address", "Không tìm thấy địa chỉ. Kiểm tra đường dẫn.";
    DossierNotFound = "1302", 404, "dossier-not-found", "The gateway does not know this dossier", "Không tìm thấy hồ sơ. Kiểm tra MaHoSo hoặc đồng bộ hồ sơ trước.";
    UnknownService = "1303", 404, "unknown-service", "The service name is not known", "Tên dịch vụ (service) không được hỗ trợ. Kiểm tra trường service.";
    MessageNotFound = "1304", 404, "message-not-found", "The gateway does not know this message", "Không tìm thấy bản tin. Kiểm tra mã bản tin đã nhận khi gửi.";
    PaymentNotFound = "1305", 404, "payment-not-found", "The gateway does not know this payment", "Không tìm thấy giao dịch thanh toán. Kiểm tra mã thanh toán đã nhận khi tạo.";
    Conflict = "1401", 409, "conflict", "The state does not allow this", "Trạng thái hiện tại không cho phép thao tác này. Tải lại rồi thử lại.";
    IdempotencyMismatch = "1402", 422, "idempotency-mismatch", "The idempotency key was used with another body", "Khoá Idempotency-Key đã dùng cho nội dung khác. Dùng khoá mới.";
    ContractViolation = "1501", 422, "contract-violation", "The record breaks its contract", "Bản ghi sai quy định. Sửa các trường được nêu rồi gửi lại.";
    RateLimited = "1601", 429, "rate-limited", "Too many requests", "Gửi quá nhanh. Chờ rồi gửi lại.";
    Overloaded = "1602", 503, "overloaded", "The gateway is overloaded", "Trục đang quá tải. Chờ rồi gửi lại.";
    StoreUnavailable = "1603", 503, "store-unavailable", "The durable store cannot commit", "Trục tạm thời không ghi được dữ liệu. Chờ rồi gửi lại.";
    Draining = "1604", 503, "draining", "The gateway is shutting down", "Trục đang khởi động lại. Chờ rồi gửi lại.";
    ServiceNotReady = "1605", 503, "service-not-ready", "The service is not set up at this gateway", "Dịch vụ chưa được cấu hình trên trục. Báo quản trị trục.";
    QuotaUsedUp = "1606", 429, "quota-used-up", "The day's quota is used up", "Đã dùng hết hạn mức trong ngày. Chờ đến ngày mai hoặc đề nghị tăng hạn mức.";
    UpstreamUnreachable = "1701", 502, "upstream-unreachable", "The partner could not be reached", "Không kết nối được hệ thống đối tác. Chờ rồi gửi lại.";
    UpstreamTimeout = "1702", 504, "upstream-timeout", "The partner did not answer in time", "Hệ thống đối tác không trả lời kịp. Chờ rồi gửi lại.";
    UpstreamRefused = "1703", 502, "upstream-refused", "The partner refused the call", "Hệ thống đối tác từ chối yêu cầu. Xem chi tiết kèm theo.";
    UpstreamBroken = "1704", 502, "upstream-broken", "The partner's answer breaks its contract", "Trả lời của hệ thống đối tác sai quy định. Báo đơn vị quản lý dịch vụ.";
    UpstreamFault = "1705", 502, "upstream-fault", "The partner answered with a fault", "Hệ thống đối tác báo lỗi. Xem chi tiết kèm theo rồi sửa yêu cầu hoặc thử lại.";
    Internal = "1901", 500, "internal", "The gateway made a mistake", "Lỗi nội bộ của trục. Gửi trace_id cho quản trị trục.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_and_slugs_are_unique_and_every_page_names_its_code_and_what_to_do() {
        let mut seen = HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.code()) && seen.insert(code.slug()), "{code:?}");
            let page = code.page();
            assert!(page.starts_with(&format!("# {} {}", code.code(), code.title())), "{code:?}");
            assert!(page.contains("What to do"), "{code:?}");
            assert!((400..600).contains(&code.status()));
        }
    }

    #[test]
    fn the_expired_session_is_recognised_by_clients_that_look_for_the_word() {
        assert!(ErrorCode::SessionExpired.advice_vi().contains("session"));
    }
}
