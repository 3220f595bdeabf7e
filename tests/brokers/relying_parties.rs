//! Relying parties that others wrote sign people in with us, from discovery to signing out.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::door::{BYE, Door, Place, REDIRECT, SANDBOX, client};
use crate::gateway::secret_of;
use crate::program::{Program, Software};

/// A client, how it proves itself, what its id tokens are signed with, and somebody who signs in to it.
struct Case {
    id: &'static str,
    proof: &'static str,
    algorithm: &'static str,
    provider: &'static str,
    person: &'static str,
    kind: &'static str,
}

const CASES: [Case; 3] = [
    Case { id: "es", proof: "basic", algorithm: "ES256", provider: "vnconnect", person: "thu", kind: "citizen" },
    Case { id: "ed", proof: "form", algorithm: "EdDSA", provider: "vneid", person: "thu", kind: "citizen" },
    Case { id: "rs", proof: "key", algorithm: "RS256", provider: "province", person: "lan", kind: "officer" },
];

/// The client that proves itself by a key.
const KEY: &str = "rs-2027";

/// A gateway with these clients; `more` are lines of each one's `sign_in` table.
async fn door(public_key: &str, more: &str) -> Door {
    let members: String = CASES.iter().map(|case| {
        let own = if case.proof == "key" {
            let algorithm = "ecdsa-p256-sha256";
            format!("signature_keys = [{{ id = \"{KEY}\", algorithm = \"{algorithm}\", public_key = '''{public_key}''' }}]")
        } else {
            format!("secret = \"{}\"", secret_of(case.id))
        };
        let more = format!("trusted = true\nid_token_alg = \"{}\"\n{more}", case.algorithm);
        client(case.id, REDIRECT, &own, &more)
    }).collect();
    Place::find().open(members, SANDBOX).await
}

fn meet(door: &Door, case: &Case) -> Value {
    let mut known = json!({"issuer": door.issuer, "id": case.id, "proof": case.proof, "algorithm": case.algorithm,
                           "redirect": REDIRECT});
    if case.proof == "key" {
        known["kid"] = KEY.into();
    } else {
        known["secret"] = secret_of(case.id).into();
    }
    known
}

/// From the question who somebody is to the end of what came of it.
async fn whole_flow(door: &Door, party: &mut Program, case: &Case) {
    party.ask("meet", meet(door, case));
    let mut browser = Browser::new();
    let url = party.text("begin", json!({"scope": "openid profile offline_access"}));
    let back = door.sign_in(&mut browser, &url, case.provider, case.person).await;
    let got = party.ask("finish", json!({"url": back}));
    let claims = &got["claims"];
    assert_eq!((&claims["idp"], &claims["kind"]), (&case.provider.into(), &case.kind.into()), "{got}");
    assert_eq!((&got["refreshable"], &got["scope"]), (&true.into(), &"openid profile offline_access".into()));
    assert!(got["type"].as_str().unwrap().eq_ignore_ascii_case("bearer"), "{got}");

    let person = party.ask("userinfo", json!({}));
    assert_eq!(person["sub"], claims["sub"]);
    assert!(person["name"].as_str().is_some_and(|name| !name.is_empty()), "{person}");
    let verified = party.ask("verify", json!({}));
    assert_eq!(verified["id_token"]["header"]["alg"], case.algorithm);
    assert_eq!(verified["access_token"]["header"]["typ"], "at+jwt");
    assert_eq!(verified["access_token"]["claims"]["sub"], claims["sub"]);

    let introspected = party.ask("introspect", json!({}));
    assert_eq!((&introspected["active"], &introspected["client_id"]), (&true.into(), &case.id.into()));
    let refreshed = party.ask("refresh", json!({}));
    assert_eq!(refreshed["claims"]["sub"], claims["sub"]);
    party.ask("userinfo", json!({}));
    party.ask("revoke", json!({}));
    assert_eq!(party.ask("introspect", json!({}))["active"], false);
    party.try_ask("userinfo", json!({})).unwrap_err();

    party.ask("refresh", json!({}));
    party.ask("userinfo", json!({}));
    let out = party.text("sign_out", json!({"back": BYE}));
    let sent = browser.get(&out).await.expect(303);
    assert_eq!(sent.header("location"), format!("{BYE}?state=out"));
    party.try_ask("userinfo", json!({})).unwrap_err();
    let error = party.try_ask("refresh", json!({})).unwrap_err();
    assert!(error.contains("invalid_grant"), "{error}");
    let error = party.try_ask("finish", json!({"url": back})).unwrap_err();
    assert!(error.contains("invalid_grant"), "{error}");
}

