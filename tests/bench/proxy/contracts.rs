//! What passes through the proxies: the contracts of the gateway, the messages, and the style sheet of the rival. All
//! people and numbers are made up.

use std::fmt::Write as _;

/// Sizes of SOAP answers: how they are named, and bytes.
pub(super) const SIZES: [(&str, usize); 3] = [("1KB", 1_000), ("10KB", 10_000), ("100KB", 100_000)];

/// Fields of the record that is checked and mapped, named as the field names them.
const FIELDS: [&str; 40] = [
    "MaHoSo",
    "MaTTHC",
    "GiaHan",
    "ChuHoSo",
    "MaLinhVuc",
    "TenLinhVuc",
    "KenhThucHien",
    "NgayTiepNhan",
    "LoaiDoiTuong",
    "TenTTHC",
    "ThongTinKhac",
    "NgayHenTra",
    "SoDienThoai",
    "TrichYeuHoSo",
    "TrangThaiHoSo",
    "NgayTra",
    "MaDoiTuong",
    "ThongTinTra",
    "HinhThuc",
    "NgayKetThucXuLy",
    "SoBienNhan",
    "DonViXuLy",
    "TongLePhi",
    "NgayTuChoi",
    "SoDinhDanh",
    "GhiChu",
    "LoaiDinhDanh",
    "NgayNopHoSo",
    "MaNoiNop",
    "NoiNopHoSo",
    "SoTrang",
    "NgayYeuCau",
    "MaCoQuan",
    "TenCoQuan",
    "SoBanSao",
    "NgayCapPhep",
    "MaDiaChi",
    "DiaChi",
    "SoThanhPhan",
    "NgayKyDuyet",
];

pub(super) const MEMBER_ID: &str = "caller";
pub(super) const API_KEY: &str = "bench.bench-key-0123456789abcdef";

/// The member who calls, and limits that do not get in the way.
pub(super) const MEMBER: &str = r#"
[limits]
connections = 20000
connections_per_address = 20000
[[member]]
id = "caller"
name = "caller"
agencies = ["*"]
scopes = ["service:plain", "service:bearer", "service:mapped", "service:soap"]
secret = "bench-secret-0123456789"
api_keys = [{ id = "bench", sha256 = "95ab1ab43a1c769ff93ba02eec3f4f81c077398c1691a00ae8628abd43901779" }]
"#;

/// The question that SOAP answers are given to.
pub(super) const QUESTION: &str = r#"{"SoDinhDanh":"000000000001","MucDich":"Xác minh"}"#;

/// Files below the folder of contracts.
pub(super) fn folders(upstream: u16) -> Vec<(String, String)> {
    let mut files = vec![plain("plain", "api-key", upstream, 1000), plain("bearer", "bearer", upstream, 1000)];
    files.push(("mapped/contract.toml".to_owned(), mapped(upstream)));
    files.push(("mapped/request.json".to_owned(), schema()));
    files.push(("mapped/request.map".to_owned(), map()));
    files.push(("soap/contract.toml".to_owned(), soap(upstream)));
    files.push(("soap/response.map".to_owned(), ANSWER_MAP.to_owned()));
    files
}

/// A service that passes everything on.
pub(super) fn plain(id: &str, authentication: &str, upstream: u16, concurrency: u32) -> (String, String) {
    let text = format!(
        "{}format = \"any\"\n{}[[operation]]\nname = \"all\"\nmethod = \"*\"\npath = \"/{{*rest}}\"\n",
        head(id, authentication),
        tail(upstream, "", concurrency)
    );
    (format!("{id}/contract.toml"), text)
}

fn head(id: &str, authentication: &str) -> String {
    format!(
        "id = \"{id}\"\nversion = \"1\"\nvalid_from = 2025-01-01\ntitle = {{ vi = \"{id}\", en = \"{id}\" }}\n\
         description = {{ vi = \"{id}\", en = \"{id}\" }}\nowner = \"bench\"\nmode = \"proxy\"\n\
         [expose]\npath = \"/{id}\"\nauthentication = [\"{authentication}\"]\n"
    )
}

fn tail(upstream: u16, format: &str, concurrency: u32) -> String {
    format!(
        "[expose.limits]\nconcurrency = {concurrency}\n[upstream]\nservers = [\"http://127.0.0.1:{upstream}\"]\n{format}\n"
    )
}

fn mapped(upstream: u16) -> String {
    format!(
        "{}format = \"json\"\n{}[[operation]]\nname = \"echo\"\npath = \"/echo\"\n\
         request = \"request.json\"\nmap_request = \"request.map\"\n",
        head("mapped", "bearer"),
        tail(upstream, "format = \"json\"", 1000)
    )
}

fn soap(upstream: u16) -> String {
    let mut text = head("soap", "api-key") + &tail(upstream, "format = \"soap11\"", 1000);
    text.push_str("[names]\n\"\" = \"urn:bench:dan-cu\"\n");
    for (size, _) in SIZES {
        let _ = write!(
            text,
            "[[operation]]\nname = \"lookup{size}\"\npath = \"/{size}\"\nupstream_path = \"/{size}\"\n\
             element = \"TraCuu\"\nlists = [\"CongDan\"]\nmap_response = \"response.map\"\n"
        );
    }
    text
}

