//! The services of the data call: what each does to the portal's state and what it says.
//!
//! Transport faults and answer forms are applied around it.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::records::{StepFields, StoredDossier};
use super::reply::Reply;
use super::rules::{Refusal, read_dossier, read_progress};
use super::{BatchMode, State, catalogue};
use crate::faults::{Call, Struck};

/// The flat body of every call.
#[derive(Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub(crate) session: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) service: Cow<'a, str>,
    #[serde(borrow, default, rename = "isUpdating")]
    is_updating: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "mahoso")]
    dossier: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "maTTHC")]
    procedure: Option<Cow<'a, str>>,
}

/// The credentials of a login.
#[derive(Deserialize)]
pub(crate) struct Login<'a> {
    #[serde(borrow, default)]
    pub(crate) username: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) password: Cow<'a, str>,
}

/// Names that are counted under their own name; the rest of what callers may write is `other`.
const SERVICES: [&str; 4] = ["DongBoHoSoMC", "CapNhatTienDoHoSoMC", "DongBoTrangThaiHoSo", "TraCuuHoSo"];

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default, rename = "MaHoSo")]
    code: Option<Cow<'a, str>>,
}

impl Envelope<'_> {
    /// The codes of the records, as far as they can be read, for faults that look at them.
    pub(crate) fn codes(&self) -> Vec<Cow<'_, str>> {
        let records = self.data.and_then(|data| serde_json::from_str::<Vec<&RawValue>>(data.get()).ok());
        let code = |record: &&RawValue| {
            serde_json::from_str::<Named<'_>>(record.get()).ok().and_then(|named| named.code).map(Cow::into_owned)
        };
        records.unwrap_or_default().iter().map(|record| code(record).unwrap_or_default().into()).collect()
    }
}

/// The portal refused a record that was to be preloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStored {
    /// The portal's words.
    pub reason: String,
}

impl std::fmt::Display for NotStored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for NotStored {}

impl From<(Refusal, String)> for NotStored {
    fn from((refusal, code): (Refusal, String)) -> Self {
        Self { reason: refusal.text(&code) }
    }
}

impl State {
    pub(crate) fn preload_record(&mut self, record: &str) -> Result<(), NotStored> {
        let known = serde_json::from_str::<Named<'_>>(record).ok().and_then(|named| named.code);
        let updating = known.is_some_and(|code| self.records.contains(&code));
        self.preload(record, updating, Push::Dossiers)
    }

    pub(crate) fn preload_step(&mut self, step: &str) -> Result<(), NotStored> {
        self.preload(step, true, Push::Progress)
    }

    fn preload(&mut self, text: &str, updating: bool, push: Push) -> Result<(), NotStored> {
        let unreadable = |_| NotStored::from((Refusal::NotReadable, String::new()));
        let record: &RawValue = serde_json::from_str(text).map_err(unreadable)?;
        Ok(self.take(record, updating, push, |_| Ok(()))?)
    }