async fn whole_flows(software: Software) {
    let Some(mut party) = Program::start(software) else { return };
    let public_key = party.text("key", json!({"algorithm": "ES256"}));
    let door = door(&public_key, "").await;
    for case in &CASES {
        whole_flow(&door, &mut party, case).await;
    }
    // With a key that the gateway does not know, or a wrong secret, nothing comes of it.
    party.ask("key", json!({"algorithm": "ES256"}));
    for case in &CASES {
        let mut known = meet(&door, case);
        if case.proof != "key" {
            known["secret"] = "not-the-secret".into();
        }
        party.ask("meet", known);
        let url = party.text("begin", json!({"scope": "openid"}));
        let back = door.sign_in(&mut Browser::new(), &url, case.provider, case.person).await;
        let error = party.try_ask("finish", json!({"url": back})).unwrap_err();
        assert!(error.contains("invalid_client"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_signs_people_in_and_out_however_it_proves_itself() {
    whole_flows(Software::OpenidClient).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_signs_people_in_and_out_however_it_proves_itself() {
    whole_flows(Software::Authlib).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_pushes_its_question_and_binds_what_it_gets_to_its_key() {
    let Some(mut party) = Program::start(Software::OpenidClient) else { return };
    let public_key = party.text("key", json!({"algorithm": "ES256"}));
    let door = door(&public_key, "").await;
    for (case, bound) in [(&CASES[0], false), (&CASES[1], true), (&CASES[2], true)] {
        let mut known = meet(&door, case);
        known["bound"] = bound.into();
        party.ask("meet", known);
        let url = party.text("begin", json!({"scope": "openid profile offline_access", "pushed": true}));
        assert!(url.contains("request_uri=urn") && !url.contains("code_challenge"), "{url}");
        let back = door.sign_in(&mut Browser::new(), &url, case.provider, case.person).await;
        let got = party.ask("finish", json!({"url": back}));
        let wanted = if bound { "dpop" } else { "bearer" };
        assert!(got["type"].as_str().unwrap().eq_ignore_ascii_case(wanted), "{got}");
        party.ask("userinfo", json!({}));
        party.ask("refresh", json!({}));
        party.ask("userinfo", json!({}));
        let verified = party.ask("verify", json!({}));
        assert_eq!(verified["access_token"]["claims"]["cnf"]["jkt"].is_string(), bound, "{verified}");
        let stolen = party.ask("stolen", json!({}));
        assert_eq!(stolen, if bound { 401 } else { 200 }, "{}", case.id);
        // The name of a pushed question counts once.
        Browser::new().get(&url).await.expect(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_get_tokens_in_their_own_name_and_hand_a_persons_on() {
    for software in [Software::OpenidClient, Software::Authlib] {
        let Some(mut party) = Program::start(software) else { continue };
        let public_key = party.text("key", json!({"algorithm": "ES256"}));
        let door = door(&public_key, "").await;
        for case in &CASES {
            party.ask("meet", meet(&door, case));
            let got = party.ask("machine", json!({"scope": "dossier:read"}));
            assert_eq!((&got["claims"]["sub"], &got["claims"]["scope"]), (&case.id.into(), &"dossier:read".into()));
            let error = party.try_ask("machine", json!({"scope": "dossier:push"})).unwrap_err();
            assert!(error.contains("invalid_scope"), "{error}");
        }
        if software == Software::Authlib {
            continue; // it has no words for the rest
        }
        let case = &CASES[2];
        let mut known = meet(&door, case);
        known["bound"] = true.into();
        party.ask("meet", known);
        let url = party.text("begin", json!({"scope": "openid"}));
        let back = door.sign_in(&mut Browser::new(), &url, case.provider, case.person).await;
        let person = party.ask("finish", json!({"url": back}))["claims"]["sub"].clone();
        let swapped = party.ask("swap", json!({"audience": "es"}));
        let claims = &swapped["claims"];
        assert_eq!((&claims["sub"], &claims["act"]["sub"]), (&person, &case.id.into()), "{swapped}");
        assert!(claims["cnf"]["jkt"].is_string() && claims["scope"] == "", "{swapped}");
        party.try_ask("swap", json!({"audience": "nobody"})).unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_once_is_known_to_all_clients_and_all_hear_that_he_left() {
    let Some(mut party) = Program::start(Software::OpenidClient) else { return };
    let public_key = party.text("key", json!({"algorithm": "ES256"}));
    let ear = party.text("listen", json!({}));
    let door = door(&public_key, &format!("backchannel_logout = \"{ear}\"")).await;
    let mut browser = Browser::new();
    let mut sessions = Vec::new();
    for case in &CASES {
        party.ask("meet", meet(&door, case));
        let url = party.text("begin", json!({"scope": "openid"}));
        let back = if sessions.is_empty() {
            door.sign_in(&mut browser, &url, case.provider, case.person).await
        } else {
            browser.get(&url).await.expect(303).header("location").to_owned()
        };
        sessions.push(party.ask("finish", json!({"url": back}))["claims"]["sid"].clone());
    }
    assert!(sessions.iter().all(|sid| *sid == sessions[0]), "{sessions:?}");
    let out = party.text("sign_out", json!({"back": BYE}));
    browser.get(&out).await.expect(303);
    let told = party.ask("told", json!({"count": CASES.len()}));
    for case in &CASES {
        let word = told.as_array().unwrap().iter().find(|word| word["claims"]["aud"] == case.id).unwrap();
        assert_eq!((&word["header"]["alg"], &word["claims"]["sid"]), (&case.algorithm.into(), &sessions[0]), "{word}");
        assert!(word["claims"]["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
        assert!(word["claims"].get("nonce").is_none());
    }
}
