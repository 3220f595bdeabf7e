//! A question to the population database, read from SOAP with the order of its elements enforced, or from the proxy's
//! JSON.
//!
//! Namespaces are enforced: every element of a question stands in `http://dancuquocgia.bca`.

use roxmltree::{Document, Node, ParsingOptions};
use serde::{Deserialize, Serialize};

use super::people::{Birth, Citizen};
use super::soap::{ENVELOPE, ENVELOPE_12, Fault, REQUEST};
use crate::forms;

/// Nodes of one question; a real one has about thirty.
const MAX_NODES: u32 = 1000;
/// People in one page of an answer unless asked otherwise.
const PAGE: usize = 50;

/// What a question wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LookupKind {
    /// `TraCuuThongTinCongDan`: what the database has.
    Search,
    /// `XacThucThongTinCongDan`: yes or no.
    Check,
}

impl LookupKind {
    fn named(name: &str) -> Option<Self> {
        match name {
            "TraCuuThongTinCongDan" => Some(Self::Search),
            "XacThucThongTinCongDan" | "XacThucThongTinCongDanRequest" => Some(Self::Check),
            _ => None,
        }
    }
}

/// A question whose forms are right.
pub(super) struct Request {
    pub(super) kind: LookupKind,
    pub(super) id: String,
    pub(super) service: String,
    pub(super) integration: String,
    pub(super) officer: String,
    pub(super) number: Option<String>,
    pub(super) name: String,
    birth: Birth,
    /// Pages before the wanted one, and rows in a page.
    page: (usize, usize),
}

/// The elements in their order: the names of each place, and whether it may be left out.
const ORDER: [(&[&str], bool); 8] = [
    (&["MaYeuCau"], false),
    (&["MaDVC"], false),
    (&["MaTichHop"], false),
    (&["MaCanBo"], false),
    (&["SoDinhDanh", "SoCMND"], true),
    (&["HoVaTen"], false),
    (&["NgayThangNamSinh"], false),
    (&["Paging"], true),
];

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Raw {
    ma_yeu_cau: String,
    #[serde(rename = "MaDVC")]
    ma_dvc: String,
    ma_tich_hop: String,
    ma_can_bo: String,
    so_dinh_danh: Option<String>,
    #[serde(rename = "SoCMND")]
    so_cmnd: Option<String>,
    ho_va_ten: String,
    ngay_thang_nam_sinh: RawBirth,
    paging: Option<RawPage>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawBirth {
    ngay_thang_nam: Option<String>,
    nam: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawPage {
    page_index: usize,
    page_size: Option<usize>,
}

impl Request {
    pub(super) fn from_soap(body: &[u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(body).map_err(|_| Fault::Malformed)?;
        let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
        let text = text.trim_start_matches('\u{feff}');
        let document = Document::parse_with_options(text, options).map_err(|_| Fault::Malformed)?;
        let envelope = document.root_element();
        match envelope.tag_name().namespace() {
            Some(ENVELOPE) if envelope.tag_name().name() == "Envelope" => {}
            Some(ENVELOPE_12) => return Err(Fault::Version),
            _ => return Err(Fault::Malformed),
        }
        let body = elements(envelope).find(|node| node.has_tag_name((ENVELOPE, "Body"))).ok_or(Fault::Malformed)?;
        let root = elements(body).next().ok_or(Fault::Malformed)?;
        let kind = (root.tag_name().namespace() == Some(REQUEST)).then(|| LookupKind::named(root.tag_name().name()));
        let kind = kind.flatten().ok_or_else(|| Fault::Operation(root.tag_name().name().to_owned()))?;
        raw(root)?.checked(kind)
    }

    pub(super) fn from_json(operation: &str, body: &[u8]) -> Result<Self, Fault> {
        let kind = LookupKind::named(operation).ok_or_else(|| Fault::Operation(operation.to_owned()))?;
        serde_json::from_slice::<Raw>(body).map_err(|_| Fault::Malformed)?.checked(kind)
    }

    /// Whether a person answers to it: the name with or without its spaces, the day or at least its year.
    pub(super) fn is_about(&self, citizen: &Citizen) -> bool {
        let squeezed = |name: &str| name.replace(' ', "");
        let number = self
            .number
            .as_ref()
            .is_none_or(|number| *number == citizen.number || citizen.old_number.as_ref() == Some(number));
        let birth = match (&self.birth, &citizen.birth) {
            (Birth::Day(asked), Birth::Day(known)) | (Birth::Year(asked), Birth::Year(known)) => asked == known,
            (Birth::Year(asked), Birth::Day(known)) => known.starts_with(asked.as_str()),
            (Birth::Day(_), Birth::Year(_)) => false,
        };
        number && birth && squeezed(&self.name) == squeezed(&citizen.search_name)
    }

    pub(super) fn page_of<'a>(&self, found: &[&'a Citizen]) -> Vec<&'a Citizen> {
        let (before, size) = self.page;
        found.iter().skip(before.saturating_mul(size)).take(size).copied().collect()
    }
}