    pub(crate) fn strike(&mut self, service: &str, codes: &[Cow<'_, str>]) -> Struck {
        let codes: Vec<&str> = codes.iter().map(AsRef::as_ref).collect();
        self.faults.strike(&Call { service, codes: &codes })
    }

    pub(crate) fn faults_stand(&self) -> bool {
        !self.faults.rules().is_empty()
    }

    pub(crate) fn login(&mut self, login: &Login<'_>, struck: &Struck) -> Reply {
        self.count("login");
        let right = login.username == self.settings.username && login.password == self.settings.password;
        if !right || struck.wrong_credentials {
            return Reply::refused("-1", "Tên đăng nhập hoặc mật khẩu không đúng");
        }
        self.counters.logins += 1;
        let lifetime = Duration::from_millis(self.settings.session_lifetime_ms);
        Reply::Session { session: self.sessions.open(lifetime, self.settings.session_calls, Instant::now()) }
    }

    pub(crate) fn call(&mut self, envelope: &Envelope<'_>, struck: &Struck) -> Reply {
        let service = envelope.service.as_ref();
        self.count(service);
        if struck.sessions_expire {
            self.sessions.clear();
        }
        if !self.sessions.spend(&envelope.session, Instant::now()) {
            self.counters.sessions_refused += 1;
            return Reply::refused("-1", "Session không hợp lệ hoặc đã hết hạn");
        }
        if struck.failure_under_zero {
            return Reply::refused("0", "Có lỗi xảy ra trong quá trình xử lý, vui lòng thử lại sau");
        }
        match service {
            "DongBoHoSoMC" => self.push(envelope, struck, Push::Dossiers),
            "CapNhatTienDoHoSoMC" => self.push(envelope, struck, Push::Progress),
            "DongBoTrangThaiHoSo" => self.notice(envelope),
            "TraCuuHoSo" => self.look_up(envelope),
            _ => self.pull(service, envelope, struck),
        }
    }

    pub(crate) fn count(&mut self, service: &str) {
        let known = service == "login" || SERVICES.contains(&service) || service.starts_with("LayDanhMuc");
        let known = known || matches!(service, "LayDanhSachTTHC" | "LayThuTuc" | "LayDVC");
        // Names under LayDanhMuc are the caller's to choose: count those that exist.
        let exists = !service.starts_with("LayDanhMuc")
            || matches!(service, "LayDanhMucLinhVuc" | "LayDanhMucCoQuan")
            || catalogue::dictionary(service).is_some();
        let name = if known && exists { service } else { "other" };
        *self.counters.calls.entry(name.to_owned()).or_default() += 1;
    }

    pub(crate) fn count_transport_fault(&mut self) {
        self.counters.transport_faults += 1;
    }

    fn push(&mut self, envelope: &Envelope<'_>, struck: &Struck, push: Push) -> Reply {
        let data = envelope.data.map(RawValue::get).unwrap_or_default();
        let Ok(records) = serde_json::from_str::<Vec<&RawValue>>(data) else {
            return self.refuse(&Refusal::NotReadable, "");
        };
        if records.is_empty() || records.len() > self.settings.max_batch {
            self.counters.refused += 1;
            return Reply::refused("-1", "Số lượng bản ghi không hợp lệ");
        }
        if !self.records.has_room_for(records.len()) {
            self.counters.refused += 1;
            return Reply::refused("-99", "Hệ thống đã đầy dung lượng lưu trữ");
        }
        let updating = match (push, envelope.is_updating.as_deref()) {
            (Push::Progress, _) | (Push::Dossiers, Some("True")) => true,
            (Push::Dossiers, Some("False")) => false,
            (Push::Dossiers, _) => return self.refuse(&Refusal::Missing("isUpdating"), ""),
        };
        let taken = match self.settings.batch_mode {
            BatchMode::AllOrNothing => self.check_all(&records, updating, struck, push).err(),
            BatchMode::StoresUpToRefusal => None,
        };
        let taken = taken.map_or_else(|| self.take_all(&records, updating, struck, push), Err);
        match (taken, push) {
            (Err((refusal, code)), _) => self.refuse(&refusal, &code),
            (Ok(()), Push::Dossiers) => Reply::done("Đồng bộ hồ sơ thành công", json!([])),
            (Ok(()), Push::Progress) => Reply::done("Cập nhật tiến độ hồ sơ thành công", json!([])),
        }
    }

    /// All or nothing: every record is checked, also against those before it in the batch, before one is stored.
    fn check_all(&self, records: &[&RawValue], updating: bool, struck: &Struck, push: Push) -> Taken {
        let mut fresh: Vec<Cow<'_, str>> = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let (code, checked) = check(record, push);
            let known = self.records.contains(&code) || fresh.contains(&code);
            checked
                .and_then(|()| strike_record(struck, place, &code))
                .and_then(|()| exists_as_said(known, updating))
                .map_err(|refusal| (refusal, code.clone().into_owned()))?;
            if !updating {
                fresh.push(code);
            }
        }
        Ok(())
    }

