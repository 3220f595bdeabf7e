//! The ministry's connector: login, codes, files, dossiers, progress, status.

use lgsp_sandbox::{Fault, FaultRule, Sandbox};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::sandbox;

const API: &str = "/ministry/connector/connector/v1";
const CODE: &str = "000.00.00.G22-260701-1001";

struct Client<'a> {
    sandbox: &'a Sandbox,
    token: String,
}

async fn login(sandbox: &Sandbox, secret: &str) -> (StatusCode, Value) {
    let body = json!({"client_id": "lgsp", "client_secret": secret});
    let request = reqwest::Client::new().post(sandbox.url(&format!("{API}/login"))).json(&body);
    let answer = request.send().await.expect("the sandbox answers");
    (answer.status(), answer.json().await.expect("the sandbox answers"))
}

impl<'a> Client<'a> {
    async fn logged_in(sandbox: &'a Sandbox) -> Self {
        let (_, answer) = login(sandbox, "lgsp-sandbox").await;
        Self { sandbox, token: answer["access_token"].as_str().expect("a token").to_owned() }
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = reqwest::Client::new().post(self.sandbox.url(&format!("{API}/{path}")));
        let answer = request.bearer_auth(&self.token).json(body).send().await.expect("the sandbox answers");
        (answer.status(), answer.json().await.expect("the sandbox answers"))
    }

    async fn upload(&self, dossier: &str, content: &[u8]) -> Value {
        let mut body = format!(
            "--grenze\r\nContent-Disposition: form-data; name=\"maHoSo\"\r\n\r\n{dossier}\r\n--grenze\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"don.pdf\"\r\n\
             Content-Type: application/pdf\r\n\r\n"
        )
        .into_bytes();
        body.extend(content);
        body.extend(b"\r\n--grenze--\r\n");
        let request = reqwest::Client::new().post(self.sandbox.url("/ministry/fi/v1/file/upload"));
        let request = request.bearer_auth(&self.token).header("content-type", "multipart/form-data; boundary=grenze");
        request
            .body(body)
            .send()
            .await
            .expect("the sandbox answers")
            .json::<Value>()
            .await
            .expect("the sandbox answers")["data"]
            .clone()
    }
}

fn dossier(owner: Value, file: &Value) -> Value {
    json!({
        "MaHoSo": CODE, "MaTTHC": "1.001193", "MaDichVuCong": "1.001193.01", "ChuHoSo": "Nguyễn Văn Thử",
        "LoaiDoiTuong": owner, "MaDonViTiepNhan": "000.00.00.G22", "NgayNop": "2026-07-01 08:30:00",
        "NgayTiepNhan": "2026-07-01 08:31:00", "EformThongTinChiTiet": "{}",
        "ThanhPhanHoSo": [{"MaThanhPhanHoSo": "TP1", "TenThanhPhanHoSo": "Đơn", "SoLuong": 1, "LoaiBan": 0,
            "GiayToDinhKem": [{"IdGiayTo": file["IdTepTin"], "HashTepTin": file["HashTepTin"], "TenGiayTo": "Đơn"}]}],
        "ThongTinNguoiNop": {"LoaiDoiTuong": owner, "ThongTinChiTiet": {"TenNguoiNop": "Nguyễn Văn Thử"}},
    })
}

fn step(id: &Value, time: &str) -> Value {
    json!({"IDHoSo": id, "MaHoSo": CODE, "NguoiXuLy": "Cán bộ", "ThoiDiemXuLy": time, "PhongBanXuLy": "Một cửa",
           "NoiDungXuLy": "Thẩm định", "TrangThai": 4, "NgayBatDau": "", "NgayKetThucTheoQuyDinh": null})
}