impl Raw {
    fn checked(self, kind: LookupKind) -> Result<Request, Fault> {
        let filled = [
            ("MaYeuCau", &self.ma_yeu_cau),
            ("MaDVC", &self.ma_dvc),
            ("MaTichHop", &self.ma_tich_hop),
            ("MaCanBo", &self.ma_can_bo),
        ];
        if let Some((name, _)) = filled.iter().find(|(_, value)| value.is_empty()) {
            return Err(Fault::Value(name));
        }
        let right_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b' ');
        if self.ho_va_ten.trim().is_empty() || !right_name(&self.ho_va_ten) {
            return Err(Fault::Name);
        }
        let birth = match (self.ngay_thang_nam_sinh.ngay_thang_nam, self.ngay_thang_nam_sinh.nam) {
            (Some(day), None) if forms::is_date(&day, "yyyyMMdd") => Birth::Day(day),
            (None, Some(year)) if forms::is_date(&year, "yyyy") => Birth::Year(year),
            _ => return Err(Fault::Value("NgayThangNamSinh")),
        };
        let digits = |number: &str, count: usize| number.len() == count && number.bytes().all(|b| b.is_ascii_digit());
        let number = match (self.so_dinh_danh, self.so_cmnd) {
            (Some(number), None) if digits(&number, 12) => Some(number),
            (None, Some(number)) if digits(&number, 9) => Some(number),
            (None, None) => None,
            (Some(_), _) => return Err(Fault::Value("SoDinhDanh")),
            (None, Some(_)) => return Err(Fault::Value("SoCMND")),
        };
        let page =
            self.paging.map_or((0, PAGE), |page| (page.page_index, page.page_size.unwrap_or(PAGE).clamp(1, PAGE)));
        Ok(Request {
            kind,
            id: self.ma_yeu_cau,
            service: self.ma_dvc,
            integration: self.ma_tich_hop,
            officer: self.ma_can_bo,
            number,
            name: self.ho_va_ten,
            birth,
            page,
        })
    }
}

fn elements<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(Node::is_element)
}

/// Reads the elements in their order; one that is not expected where it stands is a fault, as is one that is missing.
fn raw(root: Node<'_, '_>) -> Result<Raw, Fault> {
    let mut raw = Raw::default();
    let mut place = 0;
    for node in elements(root) {
        let name = node.tag_name().name();
        let from = place;
        loop {
            let Some((names, optional)) = ORDER.get(place) else {
                return Err(unexpected(name, from));
            };
            if names.contains(&name) && node.tag_name().namespace() == Some(REQUEST) {
                break;
            }
            if !optional {
                return Err(unexpected(name, from));
            }
            place += 1;
        }
        place += 1;
        let text = node.text().unwrap_or_default().trim().to_owned();
        match name {
            "MaYeuCau" => raw.ma_yeu_cau = text,
            "MaDVC" => raw.ma_dvc = text,
            "MaTichHop" => raw.ma_tich_hop = text,
            "MaCanBo" => raw.ma_can_bo = text,
            "SoDinhDanh" => raw.so_dinh_danh = Some(text),
            "SoCMND" => raw.so_cmnd = Some(text),
            "HoVaTen" => raw.ho_va_ten = text,
            "NgayThangNamSinh" => {
                let value = |name: &str| child(node, name);
                raw.ngay_thang_nam_sinh = RawBirth { ngay_thang_nam: value("NgayThangNam"), nam: value("Nam") };
            }
            _ => {
                let number = |name: &str| child(node, name).and_then(|text| text.parse().ok());
                raw.paging =
                    Some(RawPage { page_index: number("PageIndex").unwrap_or(0), page_size: number("PageSize") });
            }
        }
    }
    match ORDER[place.min(ORDER.len())..].iter().find(|(_, optional)| !optional) {
        Some(_) => Err(Fault::Incomplete { expected: expected(place) }),
        None => Ok(raw),
    }
}

fn child(node: Node<'_, '_>, name: &str) -> Option<String> {
    let found = elements(node).find(|child| child.has_tag_name((REQUEST, name)))?;
    Some(found.text().unwrap_or_default().trim().to_owned())
}

fn unexpected(name: &str, place: usize) -> Fault {
    Fault::Order { found: name.to_owned(), expected: expected(place) }
}

/// The names that may stand at a place, the optional ones and what follows them.
fn expected(place: usize) -> Vec<&'static str> {
    let rest = &ORDER[place.min(ORDER.len())..];
    let until = rest.iter().position(|(_, optional)| !optional).map_or(rest.len(), |last| last + 1);
    rest[..until].iter().flat_map(|(names, _)| names.iter().copied()).collect()
}