    fn take_all(&mut self, records: &[&RawValue], updating: bool, struck: &Struck, push: Push) -> Taken {
        for (place, record) in records.iter().enumerate() {
            self.take(record, updating, push, |code| strike_record(struck, place, code))?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        record: &RawValue,
        updating: bool,
        push: Push,
        strike: impl Fn(&str) -> Result<(), Refusal>,
    ) -> Taken {
        let (code, checked) = check(record, push);
        let known = self.records.contains(&code);
        checked
            .and_then(|()| strike(&code))
            .and_then(|()| exists_as_said(known, updating))
            .map_err(|refusal| (refusal, code.into_owned()))?;
        match push {
            Push::Dossiers => {
                let fields = read_dossier(record).expect("checked above");
                self.records.put_dossier(&fields.ma_ho_so, &fields.trang_thai_ho_so, record.get(), !updating);
                let counter = if updating { &mut self.counters.updates } else { &mut self.counters.creates };
                *counter += 1;
            }
            Push::Progress => {
                let fields = read_progress(record).expect("checked above");
                let (code, time, status) = (&fields.ma_ho_so, &fields.thoi_diem_xu_ly, &fields.trang_thai);
                let step = StepFields { code, time, status, content: &fields.noi_dung_xu_ly };
                self.records.put_step(&step, record.get());
                self.counters.steps += 1;
            }
        }
        Ok(())
    }

    fn refuse(&mut self, refusal: &Refusal, code: &str) -> Reply {
        self.counters.refused += 1;
        Reply::refused(refusal.code(), refusal.text(if self.settings.names_the_record { code } else { "" }))
    }

    fn notice(&mut self, envelope: &Envelope<'_>) -> Reply {
        let data = envelope.data.map(RawValue::get).unwrap_or_default();
        let code = serde_json::from_str::<Named<'_>>(data).ok().and_then(|named| named.code);
        match code {
            Some(code) if !code.is_empty() && self.records.has_room_for(1) => {
                self.records.put_notice(&code, data);
                self.counters.notices += 1;
                Reply::done("Đồng bộ trạng thái hồ sơ thành công", json!([]))
            }
            _ => self.refuse(&Refusal::Missing("MaHoSo"), ""),
        }
    }

    fn look_up(&self, envelope: &Envelope<'_>) -> Reply {
        let Some(code) = envelope.dossier.as_deref().filter(|code| !code.is_empty()) else {
            return Reply::refused("-1", "Thiếu tham số mahoso");
        };
        let found = self.records.get(code).map(|dossier| lookup_row(dossier, self.settings.lookup_with_steps));
        Reply::done("Tra cứu hồ sơ thành công", Value::Array(found.into_iter().collect()))
    }

    fn pull(&self, service: &str, envelope: &Envelope<'_>, struck: &Struck) -> Reply {
        let rows = match service {
            "LayDanhSachTTHC" => Some(self.catalogue.procedures()),
            "LayThuTuc" => Some(self.catalogue.procedure(envelope.procedure.as_deref().unwrap_or_default())),
            "LayDVC" => Some(self.catalogue.services()),
            "LayDanhMucLinhVuc" => Some(self.catalogue.fields()),
            "LayDanhMucCoQuan" => Some(self.catalogue.agencies()),
            other => catalogue::dictionary(other),
        };
        let Some(mut rows) = rows else { return Reply::refused("-1", "Dịch vụ không được hỗ trợ") };
        rows.truncate(struck.catalogue_rows.unwrap_or(usize::MAX));
        // LayDVC nests one deeper than the others.
        let result = if service == "LayDVC" { json!({"data": rows}) } else { Value::Array(rows) };
        Reply::done("Lấy dữ liệu thành công", result)
    }
}

/// Which kind of records a push brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Push {
    Dossiers,
    Progress,
}

type Taken = Result<(), (Refusal, String)>;

fn check(record: &RawValue, push: Push) -> (Cow<'_, str>, Result<(), Refusal>) {
    match push {
        Push::Dossiers => match read_dossier(record) {
            Ok(fields) => (fields.ma_ho_so.clone(), fields.check()),
            Err(refusal) => (Cow::Borrowed(""), Err(refusal)),
        },
        Push::Progress => match read_progress(record) {
            Ok(fields) => (fields.ma_ho_so.clone(), fields.check()),
            Err(refusal) => (Cow::Borrowed(""), Err(refusal)),
        },
    }
}

fn strike_record(struck: &Struck, place: usize, code: &str) -> Result<(), Refusal> {
    let nth = struck.refuse_nth == Some(place + 1);
    let matching = struck.refuse_matching.iter().any(|text| code.contains(text.as_str()));
    if nth || matching { Err(Refusal::OnPurpose) } else { Ok(()) }
}

fn exists_as_said(known: bool, updating: bool) -> Result<(), Refusal> {
    match (known, updating) {
        (true, false) => Err(Refusal::Exists),
        (false, true) => Err(Refusal::Unknown),
        (true, true) | (false, false) => Ok(()),
    }
}

fn lookup_row(dossier: &StoredDossier, with_steps: bool) -> Value {
    let record: Value =
        dossier.record.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let text = |field: &str| record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut row = json!({
        "MAHOSO": &*dossier.code, "TRANGTHAIHOSO": dossier.status, "MATTHC": text("MaTTHC"), "TENTTHC": text("TenTTHC"),
        "CHUHOSO": text("ChuHoSo"), "NGAYTIEPNHAN": text("NgayTiepNhan"), "NGAYHENTRA": text("NgayHenTra"),
        "NGAYTRA": text("NgayTra"), "NGAYKETTHUCXULY": text("NgayKetThucXuLy"), "DONVIXULY": text("DonViXuLy"),
    });
    if with_steps {
        let step = |step: &super::StoredStep| json!({"THOIDIEMXULY": &*step.time, "TRANGTHAI": &*step.status, "NOIDUNGXULY": &*step.content});
        row["TIENDO"] = dossier.steps.iter().map(step).collect();
    }
    row
}
