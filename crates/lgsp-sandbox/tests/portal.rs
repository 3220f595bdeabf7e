//! The portal as a client on the wire sees it. Not its inside: everything here goes through HTTP or what is stored.

use std::net::SocketAddr;
use std::time::Duration;

use lgsp_sandbox::{BatchMode, CodeForm, Fault, FaultRule, MessageForm, Sandbox, StoredDossier};
use reqwest::StatusCode;
use serde_json::{Value, json};

const DSTCODE: &str = "VN:GOV:000.00.00.G22:vpcpdvcprovider";

struct Client {
    http: reqwest::Client,
    base: String,
    session: String,
}

fn any_port() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

async fn json_of(answer: reqwest::Result<reqwest::Response>) -> Value {
    answer.expect("the portal answers").json().await.expect("the portal answers in JSON")
}

impl Client {
    async fn logged_in(sandbox: &Sandbox) -> Self {
        let mut client = Self { http: reqwest::Client::new(), base: sandbox.adapter_url(), session: String::new() };
        let answer = client.post("mapi/login", &json!({"username": "lgsp", "password": "lgsp-sandbox"})).await;
        client.session = answer["session"].as_str().expect("a session").to_owned();
        assert_eq!(answer["error_code"], 0);
        client
    }

    async fn raw(&self, endpoint: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
        let request = self.http.post(format!("{}{endpoint}", self.base)).header("dstcode", DSTCODE);
        request.json(body).send().await
    }

    async fn post(&self, endpoint: &str, body: &Value) -> Value {
        json_of(self.raw(endpoint, body).await).await
    }

    async fn service(&self, mut body: Value) -> reqwest::Result<reqwest::Response> {
        body["session"] = json!(self.session);
        body["madonvi"] = json!("H56");
        self.raw("mapi/g", &body).await
    }

    async fn answer(&self, body: Value) -> Value {
        json_of(self.service(body).await).await
    }

    async fn create(&self, records: Value) -> Value {
        self.answer(json!({"service": "DongBoHoSoMC", "isUpdating": "False", "data": records})).await
    }

    async fn update(&self, records: Value) -> Value {
        self.answer(json!({"service": "DongBoHoSoMC", "isUpdating": "True", "data": records})).await
    }
}

fn dossier(number: u32, status: &str) -> Value {
    json!({"MaHoSo": code(number), "MaTTHC": "1.001193", "TrangThaiHoSo": status, "NgayTiepNhan": "20260105083000"})
}

fn code(number: u32) -> String {
    format!("H56-260105-{number:04}")
}

fn step(number: u32, status: &str, time: &str) -> Value {
    json!({"MaHoSo": code(number), "NguoiXuLy": "Chuyên viên", "ThoiDiemXuLy": time, "NoiDungXuLy": "Thẩm định", "TrangThai": status})
}

fn said(answer: &Value) -> (&str, &str) {
    (answer["error_code"].as_str().unwrap_or_default(), answer["message"].as_str().unwrap_or_default())
}

fn stored(sandbox: &Sandbox, number: u32) -> StoredDossier {
    sandbox.portal().dossier(&code(number)).expect("the dossier is stored")
}

#[tokio::test]
async fn a_dossier_is_created_updated_given_steps_and_found_again() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let client = Client::logged_in(&sandbox).await;
    let created = client.create(json!([dossier(1, "2"), dossier(2, "2")])).await;
    assert_eq!(said(&created), ("0", "Đồng bộ hồ sơ thành công"));
    assert_eq!(said(&client.update(json!([dossier(1, "4")])).await).0, "0");
    let steps = json!({"service": "CapNhatTienDoHoSoMC", "data": [step(1, "4", "20260105090000")]});
    assert!(said(&client.answer(steps.clone()).await).1.contains("thành công"));
    client.answer(steps).await;

    let found = client.answer(json!({"service": "TraCuuHoSo", "mahoso": code(1)})).await;
    let row = &found["result"][0];
    assert_eq!((&row["MAHOSO"], &row["TRANGTHAIHOSO"]), (&json!(code(1)), &json!("4")));
    let sent_step = json!({"THOIDIEMXULY": "20260105090000", "TRANGTHAI": "4", "NOIDUNGXULY": "Thẩm định"});
    assert_eq!(row["TIENDO"], json!([sent_step, sent_step]), "a step sent twice stands twice");
    let unknown = client.answer(json!({"service": "TraCuuHoSo", "mahoso": code(9)})).await;
    assert_eq!(unknown["result"], json!([]));

    let one = stored(&sandbox, 1);
    assert_eq!(one.record.as_deref(), Some(dossier(1, "4").to_string().as_str()), "byte for byte");
    assert_eq!((one.creates(), one.versions.len(), one.times_stored(&one.versions[1].digest)), (1, 2, 1));
    assert_eq!(one.times_step_stored(&one.steps[0].digest), 2);
    assert!(one.versions[1].arrival < one.steps[0].arrival);
    let counters = sandbox.portal().counters();
    assert_eq!((counters.creates, counters.updates, counters.steps), (2, 1, 2));
    sandbox.portal().change_settings(|settings| settings.lookup_with_steps = false);
    let short = client.answer(json!({"service": "TraCuuHoSo", "mahoso": code(1)})).await;
    assert_eq!(short["result"][0].get("TIENDO"), None);
}

