//! The population database: SOAP with its order, officers, faults, and the proxy that wraps it.

use lgsp_sandbox::{LgspKey, LookupKind, Officer, Sandbox};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{sandbox, token};

const SEARCH: &str = "TraCuuThongTinCongDan";
const THU: &str = "<SoDinhDanh>001199000001</SoDinhDanh><HoVaTen>NGUYEN VAN THU</HoVaTen>\
    <NgayThangNamSinh><NgayThangNam>19990115</NgayThangNam></NgayThangNamSinh>";

fn envelope(root: &str, code: &str, rest: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header/><s:Body>\
         <{root} xmlns=\"http://dancuquocgia.bca\"><MaYeuCau>YC-1</MaYeuCau><MaDVC>1.001193</MaDVC>\
         <MaTichHop>{code}</MaTichHop><MaCanBo>canbo.thu</MaCanBo>{rest}</{root}></s:Body></s:Envelope>"
    )
}

fn officer() -> Officer {
    Officer { username: "canbo.thu".into(), password: "lgsp-sandbox".into() }
}

async fn request(sandbox: &Sandbox, path: &str) -> RequestBuilder {
    let request = reqwest::Client::new().post(sandbox.url(path)).bearer_auth(token(sandbox, "population").await);
    let request = request.header("AuthHash", officer().auth_hash()).header("content-type", "application/xml");
    request.header("lgspaccesstoken", LgspKey::default().header())
}

async fn ask(sandbox: &Sandbox, body: String) -> (StatusCode, String) {
    let answer = request(sandbox, "/population/soap").await.body(body).send().await.expect("the sandbox answers");
    assert!(answer.headers()["content-type"].to_str().expect("the sandbox answers").starts_with("text/xml"));
    (answer.status(), answer.text().await.expect("the sandbox answers"))
}