/// A record of 1.2 KB with forty fields.
pub(super) fn record() -> String {
    let mut text = String::from("{");
    for (n, name) in FIELDS.iter().enumerate() {
        let value = match n % 4 {
            0 => format!("\"0{:011}\"", n * 7_919),
            1 => format!("\"Nguyễn Văn {n}\""),
            2 => format!("{}", n * 1_000),
            _ => "\"20240314170000\"".to_owned(),
        };
        let _ = write!(text, "{}\"{name}\":{value}", if n == 0 { "" } else { "," });
    }
    text.push('}');
    text
}

fn schema() -> String {
    let (mut properties, mut required) = (Vec::new(), Vec::new());
    for (n, name) in FIELDS.iter().enumerate() {
        let rule = match n % 4 {
            0 => r#"{"type":"string","pattern":"^[0-9]{12}$"}"#,
            1 => r#"{"type":"string","minLength":1,"maxLength":100}"#,
            2 => r#"{"type":"integer","minimum":0}"#,
            _ => r#"{"type":"string","minLength":14,"maxLength":14}"#,
        };
        properties.push(format!("\"{name}\":{rule}"));
        required.push(format!("\"{name}\""));
    }
    format!(
        r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,"properties":{{{}}},"required":[{}]}}"#,
        properties.join(","),
        required.join(",")
    )
}

/// Each field gets another name; some are changed.
fn map() -> String {
    let mut text = String::new();
    for (n, name) in FIELDS.iter().enumerate() {
        let source = match n {
            1 | 21 => format!("upper(/{name})"),
            3 | 23 => format!("date(/{name}, \"yyyyMMddHHmmss\", \"yyyy-MM-dd\")"),
            2 | 22 => format!("text(/{name})"),
            _ => format!("/{name}"),
        };
        let _ = writeln!(text, "field{n:02} <- {source}");
    }
    text
}

/// A SOAP answer with as many people as fit.
pub(super) fn envelope(bytes: usize) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope \
         xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
         <TraCuuResponse xmlns=\"urn:bench:dan-cu\">",
    );
    let mut n = 0;
    while text.len() + 300 < bytes {
        n += 1;
        let _ = write!(
            text,
            "<CongDan><SoDinhDanh>{n:012}</SoDinhDanh><HoTen>Trần Thị {n} &amp; con</HoTen><NgaySinh>19900517</NgaySinh>\
             <GioiTinh>2</GioiTinh><QuocTich>VN</QuocTich><DiaChi>Thôn \"{n}\", xã Thanh Nưa</DiaChi>\
             <DienThoai>0900000000</DienThoai><TinhTrang>1</TinhTrang></CongDan>"
        );
    }
    text.push_str("</TraCuuResponse></soap:Body></soap:Envelope>");
    text
}

const ANSWER_MAP: &str = r#"CongDan[] <- each /CongDan {
    SoDinhDanh <- ./SoDinhDanh
    HoTen      <- ./HoTen
    NgaySinh   <- ./NgaySinh
    GioiTinh   <- ./GioiTinh
    QuocTich   <- ./QuocTich
    DiaChi     <- ./DiaChi
    DienThoai  <- ./DienThoai
    TinhTrang  <- ./TinhTrang
}
"#;

/// The same in XSLT 1.0, quotes and backslashes escaped as JSON asks.
pub(super) const STYLE_SHEET: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:b="urn:bench:dan-cu">
<xsl:output method="text" encoding="UTF-8" media-type="application/json"/>
<xsl:template match="/">
<xsl:text>{"CongDan":[</xsl:text>
<xsl:for-each select="s:Envelope/s:Body/b:TraCuuResponse/b:CongDan">
<xsl:if test="position() &gt; 1">,</xsl:if>
<xsl:text>{</xsl:text>
<xsl:for-each select="*">
<xsl:if test="position() &gt; 1">,</xsl:if>
<xsl:text>"</xsl:text><xsl:value-of select="local-name()"/><xsl:text>":"</xsl:text>
<xsl:choose>
<xsl:when test="contains(., '&quot;') or contains(., '\')">
<xsl:call-template name="escaped"><xsl:with-param name="text" select="."/></xsl:call-template>
</xsl:when>
<xsl:otherwise><xsl:value-of select="."/></xsl:otherwise>
</xsl:choose>
<xsl:text>"</xsl:text>
</xsl:for-each>
<xsl:text>}</xsl:text>
</xsl:for-each>
<xsl:text>]}</xsl:text>
</xsl:template>
<xsl:template name="escaped">
<xsl:param name="text"/>
<xsl:variable name="marked" select="translate($text, '\', '&quot;')"/>
<xsl:choose>
<xsl:when test="contains($marked, '&quot;')">
<xsl:variable name="before" select="substring-before($marked, '&quot;')"/>
<xsl:value-of select="$before"/>
<xsl:text>\</xsl:text><xsl:value-of select="substring($text, string-length($before) + 1, 1)"/>
<xsl:call-template name="escaped">
<xsl:with-param name="text" select="substring($text, string-length($before) + 2)"/>
</xsl:call-template>
</xsl:when>
<xsl:otherwise><xsl:value-of select="$text"/></xsl:otherwise>
</xsl:choose>
</xsl:template>
</xsl:stylesheet>
"#;