#[tokio::test]
async fn what_exists_or_is_unknown_or_too_long_is_refused_and_the_whole_batch_with_it() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let client = Client::logged_in(&sandbox).await;
    client.create(json!([dossier(1, "2")])).await;
    let long = |field: &str, length: usize| {
        let mut record = dossier(7, "2");
        record[field] = json!("ạ".repeat(length));
        record
    };
    for (answer, expected) in [
        (client.create(json!([dossier(2, "2"), dossier(1, "2")])).await, "đã tồn tại"),
        (client.create(json!([dossier(2, "2"), dossier(2, "2")])).await, "đã tồn tại"),
        (client.update(json!([dossier(2, "2")])).await, "không tồn tại"),
        (client.create(json!([long("GhiChu", 2001)])).await, "GhiChu vượt quá"),
        (client.create(json!([long("TrichYeuHoSo", 1001)])).await, "TrichYeuHoSo vượt quá"),
        (client.create(json!([dossier(2, "11")])).await, "trạng thái"),
        (client.create(json!([{"TrangThaiHoSo": "2"}])).await, "MaHoSo"),
        (client.create(json!([{"MaHoSo": 7}])).await, "định dạng"),
        (client.create(json!([])).await, "Số lượng"),
        (client.answer(json!({"service": "DongBoHoSoMC", "data": [dossier(2, "2")]})).await, "isUpdating"),
        (
            client.answer(json!({"service": "CapNhatTienDoHoSoMC", "data": [step(2, "4", "20260105090000")]})).await,
            "không tồn tại",
        ),
        (client.answer(json!({"service": "CapNhatTienDoHoSoMC", "data": [step(1, "4", "")]})).await, "ThoiDiemXuLy"),
        (client.answer(json!({"service": "LayGiDo"})).await, "không được hỗ trợ"),
    ] {
        let (code, message) = said(&answer);
        assert!(code != "0" && message.contains(expected), "{answer}");
    }
    assert_eq!(sandbox.portal().dossier_count(), 1);
    assert_eq!(said(&client.create(json!([long("GhiChu", 2000)])).await).0, "0", "2,000 characters are not bytes");
}

#[tokio::test]
async fn a_portal_that_stores_up_to_the_refusal_keeps_the_records_before_it() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let client = Client::logged_in(&sandbox).await;
    sandbox.portal().change_settings(|settings| {
        settings.batch_mode = BatchMode::StoresUpToRefusal;
        settings.names_the_record = true;
    });
    sandbox.portal().add_fault(FaultRule::times(Fault::RefuseNth { nth: 2 }, 1)).unwrap();
    let answer = client.create(json!([dossier(1, "2"), dossier(2, "2"), dossier(3, "2")])).await;
    assert!(said(&answer).1.contains(&code(2)), "{answer}");
    assert_eq!(sandbox.portal().dossiers(None, 10).iter().map(|d| d.code.to_string()).collect::<Vec<_>>(), [code(1)]);
}

#[tokio::test]
async fn sessions_and_destination_are_required() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let mut client = Client::logged_in(&sandbox).await;
    let wrong = client.post("mapi/login", &json!({"username": "lgsp", "password": "no"})).await;
    assert_eq!((wrong.get("session"), said(&wrong).0), (None, "-1"));
    sandbox.portal().expire_sessions();
    let expired = client.create(json!([dossier(1, "2")])).await;
    assert!(said(&expired).1.contains("ession"), "{expired}");
    assert_eq!(sandbox.portal().dossier_count(), 0);

    let url = format!("http://{}/VXPAdapter/RestService/forward/mapi/login", sandbox.addr());
    let credentials = json!({"username": "lgsp", "password": "lgsp-sandbox"});
    let without = client.http.post(&url).json(&credentials).send().await.unwrap();
    assert_eq!(without.status(), StatusCode::BAD_REQUEST);
    let in_query = client.http.post(format!("{url}?dstcode={DSTCODE}")).json(&credentials).send().await.unwrap();
    client.session = in_query.json::<Value>().await.unwrap()["session"].as_str().unwrap().to_owned();
    assert_eq!(said(&client.create(json!([dossier(1, "2")])).await).0, "0");

    sandbox.portal().change_settings(|settings| settings.session_calls = Some(1));
    let client = Client::logged_in(&sandbox).await;
    assert_eq!(said(&client.update(json!([dossier(1, "4")])).await).0, "0");
    assert!(said(&client.update(json!([dossier(1, "4")])).await).1.contains("ession"));
}

