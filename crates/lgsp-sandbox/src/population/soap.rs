//! The population database's SOAP 1.1 by hand: envelopes, people, faults. An independent witness of what the gateway
//! reads and writes.
//!
//! SOAP 1.2 is answered with a version fault.

use hyper::StatusCode;

use super::PopulationSettings;
use super::people::{Address, Birth, Citizen, PersonName};
use crate::answer::Answer;
use crate::call::Call;

pub(super) const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(super) const ENVELOPE_12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// The namespace of questions.
pub(super) const REQUEST: &str = "http://dancuquocgia.bca";
/// The namespace of answers.
const ANSWER: &str = "http://www.mic.gov.vn/dancu/1.0";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XML: &str = "text/xml; charset=utf-8";

/// Why a question was not answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not well-formed, or no envelope.
    Malformed,
    /// SOAP 1.2.
    Version,
    /// A media type that is not XML.
    MediaType,
    /// An operation that is not offered.
    Operation(String),
    /// The officer is not known or not the one who asks.
    Officer,
    /// A `MaTichHop` that is not for this operation.
    Integration(String),
    /// An element out of its place.
    Order { found: String, expected: Vec<&'static str> },
    /// The question ends early.
    Incomplete { expected: Vec<&'static str> },
    /// A name that is not upper case and unaccented.
    Name,
    /// A value of the wrong form.
    Value(&'static str),
}

impl Fault {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "DC-01",
            Self::Version => "DC-02",
            Self::MediaType => "DC-03",
            Self::Operation(_) => "DC-04",
            Self::Officer => "DC-10",
            Self::Integration(_) => "DC-11",
            Self::Order { .. } | Self::Incomplete { .. } => "DC-20",
            Self::Name => "DC-21",
            Self::Value(_) => "DC-22",
        }
    }

    fn text(&self) -> String {
        let one_of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| format!("\"{REQUEST}\":{name}")).collect();
            format!("'{{{}}}'", names.join(", "))
        };
        match self {
            Self::Malformed => "Unmarshalling Error: the message is not a SOAP envelope".to_owned(),
            Self::Version => "SOAP 1.1 is expected".to_owned(),
            Self::MediaType => "Content-Type must be text/xml or application/xml".to_owned(),
            Self::Operation(name) => format!("Message part {name} was not recognized"),
            Self::Officer => "Cán bộ không tồn tại hoặc thông tin xác thực không đúng".to_owned(),
            Self::Integration(code) => format!("Mã tích hợp {code} không hợp lệ"),
            Self::Order { found, expected } if expected.is_empty() => format!(
                "cvc-complex-type.2.4.d: Invalid content was found starting with element '{found}'. No child element \
                 is expected at this point."
            ),
            Self::Order { found, expected } => format!(
                "cvc-complex-type.2.4.a: Invalid content was found starting with element '{found}'. One of {} is \
                 expected.",
                one_of(expected)
            ),
            Self::Incomplete { expected } => {
                format!("cvc-complex-type.2.4.b: The content is not complete. One of {} is expected.", one_of(expected))
            }
            Self::Name => "HoVaTen phải viết hoa, không dấu".to_owned(),
            Self::Value(name) => format!("{name} không đúng định dạng"),
        }
    }

    pub(super) fn envelope(&self) -> String {
        let side = if *self == Self::Version { "VersionMismatch" } else { "Client" };
        let mut xml = Xml::envelope();
        xml.out.push_str(&format!("<soap:Fault><faultcode>soap:{side}</faultcode><faultstring xml:lang=\"vi\">"));
        xml.text(&self.text());
        xml.out.push_str("</faultstring><detail>");
        xml.out.push_str(&format!("<err:Loi xmlns:err=\"{REQUEST}\"><err:MaLoi>{}</err:MaLoi></err:Loi>", self.code()));
        xml.out.push_str("</detail></soap:Fault>");
        xml.sealed()
    }
}

/// Whether the call's media type is one that clients send.
pub(super) fn accepts(call: &Call) -> Result<(), Fault> {
    match call.media_type().as_str() {
        "text/xml" | "application/xml" => Ok(()),
        "application/soap+xml" => Err(Fault::Version),
        _ => Err(Fault::MediaType),
    }
}

pub(super) fn answer(envelope: String) -> Answer {
    Answer::of(StatusCode::OK, XML, envelope)
}

/// SOAP 1.1 has its faults under 500, whoever is to blame.
pub(super) fn fault(fault: &Fault) -> Answer {
    Answer::of(StatusCode::INTERNAL_SERVER_ERROR, XML, fault.envelope())
}

