//! The shipped services through a real gateway on the sandbox's partners: calls that work and calls that are refused, in
//! JSON and SOAP, partners that fail, and a service that is published by files alone.

use std::time::Duration;

use lgsp_model::{EventKind, Seq};
use lgsp_sandbox::{Fault, FaultRule};
use lgsp_store::{DurableStore, EmbeddedOptions, EmbeddedStore};
use serde_json::{Value, json};

use crate::gateway::{Answer, Setup, World, secret_of, send};
use crate::records::{code, dossier, step};

const MEMBERS: &str = r#"
[[member]]
id = "unit"
name = "unit"
agencies = ["H56"]
scopes = ["dossier:push", "dossier:read", "service:population", "service:enterprise", "service:profile-exchange", "service:vnpost", "service:ministry"]
secret = "secret-of-unit"
[[member]]
id = "stranger"
name = "stranger"
agencies = ["H11"]
scopes = ["service:profile-exchange", "service:echo"]
secret = "secret-of-stranger"
"#;

const IDENTITY: &str = "001199000001";
const SOAP_11: &str = "text/xml; charset=utf-8";
const SOAP_12: &str = "application/soap+xml; charset=utf-8";

/// A gateway with a member who may use every service, and his token.
async fn world() -> (World, String) {
    let world = World::with(Setup { members: MEMBERS.to_owned(), ..Setup::default() }).await;
    let token = world.token("unit").await;
    (world, token)
}

fn person() -> Value {
    json!({"SoDinhDanh": IDENTITY, "HoVaTen": "Nguyễn Văn Thử", "NgaySinh": "1999-01-15", "LyDo": "Giải quyết hồ sơ"})
}

/// `user:password` of an officer of the sandbox, as its header wants it.
fn auth_hash(officer: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(format!("{officer}:lgsp-sandbox"))
}

async fn ask_population(world: &World, token: &str, media_type: &str, officer: &str, body: String) -> Answer {
    let request = world.http.post(world.url("/services/population/lookup")).bearer_auth(token);
    let request = request.header("x-officer", officer).header("authhash", auth_hash(officer));
    send(request.header("content-type", media_type).body(body)).await
}

fn enveloped(namespace: &str, payload: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{namespace}\"><s:Body>{payload}</s:Body></s:Envelope>"
    )
}