#[tokio::test]
async fn every_form_of_a_success_can_be_met() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let client = Client::logged_in(&sandbox).await;
    let portal = sandbox.portal();
    client.create(json!([dossier(1, "2")])).await;
    for (form, code) in
        [(CodeForm::Integer, json!(0)), (CodeForm::Text, json!("0")), (CodeForm::DoubleZero, json!("00"))]
    {
        portal.add_fault(FaultRule::times(Fault::CodeForm { form }, 1)).unwrap();
        assert_eq!(client.update(json!([dossier(1, "4")])).await["error_code"], code);
    }
    portal.add_fault(FaultRule::times(Fault::CodeForm { form: CodeForm::OnlyText }, 1)).unwrap();
    let body = json!({"service": "DongBoHoSoMC", "isUpdating": "True", "data": [dossier(1, "4")]});
    assert_eq!(client.service(body).await.unwrap().text().await.unwrap(), "Đồng bộ hồ sơ thành công");
    portal.add_fault(FaultRule::times(Fault::MessageForm { form: MessageForm::JsonInText }, 1)).unwrap();
    let inner = client.answer(json!({"service": "TraCuuHoSo", "mahoso": code(1)})).await;
    let inner: Value = serde_json::from_str(inner["message"].as_str().unwrap()).unwrap();
    assert_eq!(inner["result"][0]["MAHOSO"], json!(code(1)));
    portal.add_fault(FaultRule::times(Fault::MessageForm { form: MessageForm::Object }, 1)).unwrap();
    assert!(client.update(json!([dossier(1, "4")])).await["message"].is_object());
    portal.add_fault(FaultRule::times(Fault::FailureUnderZero, 1)).unwrap();
    let before = stored(&sandbox, 1).versions.len();
    let failure = client.update(json!([dossier(1, "9")])).await;
    assert!(said(&failure).0 == "0" && !said(&failure).1.contains("thành công"), "{failure}");
    assert_eq!(stored(&sandbox, 1).versions.len(), before);
}

#[tokio::test]
async fn transport_faults_store_before_or_not_at_all() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let client = Client::logged_in(&sandbox).await;
    let portal = sandbox.portal();
    let push = |number| json!({"service": "DongBoHoSoMC", "isUpdating": "False", "data": [dossier(number, "2")]});

    portal.add_fault(FaultRule::times(Fault::BadGateway, 1)).unwrap();
    assert_eq!(client.service(push(1)).await.unwrap().status(), StatusCode::BAD_GATEWAY);
    portal.add_fault(FaultRule::times(Fault::Unavailable { retry_after_s: 3 }, 1)).unwrap();
    let busy = client.service(push(1)).await.unwrap();
    assert_eq!(
        (busy.status(), &busy.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"3".parse().unwrap())
    );
    portal.add_fault(FaultRule::times(Fault::ResetBeforeStoring, 1)).unwrap();
    client.service(push(1)).await.expect_err("no answer");
    assert_eq!(portal.dossier_count(), 0);

    portal.add_fault(FaultRule::times(Fault::ResetAfterStoring, 1)).unwrap();
    client.service(push(1)).await.expect_err("no answer");
    portal.add_fault(FaultRule::times(Fault::SilenceAfterStoring { hold_ms: 50 }, 1)).unwrap();
    client.service(push(2)).await.expect_err("no answer after the silence");
    assert_eq!((portal.dossier_count(), portal.counters().transport_faults), (2, 5));

    portal.add_fault(FaultRule::times(Fault::SessionsExpire, 1)).unwrap();
    assert!(said(&client.answer(push(3)).await).1.contains("ession"));
    portal.add_fault(FaultRule::times(Fault::WrongCredentials, 1)).unwrap();
    let login = json!({"username": "lgsp", "password": "lgsp-sandbox"});
    assert_eq!(said(&client.post("mapi/login", &login).await).0, "-1");
}

#[tokio::test]
async fn slow_answers_do_not_wait_for_each_other() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let client = Client::logged_in(&sandbox).await;
    sandbox.portal().change_settings(|settings| settings.answer_delay_ms = 200);
    let started = std::time::Instant::now();
    let look_up = || client.answer(json!({"service": "TraCuuHoSo", "mahoso": code(1)}));
    tokio::join!(look_up(), look_up(), look_up(), look_up(), look_up());
    let taken = started.elapsed();
    assert!(taken >= Duration::from_millis(200) && taken < Duration::from_millis(900), "{taken:?} for five at once");
}

