//! People sign in with a browser that people use: Chromium, by the keyboard alone, with scripts switched off.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::door::{Place, SANDBOX, client};
use crate::gateway::secret_of;
use crate::program::{Program, Software};

/// A page that no image is missing from is larger than this in a picture.
const SMALLEST_PICTURE: u64 = 2000;

/// The browser, and what its pages outside the gateway are called.
struct Person {
    browser: Program,
    back: String,
    trap: String,
}

impl Person {
    fn sit_down() -> Option<Self> {
        let mut browser = Program::start(Software::Chromium)?;
        let program = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(in_path).unwrap();
        let started = browser.ask("start", json!({"program": program}));
        let text = |name: &str| started[name].as_str().unwrap().to_owned();
        Some(Self { browser, back: text("back"), trap: text("trap") })
    }
}

fn in_path(name: &str) -> Option<std::path::PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|program| program.exists())
}

/// What a page of ours has to be for everybody.
fn assert_accessible(page: &Value, lang: &str) {
    assert_eq!(page["lang"], lang, "{page}");
    assert_eq!(page["headings"].as_array().map(Vec::len), Some(1), "{page}");
    assert_eq!((&page["mains"], &page["scripts"]), (&1.into(), &0.into()), "{page}");
    assert_eq!(page["title"], page["headings"][0], "{page}");
    assert!(page["buttons"].as_array().unwrap().iter().all(|name| name != ""), "{page}");
    assert_eq!(page["overflows"], false, "it has to fit 320 pixels: {page}");
    assert_eq!(page["pressed"]["visible"], true, "the focus has to be seen: {page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_through_each_provider_in_chromium_by_keyboard_without_scripts() {
    let (Some(mut person), Some(mut party)) = (Person::sit_down(), Program::start(Software::OpenidClient)) else {
        return;
    };
    let place = Place::find();
    let members = client("counter", &person.back, "secret = \"secret-of-counter\"", "");
    let door = place.open(members, SANDBOX).await;
    party.ask(
        "meet",
        json!({"issuer": door.issuer, "id": "counter", "proof": "basic", "algorithm": "ES256",
                             "secret": secret_of("counter"), "redirect": person.back}),
    );
    let pictures = TempDir::new().unwrap();
    let own =
        [door.issuer.as_str(), &format!("http://{}", door.world.sandbox.addr()), person.back.trim_end_matches("/back")];
    for (provider, who, kind, lang, button) in [
        ("vnconnect", "thu", "citizen", "vi", "Cổng Dịch vụ công quốc gia"),
        ("vneid", "thu", "citizen", "en", "Tài khoản VNeID"),
        ("province", "lan", "officer", "en", "Officers of the province"),
        ("cas", "phuc", "officer", "vi", "CAS"),
    ] {
        let url = party.text("begin", json!({"scope": "openid profile"}));
        let asked = json!({"url": url, "language": lang, "provider": provider, "person": who, "answer": "allow",
                           "pictures": pictures.path()});
        let did = person.browser.ask("sign_in", asked);
        let seen = &did["seen"];
        for page in ["choice", "consent"] {
            assert_accessible(&seen[page], lang);
            let picture = pictures.path().join(format!("{page}.png"));
            assert!(std::fs::metadata(picture).unwrap().len() > SMALLEST_PICTURE, "{page} is blank");
        }
        assert!(seen["choice"]["buttons"].as_array().unwrap().contains(&button.into()), "{did}");
        assert!(seen["consent"]["text"].as_str().unwrap().contains("Một cửa counter"), "{did}");
        let outside: Vec<_> =
            did["asked"].as_array().unwrap().iter().filter(|at| !own.contains(&at.as_str().unwrap())).collect();
        assert_eq!(outside, Vec::<&Value>::new(), "nothing is fetched from elsewhere");
        let cookies = did["cookies"].as_array().unwrap();
        assert_eq!(cookies.len(), 2, "{did}");
        for cookie in cookies {
            assert_eq!(
                (&cookie["secure"], &cookie["httpOnly"], &cookie["sameSite"], &cookie["path"]),
                (&true.into(), &true.into(), &"Lax".into(), &"/".into()),
                "{cookie}"
            );
        }
        let got = party.ask("finish", json!({"url": did["back"]}));
        assert_eq!((&got["claims"]["idp"], &got["claims"]["kind"]), (&provider.into(), &kind.into()), "{got}");
        let known = party.ask("userinfo", json!({}));
        assert!(known["name"].as_str().is_some_and(|name| !name.is_empty()), "{known}");
    }
    let url = party.text("begin", json!({"scope": "openid profile"}));
    let asked = json!({"url": url, "language": "vi", "provider": "vneid", "person": "thu", "answer": "deny",
                       "pictures": pictures.path()});
    let did = person.browser.ask("sign_in", asked);
    let error = party.try_ask("finish", json!({"url": did["back"]})).unwrap_err();
    assert!(error.contains("access_denied"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_neither_agrees_nor_signs_out_in_chromium() {
    let (Some(mut person), Some(mut party)) = (Person::sit_down(), Program::start(Software::OpenidClient)) else {
        return;
    };
    let members = client("counter", &person.back, "secret = \"secret-of-counter\"", "");
    let door = Place::find().open(members, SANDBOX).await;
    party.ask(
        "meet",
        json!({"issuer": door.issuer, "id": "counter", "proof": "basic", "algorithm": "ES256",
                             "secret": secret_of("counter"), "redirect": person.back}),
    );
    let url = party.text("begin", json!({"scope": "openid profile"}));
    let at = |path: &str| format!("{}/oauth2/{path}", door.issuer);
    let asked = json!({"url": url, "provider": "vneid", "person": "thu", "answer": "allow", "trap": person.trap,
                       "to": {"consent": {"to": at("consent")}, "logout": {"to": at("logout"), "sign_out": "x"}}});
    let did = person.browser.ask("trapped", asked);
    let tried = &did["tries"]["consent"];
    assert!(tried["status"].as_u64().unwrap() >= 400, "{did}");
    assert_eq!(tried["at"], at("consent").as_str(), "it does not come back to the client: {did}");
    // The sign-in under way was not disturbed: what the person says himself counts.
    let got = party.ask("finish", json!({"url": did["after"]}));
    assert_eq!(got["claims"]["idp"], "vneid");
    party.ask("userinfo", json!({}));
}