#[tokio::test]
async fn a_dossier_goes_its_whole_way() {
    let sandbox = sandbox();
    let client = Client::logged_in(&sandbox).await;
    let (_, code) = client.post("laymahoso", &json!({"MaDonViTiepNhan": "000.00.00.G22"})).await;
    assert_eq!(code["data"]["MaHoSo"], CODE);
    let file = client.upload(CODE, b"%PDF \xff\r\n--").await;
    let id = file["IdTepTin"].as_str().unwrap();
    assert_eq!(&sandbox.ministry().file(id).unwrap().content[..], b"%PDF \xff\r\n--");
    let (status, created) = client.post("hoso/noihoso", &dossier(json!(2), &file)).await;
    assert_eq!((status, &created["code"], &created["data"]["MaHoSo"]), (StatusCode::OK, &json!(200), &json!(CODE)));
    let own = &created["data"]["IdHoSo"];
    let progress = json!([step(own, "2026-07-01T09:00:00.000+07:00")]);
    assert_eq!(client.post("hoso/capnhatientrinh", &progress).await.0, StatusCode::OK);
    let paper = json!([{"TenGiayTo": "Giấy phép"}]);
    let change = json!([{"IdHoSo": own, "MaHoSo": CODE, "TrangThai": 9, "DanhSachGiayToKetQua": paper}]);
    assert_eq!(client.post("hoso/capnhattrangthai", &change).await.0, StatusCode::OK);
    let stored = sandbox.ministry().dossier(CODE).unwrap();
    assert_eq!((stored.steps.len(), stored.statuses.len(), &stored.body["LoaiDoiTuong"]), (1, 1, &json!(2)));
    assert_eq!(sandbox.ministry().changes(), [CODE; 3]);
    let download = async |dossier: &str| {
        let url = sandbox.url(&format!("/ministry/fi/file/download/{id}?maHoSo={dossier}"));
        reqwest::Client::new().get(url).bearer_auth(&client.token).send().await.unwrap()
    };
    assert_eq!(&download(CODE).await.bytes().await.unwrap()[..], b"%PDF \xff\r\n--");
    assert_eq!(download("another").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn codes_dates_files_and_rights_are_enforced() {
    let sandbox = sandbox();
    let client = Client::logged_in(&sandbox).await;
    let file = client.upload(CODE, b"x").await;
    let with = |name: &str, value: Value| {
        let mut body = dossier(json!(0), &file);
        body[name] = value;
        body
    };
    let other_file = json!({"IdTepTin": file["IdTepTin"], "HashTepTin": "00"});
    for (body, status, words) in [
        (dossier(json!(3), &file), StatusCode::BAD_REQUEST, "LoaiDoiTuong"),
        (dossier(json!("1"), &file), StatusCode::BAD_REQUEST, "LoaiDoiTuong"),
        (with("NgayNop", json!("20260701083000")), StatusCode::BAD_REQUEST, "NgayNop"),
        (with("NgayTiepNhan", json!("2026-07-01T08:30:00")), StatusCode::BAD_REQUEST, "NgayTiepNhan"),
        (dossier(json!(0), &other_file), StatusCode::BAD_REQUEST, "HashTepTin"),
        (with("MaDonViTiepNhan", json!("000.00.00.H99")), StatusCode::FORBIDDEN, "quyền"),
        (json!([]), StatusCode::BAD_REQUEST, "MaTTHC"),
    ] {
        let (said, answer) = client.post("hoso/noihoso", &body).await;
        assert_eq!((said, &answer["code"]), (status, &json!(status.as_u16())), "{body}");
        assert!(answer["message"].as_str().unwrap().contains(words), "{answer}");
    }
    let (_, created) = client.post("hoso/noihoso", &dossier(json!(0), &file)).await;
    assert!(
        client.post("hoso/noihoso", &dossier(json!(0), &file)).await.1["message"]
            .as_str()
            .unwrap()
            .contains("đã tồn tại")
    );
    let own = &created["data"]["IdHoSo"];
    let late = |status: u8| json!([{"IdHoSo": own, "MaHoSo": CODE, "TrangThai": status, "DanhSachGiayToKetQua": [{}]}]);
    for (path, body, status) in [
        ("hoso/capnhatientrinh", json!([step(own, "2026-07-01 09:00:00")]), StatusCode::BAD_REQUEST),
        ("hoso/capnhatientrinh", json!([step(&json!("HS9"), "2026-07-01T09:00:00.000")]), StatusCode::NOT_FOUND),
        ("hoso/capnhatientrinh", json!([]), StatusCode::BAD_REQUEST),
        ("hoso/capnhattrangthai", late(4), StatusCode::BAD_REQUEST),
        ("hoso/capnhattrangthai", late(10), StatusCode::BAD_REQUEST),
        ("hoso/capnhattrangthai", late(6), StatusCode::OK),
        ("hoso/capnhattientrinh", json!([]), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(client.post(path, &body).await.0, status, "{path} {body}");
    }
    assert_eq!(sandbox.ministry().dossier(CODE).unwrap().steps.len(), 0);
}

#[tokio::test]
async fn dossiers_wait_until_they_are_confirmed() {
    let sandbox = sandbox();
    let client = Client::logged_in(&sandbox).await;
    let fetch = async || client.post("laydanhsachhoso", &json!({"TrangThaiHoSo": 1, "MaTTHC": "1.001193"})).await.1;
    let list = fetch().await;
    let codes: Vec<&str> = list["data"].as_array().unwrap().iter().map(|row| row["MaHoSo"].as_str().unwrap()).collect();
    assert_eq!(codes.len(), 2);
    let confirm = |code: &str| json!([{"MaHoSo": code, "TrangThaiNhanHoSo": 1}]);
    assert_eq!(client.post("hoso/xacnhantrangthainhan", &confirm(codes[0])).await.0, StatusCode::OK);
    assert_eq!(fetch().await["data"].as_array().unwrap().len(), 1);
    assert_eq!(client.post("hoso/xacnhantrangthainhan", &confirm("unknown")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(sandbox.ministry().waiting(codes[0]).unwrap().confirmed, Some(json!(1)));
    assert!(sandbox.ministry().offer(json!({"MaHoSo": "G22-9", "MaTTHC": "1.001193", "TrangThaiHoSo": 1})));
    assert!(!sandbox.ministry().offer(json!({})));
    assert_eq!(fetch().await["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_login_may_be_wrapped_and_is_refused_for_a_wrong_secret() {
    let sandbox = sandbox();
    assert_eq!(login(&sandbox, "x").await.0, StatusCode::UNAUTHORIZED);
    sandbox.ministry().change_settings(|settings| settings.wrapped_login = true);
    let (_, wrapped) = login(&sandbox, "lgsp-sandbox").await;
    assert!(wrapped["data"]["access_token"].is_string() && wrapped["access_token"].is_null());
    let stranger = Client { sandbox: &sandbox, token: "x".into() };
    let (status, refused) = stranger.post("laydanhsachhoso", &json!({})).await;
    assert_eq!((status, &refused["code"]), (StatusCode::UNAUTHORIZED, &json!(401)));
    sandbox.ministry().add_fault(FaultRule::times(Fault::BadGateway, 1).on("laydanhsachhoso")).unwrap();
    let request = reqwest::Client::new().post(sandbox.url(&format!("{API}/laydanhsachhoso"))).bearer_auth("x");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_GATEWAY);
}