pub(super) fn exists(found: bool, settings: &PopulationSettings) -> String {
    let mut xml = Xml::styled(settings);
    xml.open_root("KetQuaXacThucResponse");
    let word = match (settings.digits, found) {
        (true, true) => "1",
        (true, false) => "0",
        (false, true) => "true",
        (false, false) => "false",
    };
    xml.leaf("TonTai", word);
    xml.close("KetQuaXacThucResponse");
    xml.sealed()
}

pub(super) fn people(found: &[&Citizen], settings: &PopulationSettings) -> String {
    let mut xml = Xml::styled(settings);
    xml.open_root("CongdanCollection");
    for citizen in found {
        xml.citizen(citizen);
    }
    xml.close("CongdanCollection");
    xml.sealed()
}

/// A text of XML in the making.
struct Xml {
    out: String,
    prefix: &'static str,
    cdata: bool,
    nil: bool,
}

impl Xml {
    fn styled(settings: &PopulationSettings) -> Self {
        let prefix = if settings.prefixed { "ns2:" } else { "" };
        Self { prefix, cdata: settings.cdata, nil: settings.nil, ..Self::envelope() }
    }

    fn envelope() -> Self {
        let out =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap:Envelope xmlns:soap=\"{ENVELOPE}\"><soap:Body>");
        Self { out, prefix: "", cdata: false, nil: false }
    }

    fn sealed(mut self) -> String {
        self.out.push_str("</soap:Body></soap:Envelope>\n");
        self.out
    }

    fn open_root(&mut self, name: &str) {
        let declared = if self.prefix.is_empty() { "xmlns" } else { "xmlns:ns2" };
        self.out.push_str(&format!("<{}{name} {declared}=\"{ANSWER}\"", self.prefix));
        if self.nil {
            self.out.push_str(&format!(" xmlns:xsi=\"{INSTANCE}\""));
        }
        self.out.push('>');
    }

    fn open(&mut self, name: &str) {
        self.out.push_str(&format!("<{}{name}>", self.prefix));
    }

    fn close(&mut self, name: &str) {
        self.out.push_str(&format!("</{}{name}>", self.prefix));
    }

    fn text(&mut self, text: &str) {
        for char in text.chars() {
            match char {
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '&' => self.out.push_str("&amp;"),
                '"' => self.out.push_str("&quot;"),
                other => self.out.push(other),
            }
        }
    }

    /// An empty text makes an empty element, in its short form.
    fn leaf(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            let nil = if self.nil { " xsi:nil=\"true\"" } else { "" };
            self.out.push_str(&format!("<{}{name}{nil}/>", self.prefix));
            return;
        }
        self.open(name);
        if self.cdata {
            self.out.push_str(&format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>")));
        } else {
            self.text(text);
        }
        self.close(name);
    }

    fn citizen(&mut self, citizen: &Citizen) {
        self.open("CongDan");
        self.leaf("SoDinhDanh", &citizen.number);
        if let Some(number) = &citizen.old_number {
            self.leaf("SoCMND", number);
        }
        self.name(&citizen.name);
        self.open("NgayThangNamSinh");
        match &citizen.birth {
            Birth::Day(day) => self.leaf("NgayThangNam", day),
            Birth::Year(year) => self.leaf("Nam", year),
        }
        self.close("NgayThangNamSinh");
        self.leaf("GioiTinh", &citizen.gender);
        self.leaf("DanToc", "01");
        self.leaf("TonGiao", "00");
        self.leaf("TinhTrangHonNhan", "1");
        self.leaf("NhomMau", "00");
        self.address("ThuongTru", &citizen.residence);
        if let Some(living) = &citizen.living {
            self.address("NoiOHienTai", living);
        }
        self.leaf("QuocTich", "VN");
        if let Some((name, number)) = &citizen.father {
            self.open("Cha");
            self.name(name);
            self.leaf("QuocTich", "VN");
            self.leaf("SoDinhDanh", number.as_deref().unwrap_or_default());
            self.leaf("SoCMND", "");
            self.close("Cha");
        }
        if let Some(household) = &citizen.household {
            self.leaf("SoSoHoKhau", household);
        }
        self.close("CongDan");
    }

    fn name(&mut self, name: &PersonName) {
        self.open("HoVaTen");
        self.leaf("Ho", &name.family);
        self.leaf("ChuDem", &name.middle);
        self.leaf("Ten", &name.given);
        self.close("HoVaTen");
    }

    fn address(&mut self, name: &str, address: &Address) {
        self.open(name);
        self.leaf("MaTinhThanh", &address.province);
        if let Some(district) = &address.district {
            self.leaf("MaQuanHuyen", district);
        }
        self.leaf("MaPhuongXa", &address.commune);
        self.leaf("ChiTiet", &address.detail);
        self.leaf("QuocGia", "VN");
        self.close(name);
    }
}