/// The texts of the elements with a local name, read by another parser than any gateway's.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(xml).expect("well-formed");
    let found = document.descendants().filter(|node| node.tag_name().name() == name);
    found.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_person_is_found_and_the_question_written_down() {
    let sandbox = sandbox();
    let (status, xml) = ask(&sandbox, envelope(SEARCH, "037", THU)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(texts(&xml, "SoDinhDanh")[0], "001199000001");
    assert_eq!((&texts(&xml, "Ho")[0], &texts(&xml, "Ten")[0]), (&"Nguyễn".to_owned(), &"Thử".to_owned()));
    assert_eq!(texts(&xml, "ChiTiet")[0], "Số 1 & 2, ngõ <Mẫu>");
    assert!(xml.contains("<CongdanCollection xmlns=\"http://www.mic.gov.vn/dancu/1.0\"><CongDan>"));
    let lookups = sandbox.population().lookups();
    let one = &lookups[0];
    assert_eq!((one.request_id.as_str(), one.officer.as_str(), one.found), ("YC-1", "canbo.thu", 1));
    assert_eq!((one.kind, one.number.as_deref()), (LookupKind::Search, Some("001199000001")));
}

#[tokio::test]
async fn a_name_and_a_day_may_fit_several_people_or_nobody() {
    let sandbox = sandbox();
    let by_name = |name: &str, birth: &str| {
        envelope(SEARCH, "037", &format!("<HoVaTen>{name}</HoVaTen><NgayThangNamSinh>{birth}</NgayThangNamSinh>"))
    };
    let day = "<NgayThangNam>19900220</NgayThangNam>";
    let (_, two) = ask(&sandbox, by_name("TRANTHIMAU", day)).await;
    assert_eq!(texts(&two, "CongDan").len(), 2, "without spaces, too");
    let (_, year) = ask(&sandbox, by_name("LE DU", "<Nam>1950</Nam>")).await;
    assert_eq!((texts(&year, "Nam"), texts(&year, "SoSoHoKhau")), (vec!["1950".to_owned()], vec![String::new()]));
    let (status, nobody) = ask(&sandbox, by_name("KHONG AI", day)).await;
    assert_eq!(
        (status, texts(&nobody, "CongdanCollection").len(), texts(&nobody, "CongDan").len()),
        (StatusCode::OK, 1, 0)
    );
    sandbox.population().change_settings(|settings| settings.prefixed = true);
    let (_, prefixed) = ask(&sandbox, by_name("TRAN THI MAU", day)).await;
    assert!(prefixed.contains("<ns2:CongDan><ns2:SoDinhDanh>") && texts(&prefixed, "CongDan").len() == 2);
    let page = "<Paging><PageIndex>1</PageIndex><PageSize>1</PageSize></Paging>";
    let birth = format!("<HoVaTen>TRAN THI MAU</HoVaTen><NgayThangNamSinh>{day}</NgayThangNamSinh>{page}");
    let (_, second) = ask(&sandbox, envelope(SEARCH, "037", &birth)).await;
    assert_eq!(texts(&second, "SoDinhDanh"), ["036190000003", ""]);
}

#[tokio::test]
async fn texts_may_stand_in_cdata_and_what_is_empty_may_be_nil() {
    let sandbox = sandbox();
    sandbox.population().change_settings(|settings| (settings.cdata, settings.nil) = (true, true));
    let (_, xml) = ask(&sandbox, envelope(SEARCH, "037", THU)).await;
    assert!(xml.contains("<ChiTiet><![CDATA[Số 1 & 2, ngõ <Mẫu>]]></ChiTiet>"), "{xml}");
    assert!(xml.contains("<ChuDem xsi:nil=\"true\"/>"), "{xml}");
    assert_eq!(texts(&xml, "ChiTiet")[0], "Số 1 & 2, ngõ <Mẫu>");
}

#[tokio::test]
async fn the_check_says_yes_or_no() {
    let sandbox = sandbox();
    let wrong = THU.replace("19990115", "19990116");
    for (root, rest, expected) in
        [("XacThucThongTinCongDan", THU, "true"), ("XacThucThongTinCongDanRequest", wrong.as_str(), "false")]
    {
        let (_, xml) = ask(&sandbox, envelope(root, "033", rest)).await;
        assert_eq!(texts(&xml, "TonTai"), [expected]);
    }
    sandbox.population().change_settings(|settings| settings.digits = true);
    let (_, xml) = ask(&sandbox, envelope("XacThucThongTinCongDan", "033", THU)).await;
    assert_eq!(texts(&xml, "TonTai"), ["1"]);
}

#[tokio::test]
async fn what_is_out_of_order_or_of_the_wrong_form_is_a_fault() {
    let sandbox = sandbox();
    let (name, rest) = THU.split_once("<HoVaTen>").map(|(id, rest)| (id, format!("<HoVaTen>{rest}"))).unwrap();
    for (body, code, words) in [
        (envelope(SEARCH, "037", &format!("{rest}{name}")), "DC-20", "starting with element 'SoDinhDanh'"),
        (envelope(SEARCH, "037", name), "DC-20", "not complete. One of '{\"http://dancuquocgia.bca\":HoVaTen}'"),
        (envelope(SEARCH, "037", &format!("{THU}<Them/>")), "DC-20", "'Them'"),
        (envelope(SEARCH, "037", &THU.replace("<HoVaTen>", "<HoVaTen xmlns=\"\">")), "DC-20", "'HoVaTen'"),
        (envelope(SEARCH, "037", &THU.replace("VAN", "VĂN")), "DC-21", "viết hoa"),
        (envelope(SEARCH, "037", &THU.replace("VAN", "van")), "DC-21", "không dấu"),
        (envelope(SEARCH, "037", &THU.replace("19990115", "15/01/99")), "DC-22", "NgayThangNamSinh"),
        (envelope(SEARCH, "037", &THU.replace("001199000001", "12")), "DC-22", "SoDinhDanh"),
        (envelope(SEARCH, "037", THU).replace("YC-1", ""), "DC-22", "MaYeuCau"),
        (envelope(SEARCH, "033", THU), "DC-11", "033"),
        (envelope("XoaCongDan", "037", THU), "DC-04", "XoaCongDan"),
        (envelope(SEARCH, "037", THU).replace("dancuquocgia", "khac"), "DC-04", SEARCH),
        ("<a>".into(), "DC-01", "SOAP envelope"),
        (format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{}", envelope(SEARCH, "037", THU)), "DC-01", "SOAP envelope"),
        (
            envelope(SEARCH, "037", THU)
                .replace("schemas.xmlsoap.org/soap/envelope/", "www.w3.org/2003/05/soap-envelope"),
            "DC-02",
            "1.1",
        ),
    ] {
        let (status, xml) = ask(&sandbox, body.clone()).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
        assert_eq!(texts(&xml, "MaLoi"), [code], "{body}");
        assert!(texts(&xml, "faultstring")[0].contains(words), "{xml}");
        assert!(texts(&xml, "faultcode")[0].starts_with("soap:"));
    }
    assert_eq!(sandbox.population().lookup_count(), 0);
}

#[tokio::test]
async fn token_key_quota_and_officer_are_looked_at_in_this_order() {
    let sandbox = sandbox();
    let body = || envelope(SEARCH, "037", THU);
    let status = async |request: RequestBuilder| request.body(body()).send().await.unwrap().status();
    let bare = reqwest::Client::new().post(sandbox.url("/population/soap"));
    assert_eq!(status(bare).await, StatusCode::UNAUTHORIZED);
    let bearer = async || {
        let request = reqwest::Client::new().post(sandbox.url("/population/soap"));
        request.bearer_auth(token(&sandbox, "population").await).header("content-type", "text/xml")
    };
    assert_eq!(status(bearer().await).await, StatusCode::UNAUTHORIZED);
    let wrong = LgspKey { secret_key: "x".into(), ..LgspKey::default() };
    assert_eq!(status(bearer().await.header("lgspaccesstoken", wrong.header())).await, StatusCode::UNAUTHORIZED);
    let other = LgspKey { partner_code: "000.00.00.H01".into(), ..LgspKey::default() };
    assert_eq!(status(bearer().await.header("lgspaccesstoken", other.header())).await, StatusCode::FORBIDDEN);
    let keyed = bearer().await.header("lgspaccesstoken", LgspKey::default().header());
    let nobody = keyed.body(body()).send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(texts(&nobody.text().await.unwrap(), "MaLoi"), ["DC-10"]);
    sandbox.population().change_settings(|settings| settings.officer_must_match = true);
    let (_, xml) = ask(&sandbox, body().replace("canbo.thu", "canbo.mau")).await;
    assert_eq!(texts(&xml, "MaLoi"), ["DC-10"]);
    sandbox.population().change_settings(|settings| settings.quota = Some(2));
    let spent = request(&sandbox, "/population/soap").await.body(body()).send().await.unwrap();
    assert_eq!(spent.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sandbox.population().lookup_count(), 0);
}

#[tokio::test]
async fn the_proxy_wraps_answers_and_faults_under_200() {
    let sandbox = sandbox();
    let question = |name: &str| {
        json!({"HoVaTen": name, "MaYeuCau": "YC-2", "MaDVC": "1.001193", "MaTichHop": "037", "MaCanBo": "canbo.thu",
               "SoCMND": "100000001", "NgayThangNamSinh": {"Nam": "1999"}})
    };
    let ask = async |body: Value| {
        let request = request(&sandbox, "/population/rest/TraCuuThongTinCongDan").await;
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Value>().await.unwrap()
    };
    let found = ask(question("NGUYEN VAN THU")).await;
    assert_eq!(found["error_code"], 0);
    assert_eq!(texts(found["message"].as_str().unwrap(), "CongDan").len(), 1);
    let fault = ask(question("Nguyễn")).await;
    assert_eq!(
        (&fault["error_code"], texts(fault["message"].as_str().unwrap(), "MaLoi")),
        (&json!(-1), vec!["DC-21".to_owned()])
    );
}