#[tokio::test]
async fn the_catalogue_is_upper_case_and_can_come_back_short() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let client = Client::logged_in(&sandbox).await;
    let all = client.answer(json!({"service": "LayDanhSachTTHC"})).await;
    assert_eq!(all["result"][0], json!({"MATTHC": "1.001193", "TENTTHC": "Thủ tục đăng ký khai sinh"}));
    sandbox.portal().add_fault(FaultRule::times(Fault::CatalogueShort { rows: 1 }, 1)).unwrap();
    let one = client.answer(json!({"service": "LayThuTuc", "maTTHC": "1.001193"})).await;
    assert_eq!(one["result"][0]["LINHVUCTHUCHIEN"][0]["MALINHVUC"], "G15-TP04");
    let short = client.answer(json!({"service": "LayDanhSachTTHC"})).await;
    assert_eq!(short["result"].as_array().unwrap().len(), 1);
    let fields = client.answer(json!({"service": "LayDanhMucLinhVuc"})).await;
    assert_eq!(fields["result"], json!([{"MALINHVUC": "G15-TP04", "TENLINHVUC": "Hộ tịch", "MANGANH": "G15"}]));
    let nested = client.answer(json!({"service": "LayDVC"})).await;
    assert_eq!(nested["result"]["data"][0]["MADVC"], "1.001193.01");
    assert_eq!(client.answer(json!({"service": "LayDanhMucGioiTinh"})).await["result"][0]["TEN"], "Nam");
}

#[tokio::test]
async fn faults_and_settings_can_be_switched_over_http() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let http = reqwest::Client::new();
    let url = |path: &str| format!("http://{}/sandbox/{path}", sandbox.addr());
    let rules = json!([
        {"fault": "slow", "delay_ms": 5, "service": "DongBoHoSoMC", "times": 3},
        {"fault": "code_form", "form": "double_zero", "probability": 0.5},
    ]);
    let added: Value = http.post(url("faults")).json(&rules).send().await.unwrap().json().await.unwrap();
    assert_eq!((added[0]["times"].as_u64(), added[1]["form"].as_str()), (Some(3), Some("double_zero")));
    http.delete(url(&format!("faults/{}", added[0]["id"]))).send().await.unwrap();
    assert_eq!(sandbox.portal().faults().len(), 1);
    let refused = http.post(url("faults")).json(&json!({"fault": "slow"})).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let unknown = http.post(url("settings")).json(&json!({"answer_delay": 5})).send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
    http.post(url("settings")).json(&json!({"answer_delay_ms": 5})).send().await.unwrap();
    assert_eq!(sandbox.portal().settings().answer_delay_ms, 5);
    http.post(url("seed")).json(&json!({"seed": 9})).send().await.unwrap();
    let client = Client::logged_in(&sandbox).await;
    client.create(json!([dossier(1, "2"), dossier(2, "2")])).await;
    let page: Value = http.get(url(&format!("dossiers?after={}", code(1)))).send().await.unwrap().json().await.unwrap();
    assert_eq!(page[0]["code"], json!(code(2)));
    assert_eq!(page[0]["versions"][0]["created"], true);
    let state: Value = http.get(url("state")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&state["dossiers"], &state["counters"]["creates"]), (&json!(2), &json!(2)));
    assert_eq!(http.get(url("dossiers/H1-1")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stopped_portal_comes_back_with_what_it_had() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let client = Client::logged_in(&sandbox).await;
    client.create(json!([dossier(1, "2")])).await;
    let portal = sandbox.portal().clone();
    sandbox.stop();
    let mut arrivals = portal.arrivals();
    let again = Sandbox::start_with(any_port(), portal).unwrap();
    let client = Client { base: again.adapter_url(), ..client };
    assert!(said(&client.create(json!([dossier(1, "2")])).await).1.contains("đã tồn tại"));
    client.update(json!([dossier(1, "4")])).await;
    tokio::time::timeout(Duration::from_secs(5), arrivals.wait_for(|rows| *rows == 2))
        .await
        .expect("observers are told of what is stored")
        .unwrap();
}

#[tokio::test]
async fn a_portal_can_have_dossiers_from_before() {
    let sandbox = Sandbox::start(any_port()).unwrap();
    let portal = sandbox.portal();
    assert!(
        portal.preload_step(&step(1, "2", "20260105083000").to_string()).unwrap_err().reason.contains("không tồn tại")
    );
    portal.preload_record(&dossier(1, "2").to_string()).unwrap();
    portal.preload_step(&step(1, "2", "20260105083000").to_string()).unwrap();
    assert!(portal.preload_record("{").is_err());
    let client = Client::logged_in(&sandbox).await;
    assert!(said(&client.create(json!([dossier(1, "4")])).await).1.contains("đã tồn tại"));
    assert_eq!((stored(&sandbox, 1).status.as_str(), stored(&sandbox, 1).steps.len()), ("2", 1));
}
