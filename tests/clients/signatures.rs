//! Requests that somebody else's implementation of RFC 9421 signed.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use crate::gateway::{Setup, World};
use crate::tool::Tool;

/// A key that is known, and its line in the configuration.
struct Key {
    id: &'static str,
    algorithm: &'static str,
    private: String,
    line: String,
}

fn keys() -> Vec<Key> {
    let mut keys: Vec<Key> = [
        ("ed25519", &PKCS_ED25519),
        ("ecdsa-p256-sha256", &PKCS_ECDSA_P256_SHA256),
        ("rsa-pss-sha512", &PKCS_RSA_SHA256),
    ]
    .into_iter()
    .map(|(algorithm, kind)| {
        let pair = KeyPair::generate_for(kind).unwrap();
        let line = format!("public_key = '''{}'''", pair.public_key_pem());
        let private = if algorithm == "ed25519" { first_version(&pair) } else { pair.serialize_pem() };
        Key { id: algorithm, algorithm, private, line }
    })
    .collect();
    let mut secret = [0u8; 32];
    rand::fill(&mut secret).unwrap();
    let private = STANDARD.encode(secret);
    keys.push(Key { id: "hmac", algorithm: "hmac-sha256", line: format!("secret = \"{private}\""), private });
    keys
}

/// An Ed25519 key in the first version of PKCS #8: the other implementation does not read the second, which has the public
/// key too.
fn first_version(pair: &KeyPair) -> String {
    let head = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let seed = pair.serialized_der().windows(2).position(|start| start == [0x04, 0x20]).unwrap() + 2;
    let der = [&head[..], &pair.serialized_der()[seed..seed + 32]].concat();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_signed_by_somebody_elses_implementation_are_taken_once_and_unchanged() {
    let keys = keys();
    let tables: Vec<String> = keys
        .iter()
        .map(|key| format!("{{ id = \"{}\", algorithm = \"{}\", {} }}", key.id, key.algorithm, key.line))
        .collect();
    let members = format!(
        "[[member]]\nid = \"vendor\"\nname = \"vendor\"\nagencies = [\"H56\"]\nscopes = [\"service:echo\"]\n\
         signature_keys = [{}]\n",
        tables.join(", ")
    );
    let contract = "id = \"echo\"\nversion = \"1\"\nvalid_from = 2025-01-01\ntitle = { vi = \"Vọng\", en = \"Echo\" }\n\
                    description = { vi = \"Vọng\", en = \"Echo\" }\nowner = \"tests\"\nmode = \"proxy\"\n\
                    [expose]\npath = \"/services/echo\"\nformat = \"any\"\nauthentication = [\"signature\"]\n\
                    [upstream]\nservers = [\"{sandbox}/echo\"]\n\
                    [[operation]]\nname = \"all\"\nmethod = \"*\"\npath = \"/{*rest}\"\n";
    let contracts = vec![("echo/contract.toml".to_owned(), contract.to_owned())];
    let world = World::with(Setup { members, contracts, ..Setup::default() }).await;
    let url = world.url("/services/echo/any?a=1&b=%C4%90");
    let body = r#"{"HoVaTen": "Thử"}"#;
    let whole = ["@method", "@target-uri", "content-digest", "content-type"];
    let parts = ["@method", "@authority", "@path", "@query", "content-digest", "content-type", "date"];
    let mut asked = Vec::new();
    let mut expected = Vec::new();
    for key in &keys {
        let call = json!({"algorithm": key.algorithm, "key_id": key.id, "key": key.private, "method": "POST", "url": url,
                          "body": body, "covered": whole});
        let with = |name: &str, value: Value| {
            let mut call = call.clone();
            call[name] = value;
            call
        };
        asked.push(with("times", json!(2)));
        expected.push(json!([200, 401]));
        asked.push(with("covered", json!(parts)));
        expected.push(json!([200]));
        asked.push(with("sent_body", json!(r#"{"HoVaTen": "Khác"}"#)));
        expected.push(json!([401]));
        asked.push(with("covered", json!(["@method", "@target-uri"])));
        expected.push(json!([401]));
        asked.push(with("key_id", json!("nobody")));
        expected.push(json!([401]));
        let mut get = with("method", json!("GET"));
        get["covered"] = json!(["@method", "@target-uri"]);
        get.as_object_mut().unwrap().remove("body");
        asked.push(get);
        expected.push(json!([200]));
    }
    let Some(said) = Tool::Signer.run(json!({"calls": asked})).await else { return };
    assert_eq!(said, Value::Array(expected));
}