const ENVELOPE_11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const ENVELOPE_12: &str = "http://www.w3.org/2003/05/soap-envelope";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_looked_up_in_json_and_soap_for_an_officer_with_a_purpose() {
    let (world, token) = world().await;
    let answer = ask_population(&world, &token, "application/json", "canbo.thu", person().to_string()).await;
    let found = answer.expect(200).json();
    assert_eq!(found["CongDan"][0]["HoVaTen"], "Nguyễn Văn Thử", "{found}");
    assert_eq!(found["CongDan"][0]["ThuongTru"]["ChiTiet"], "Số 1 & 2, ngõ <Mẫu>");
    let asked = &world.sandbox.population().lookups()[0];
    assert_eq!((asked.officer.as_str(), asked.officer_code.as_str()), ("canbo.thu", "canbo.thu"));

    let question = format!(
        "<TraCuuThongTinCongDan xmlns=\"http://dancuquocgia.bca\"><SoDinhDanh>{IDENTITY}</SoDinhDanh>\
         <HoVaTen>Nguyễn Văn Thử</HoVaTen><NgaySinh>1999-01-15</NgaySinh><LyDo>Đối chiếu</LyDo></TraCuuThongTinCongDan>"
    );
    for (media_type, namespace) in [(SOAP_11, ENVELOPE_11), (SOAP_12, ENVELOPE_12)] {
        let answer = ask_population(&world, &token, media_type, "canbo.thu", enveloped(namespace, &question)).await;
        let answer = answer.expect(200);
        assert!(answer.header("content-type").starts_with(&media_type[..8]), "{}", answer.header("content-type"));
        assert!(answer.text().contains("<HoVaTen>Nguyễn Văn Thử</HoVaTen>"), "{}", answer.text());
        assert!(answer.text().contains(namespace), "{}", answer.text());
    }

    let request = world.http.post(world.url("/services/population/check")).bearer_auth(&token);
    let request = request.header("x-officer", "canbo.thu").header("authhash", auth_hash("canbo.thu"));
    assert_eq!(send(request.json(&person())).await.expect(200).json(), json!({"TonTai": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_looked_up_without_right_officer_purpose_or_form() {
    let (world, token) = world().await;
    let json = "application/json";
    let mut aimless = person();
    aimless.as_object_mut().unwrap().remove("LyDo");
    let refused = ask_population(&world, &token, json, "canbo.thu", aimless.to_string()).await;
    let refused = refused.expect_problem(422, "GW1501").json();
    assert_eq!(refused["errors"][0]["path"], "/LyDo", "{refused}");
    let bad = json!({"SoDinhDanh": "12", "HoVaTen": "A", "NgaySinh": "1999-01-15", "LyDo": "Thử"});
    let refused = ask_population(&world, &token, json, "canbo.thu", bad.to_string()).await.expect(422).json();
    assert_eq!(
        (&refused["errors"][0]["path"], &refused["errors"][0]["rule"]),
        (&"/SoDinhDanh".into(), &"pattern".into())
    );
    assert_eq!(world.sandbox.population().lookup_count(), 0, "nothing was asked");

    let unknown = ask_population(&world, &token, json, "canbo.la", person().to_string()).await.expect(403).json();
    assert_eq!(unknown["fault"]["code"], "DC-10", "{unknown}");
    let question = enveloped(
        ENVELOPE_11,
        "<TraCuuThongTinCongDan xmlns=\"http://dancuquocgia.bca\"><HoVaTen>A</HoVaTen><NgaySinh>1999</NgaySinh><LyDo>Thử</LyDo></TraCuuThongTinCongDan>",
    );
    let fault = ask_population(&world, &token, SOAP_11, "canbo.la", question).await.expect(403);
    assert!(fault.text().contains(":Fault>") && fault.text().contains("DC-10"), "{}", fault.text());

    let stranger = world.token("stranger").await;
    let refused = ask_population(&world, &stranger, json, "canbo.thu", person().to_string()).await.expect(403).json();
    assert!(refused["detail"].as_str().unwrap().contains("service:population"), "{refused}");
    ask_population(&world, &token, "text/plain", "canbo.thu", "x".into()).await.expect(415);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_leaves_a_record_with_a_digest_and_the_identity_number_nowhere() {
    let (world, token) = world().await;
    ask_population(&world, &token, "application/json", "canbo.thu", person().to_string()).await.expect(200);
    let (gateway, dir) = world.into_gateway();
    gateway.stop().await;
    let store = EmbeddedStore::open(&dir.path().join("data"), EmbeddedOptions::default()).unwrap();
    let event = store.event(Seq(1)).await.unwrap().expect("one lookup is one record");
    assert_eq!((event.kind, event.sender.as_str()), (EventKind::Access, "unit"));
    assert!(event.key.starts_with("population/TraCuuThongTinCongDan"), "{}", event.key);
    let audit: Value = serde_json::from_slice(&event.payload.unwrap()).unwrap();
    assert_eq!((&audit["officer"], &audit["purpose"]), (&"canbo.thu".into(), &"Giải quyết hồ sơ".into()));
    assert_eq!(audit["person"].as_str().map(str::len), Some(64), "{audit}");
    assert!(!audit.to_string().contains(IDENTITY), "{audit}");
    assert!(store.event(Seq(2)).await.unwrap().is_none());
    drop(store);
    for file in walk(dir.path()) {
        assert!(!contains(&std::fs::read(&file).unwrap(), IDENTITY.as_bytes()), "{}", file.display());
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_has_one_shape_and_an_unknown_one_is_not_there() {
    let (world, token) = world().await;
    let found = world.get(&token, "/services/enterprise/0100000001").await.expect(200).json();
    assert_eq!(found["maSo"], "0100000001", "{found}");
    assert!(found["nguoiDaiDien"].is_array() && found["ngayThanhLap"].as_str().unwrap().len() == 10, "{found}");
    let missing = world.get(&token, "/services/enterprise/0999999999").await.expect(404).json();
    assert_eq!(missing["fault"]["reason"], "Không tìm thấy doanh nghiệp", "{missing}");
    world.sandbox.enterprise().change_settings(|settings| {
        settings.unknown = serde_json::from_value(json!("empty")).unwrap();
    });
    world.get(&token, "/services/enterprise/0999999999").await.expect(404);
    world.get(&token, "/services/enterprise/12").await.expect_problem(422, "GW1501");
    // A token that ended in the middle is asked for anew.
    world.sandbox.enterprise().expire_tokens();
    world.get(&token, "/services/enterprise/0100000001").await.expect(200);
    let stranger = world.token("stranger").await;
    world.get(&stranger, "/services/enterprise/0100000001").await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_the_older_adapter_become_dossiers() {
    let (world, token) = world().await;
    let document = json!({
        "docTypeCode": "1.003560", "docTypeName": "Cấp giấy phép xây dựng", "docCode": code(1), "citizenName": "NGUYỄN VĂN THỬ",
        "applicantsType": 1, "compendium": "Xin cấp phép", "dateReceived": "15/03/2024 08:30:00", "returnedType": 0, "status": 1,
        "processingOrganName": "UBND xã Ví Dụ"
    });
    let sync = "/Document/SyncDocument";
    assert_eq!(
        world.post(&token, sync, document.to_string()).await.expect(200).json(),
        json!({"status": 1, "message": "Thành công"})
    );
    let stored = world.get(&token, &format!("/v1/dossiers/{}", code(1))).await.expect(200).json();
    assert!(stored.to_string().contains("G17-XD05"), "{stored}");
    let trace = json!({"docCode": code(1), "userName": "Phạm Thị Mẫu", "dateCreated": "15/03/2024 09:00", "comment": "Thẩm định", "status": 4});
    let request =
        world.http.post(world.url("/Document/UpdateDocumentTraces")).basic_auth("unit", Some(secret_of("unit")));
    assert_eq!(send(request.json(&trace)).await.expect(200).json()["status"], 1);

    let mut short = document.clone();
    short.as_object_mut().unwrap().remove("compendium");
    let refused = world.post(&token, sync, short.to_string()).await.expect(422).json();
    assert_eq!(refused["status"], 0, "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("/compendium"), "{refused}");
    let mut foreign = document;
    foreign["docCode"] = "H11.16-240315-000001".into();
    let refused = world.post(&token, sync, foreign.to_string()).await.expect(403).json();
    assert_eq!(refused["status"], 0, "{refused}");
    let refused = world.post("none", sync, "{}").await.expect(401).json();
    assert_eq!(refused["status"], 0, "{refused}");
}

fn as_elements(record: &Value) -> String {
    let one = |(name, value): (&String, &Value)| match value {
        Value::Array(items) => items.iter().map(|item| format!("<{name}>{}</{name}>", as_elements(item))).collect(),
        Value::String(text) => format!("<{name}>{text}</{name}>"),
        other => panic!("{other}"),
    };
    record.as_object().unwrap().iter().map(one).collect::<Vec<String>>().concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn dossiers_and_progress_come_by_soap_at_one_address() {
    let (world, token) = world().await;
    let address = "/services/dossier-soap";
    let payload = |operation: &str, record: &Value| {
        format!("<{operation} xmlns=\"urn:lgsp:dossier:1\">{}</{operation}>", as_elements(record))
    };
    let body = enveloped(ENVELOPE_11, &payload("DongBoHoSo", &dossier(&code(1), "2")));
    let answer = world.post_as(SOAP_11, &token, address, body.clone()).await.expect(200);
    assert!(answer.text().contains("<KetQua>accepted</KetQua>"), "{}", answer.text());
    let again = world.post_as(SOAP_11, &token, address, body).await.expect(200);
    assert!(again.text().contains("<KetQua>duplicate</KetQua>"), "{}", again.text());
    let stored = world.get(&token, &format!("/v1/dossiers/{}", code(1))).await.expect(200).json();
    assert!(stored.to_string().contains("NGUYỄN VĂN AN"), "{stored}");
    let body = enveloped(ENVELOPE_12, &payload("CapNhatTienDo", &step(&code(1), "4", 1)));
    let answer = world.post_as(SOAP_12, &token, address, body).await.expect(200);
    assert!(answer.text().contains("CapNhatTienDoResponse"), "{}", answer.text());

    let body = enveloped(ENVELOPE_11, "<XoaHoSo xmlns=\"urn:lgsp:dossier:1\"/>");
    let refused = world.post_as(SOAP_11, &token, address, body).await.expect(500);
    assert!(refused.text().contains("DongBoHoSo, CapNhatTienDo"), "{}", refused.text());
    let body = enveloped(ENVELOPE_11, &payload("CapNhatTienDo", &json!({"MaHoSo": code(1)})));
    let refused = world.post_as(SOAP_11, &token, address, body).await.expect(500);
    assert!(refused.text().contains("/NguoiXuLy"), "{}", refused.text());
    let refused = world.post_as(SOAP_12, &token, address, "<x/>").await.expect(400);
    assert!(refused.text().contains("Fault"), "{}", refused.text());
    let stranger = world.token("stranger").await;
    world.post_as(SOAP_11, &stranger, address, enveloped(ENVELOPE_11, "<a/>")).await.expect(403);

    let wsdl = send(world.http.get(world.url("/services/dossier-soap?wsdl"))).await.expect(200);
    assert_eq!(wsdl.text().matches("<wsdl:port ").count(), 2, "one address, one port for each version");
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_are_listed_fetched_with_their_files_and_acknowledged() {
    let (world, token) = world().await;
    let listed = "/services/profile-exchange/profiles?unit_code=000.00.00.H56";
    let list = world.get(&token, listed).await.expect(200).json();
    assert_eq!(list["profiles"].as_array().map(Vec::len), Some(2), "{list}");
    let one = list["profiles"][0]["profile_id"].as_str().unwrap();
    let detail = world.get(&token, &format!("/services/profile-exchange/profiles/{one}")).await.expect(200).json();
    let path = detail["attachments"][0]["path"].as_str().unwrap();
    let file = world.get(&token, path).await.expect(200);
    assert_eq!((file.body.len(), file.header("content-type")), (20_000, "application/pdf"));
    let acknowledge = format!("/services/profile-exchange/profiles/{one}/acknowledgement");
    world.post(&token, &acknowledge, r#"{"status": "maybe"}"#).await.expect(422);
    world.post(&token, &acknowledge, r#"{"status": "done"}"#).await.expect(200);
    let left = world.get(&token, listed).await.expect(200).json();
    assert_eq!(left["profiles"].as_array().map(Vec::len), Some(1), "{left}");
    world.get(&token, "/services/profile-exchange/profiles/999").await.expect(404);
    // The list of another agency is not for everybody who may use the service.
    let stranger = world.token("stranger").await;
    world.get(&stranger, listed).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_post_is_asked_at_once_for_prices_and_refuses_under_200() {
    let (world, token) = world().await;
    let route = json!({"SenderProvince": 40, "SenderDistrict": 4010, "ReceiverProvince": 10, "ReceiverDistrict": 1010});
    let price = world.post(&token, "/services/vnpost/prices", route.to_string()).await.expect(200).json();
    assert_eq!(price, json!({"Price": 30_500}));
    let unknown = world.get(&token, "/services/vnpost/orders/NONE/tracking").await.expect(404).json();
    assert_eq!((&unknown["fault"]["code"], &unknown["status"]), (&"103".into(), &404.into()), "{unknown}");
    let rows = world.get(&token, "/services/vnpost/tracking?CustomerCode=KH0001").await.expect(200).json();
    assert_eq!(rows, json!({"rows": []}));
    world.post(&token, "/services/vnpost/orders", r#"{"OrderNumber": "1"}"#).await.expect(422);
}

fn filed(unit: &str, number: &str) -> Value {
    json!({
        "MaHoSo": number, "MaTTHC": "1.001193", "ChuHoSo": "Công ty Ví Dụ", "LoaiDoiTuong": "2", "MaDonViTiepNhan": unit,
        "NgayNopHoSo": "20260701083000", "NgayTiepNhan": "20260701090000",
        "NguoiNop": {"LoaiDoiTuong": "1", "TenNguoiNop": "Nguyễn Văn Thử"}
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ministry_gets_its_own_codes_and_times() {
    let (world, token) = world().await;
    let post = async |path: &str, body: Value| {
        world.post(&token, &format!("/services/ministry{path}"), body.to_string()).await
    };
    let unit = "000.00.00.G22";
    let number = post("/codes", json!({"MaDonViTiepNhan": unit})).await.expect(200).json()["MaHoSo"].clone();
    let number = number.as_str().unwrap();
    let form = format!(
        "--X\r\nContent-Disposition: form-data; name=\"maHoSo\"\r\n\r\n{number}\r\n\
         --X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"don.pdf\"\r\n\r\n%PDF-1.7\r\n--X--\r\n"
    );
    let upload = world.post_as("multipart/form-data; boundary=X", &token, "/services/ministry/files", form);
    let file = upload.await.expect(200).json();
    let (id, hash) = (&file["data"]["IdTepTin"], &file["data"]["HashTepTin"]);
    let mut record = filed(unit, number);
    record["ThanhPhanHoSo"] =
        json!([{"MaThanhPhanHoSo": "KQ1", "LoaiBan": "1", "GiayToDinhKem": [{"IdGiayTo": id, "HashTepTin": hash}]}]);
    let created = post("/dossiers", record.clone()).await.expect(200).json();
    let there = world.sandbox.ministry().dossier(number).unwrap();
    assert_eq!((&there.body["LoaiDoiTuong"], &there.body["NgayNop"]), (&1.into(), &"2026-07-01 08:30:00".into()));
    let path = format!("/services/ministry/files/{}?maHoSo={number}", id.as_str().unwrap());
    assert_eq!(world.get(&token, &path).await.expect(200).text(), "%PDF-1.7");

    let step = json!({"TienTrinh": [{"IdHoSo": created["IdHoSo"], "MaHoSo": number, "NguoiXuLy": "Phạm Thị Mẫu",
        "ThoiDiemXuLy": "20260701093000", "NoiDungXuLy": "Thẩm định", "TrangThai": "4"}]});
    post("/progress", step).await.expect(200);
    let status = json!({"TrangThai": [{"IdHoSo": created["IdHoSo"], "MaHoSo": number, "TrangThai": "9"}]});
    post("/statuses", status).await.expect(200);
    assert_eq!(world.sandbox.ministry().dossier(number).unwrap().statuses.len(), 1);
    let waiting = post("/waiting", json!({})).await.expect(200).json();
    assert_eq!(waiting["HoSo"][0]["LoaiDoiTuong"], "1", "{waiting}");
    let fetched = json!({"HoSo": [{"MaHoSo": waiting["HoSo"][0]["MaHoSo"], "TrangThaiNhanHoSo": "1"}]});
    post("/confirmations", fetched).await.expect(200);

    post("/dossiers", record).await.expect(409);
    let refused = post("/dossiers", filed("000.00.00.G99", "G99-1")).await.expect(403).json();
    assert_eq!(refused["fault"]["reason"], "Không có quyền với đơn vị tiếp nhận này", "{refused}");
    let mut foreign = filed(unit, "G22-9");
    foreign["LoaiDoiTuong"] = "0".into();
    post("/dossiers", foreign).await.expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_that_fail_become_errors_in_the_callers_dialect() {
    let (world, token) = world().await;
    let population = world.sandbox.population();
    let question = enveloped(
        ENVELOPE_11,
        "<TraCuuThongTinCongDan xmlns=\"http://dancuquocgia.bca\"><HoVaTen>A</HoVaTen><NgaySinh>1999</NgaySinh><LyDo>Thử</LyDo></TraCuuThongTinCongDan>",
    );
    for (fault, status) in [
        (Fault::ServerError, 502),
        (Fault::MalformedBody, 502),
        (Fault::WrongContentType, 502),
        (Fault::Oversize { bytes: 4 << 20 }, 502),
    ] {
        population.add_fault(FaultRule::always(fault.clone()).on("soap")).unwrap();
        let answer = ask_population(&world, &token, "application/json", "canbo.thu", person().to_string()).await;
        assert_eq!(answer.status, status, "{fault:?}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json", "{fault:?}");
        let answer = ask_population(&world, &token, SOAP_11, "canbo.thu", question.clone()).await;
        assert_eq!(answer.status, 500, "{fault:?}: {}", answer.text());
        assert!(
            answer.header("content-type").starts_with("text/xml") && answer.text().contains(":Fault>"),
            "{fault:?}"
        );
        population.clear_faults();
    }
    let enterprise = world.sandbox.enterprise();
    enterprise.add_fault(FaultRule::times(Fault::WrongCredentials, 1)).unwrap();
    world.get(&token, "/services/enterprise/0100000001").await.expect(502);
    world.get(&token, "/services/enterprise/0100000001").await.expect(200);
}

/// A service that nobody has programmed: the echo, offered with a form of its own.
fn eighth() -> Vec<(String, String)> {
    let manifest = r#"
id = "echo"
version = "1"
valid_from = 2025-01-01
title = { vi = "Tiếng vọng", en = "Echo" }
description = { vi = "Thử", en = "A trial" }
owner = "Đơn vị thử"
mode = "proxy"
examples = "examples"
[expose]
path = "/services/echo"
[upstream]
servers = ["{sandbox}/echo"]
format = "json"
timeout = "500ms"
[upstream.retry]
attempts = 1
[[operation]]
name = "say"
path = "/say"
request = "schema/say.json"
upstream_path = "/any"
map_request = "map/say.map"
map_response = "map/said.map"
"#;
    let schema = r#"{"type": "object", "required": ["words"], "properties": {"words": {"type": "string"}}}"#;
    let example =
        "[[case]]\nname = \"words\"\noperation = \"say\"\nsend = '{\"words\": \"a\"}'\nexpect = '{\"TU\": \"A\"}'\n";
    [
        ("contract.toml", manifest),
        ("schema/say.json", schema),
        ("map/said.map", "arrived <- /target\n"),
        ("map/say.map", "\"$query\"/tu <- upper(/words)\nTU <- upper(/words)\n"),
        ("examples/cases.toml", example),
    ]
    .map(|(path, text)| (format!("echo/{path}"), text.to_owned()))
    .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eighth_service_is_published_by_files_alone_into_a_running_gateway() {
    let (mut world, _) = world().await;
    let token = world.token("stranger").await;
    world.post(&token, "/services/echo/say", r#"{"words": "xin chào"}"#).await.expect(404);
    world.reload(|setup| setup.contracts = eighth()).await;
    let answer = world.post(&token, "/services/echo/say", r#"{"words": "xin chào"}"#).await.expect(200);
    assert_eq!(answer.json(), json!({"arrived": "/echo/any?tu=XIN%20CH%C3%80O"}));
    let refused = world.post(&token, "/services/echo/say", r#"{"word": 1}"#).await.expect_problem(422, "GW1501").json();
    assert_eq!(refused["errors"][0]["path"], "/words", "{refused}");
    let listed = world.get(&token, "/v1/services").await.expect(200).json();
    let ids: Vec<&str> = listed["services"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, ["echo", "profile-exchange"]);
    let openapi = send(world.http.get(world.url("/v1/services/echo/openapi.json"))).await.expect(200).json();
    assert!(openapi["paths"]["/services/echo/say"]["post"].is_object(), "{openapi}");
    // A partner that is slower than the contract allows.
    world.sandbox.echo().add_fault(FaultRule::always(Fault::Slow { delay_ms: 3_000 })).unwrap();
    let started = std::time::Instant::now();
    world.post(&token, "/services/echo/say", r#"{"words": "a"}"#).await.expect(504);
    assert!(started.elapsed() < Duration::from_secs(3), "the contract's time limit counts");
}
