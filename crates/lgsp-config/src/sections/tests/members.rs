//! Members: what they may prove themselves with, and every way to write one wrongly.

use super::*;

#[test]
fn every_kind_of_bad_member_has_its_sentence() {
    for (more, sentence) in [
        ("secret = \"\"\n", "member[0].secret: expected a secret that is not empty"),
        ("secret = \"${UNSET_A}\"\n", "line 11: member[0].secret: the variable UNSET_A is not set"),
        ("secret = \"${\"\n", "member[0].secret: expected ${NAME}"),
        ("secret = \"file:none\"\n", "member[0].secret: cannot read the file none: no such file"),
        ("secret = \"file:${PATH}\"\n", "cannot read the file ${PATH}: no such file"),
        ("secret = 5\n", "member[0].secret: expected a string in quotes, found integer"),
        ("secret_hash = \"$2b$12$x\"\n", "member[0].secret_hash: expected an argon2id hash"),
        ("secret = \"a\"\nsecret_hash = \"b\"\n", "member[0].secret_hash: given beside the clear one"),
        ("", "member[0].secret: missing"),
        ("secret = \"a\"\nnational = { username = \"u\" }\n", "member[0].national.password: missing"),
        ("secret = \"a\"\nnational = { password = \"u\" }\n", "member[0].national.username: missing"),
        ("secret = \"a\"\nusual_push_interval = \"5s\"\n", "usual_push_interval: out of range; choose from 1m to 30d"),
    ] {
        let told = errors(&format!("{MEMBER}{more}"));
        assert!(told.contains(sentence), "{more}\n→ {told}");
        assert_eq!(told.lines().count(), 1 + usize::from(more.contains("secret_hash = \"b\"")), "{told}");
    }
    let changed = |from: &str, to: &str| errors(&format!("{}secret = \"a\"\n", MEMBER.replace(from, to)));
    assert!(changed("\"H11\"", "\"H11\", \"H 11\"").contains("member[0].agencies[1]: expected an agency code"));
    assert!(changed("[\"H11\"]", "[]").contains("member[0].agencies: expected at least one agency code"));
    assert!(changed("[\"H11\"]", "\"H11\"").contains("member[0].agencies: expected a list, found string"));
    assert!(changed("changes:read", "all").contains("member[0].scopes[0]: expected dossier:push"));
    let twice = format!("{MEMBER}secret = \"a\"\nnational = {{ username = \"u\", password = \"p\" }}\n");
    let told = errors(&format!("{twice}{twice}"));
    assert!(told.contains("member[1].id: already used by member[0]"), "{told}");
    assert!(told.contains("member[1].national: already used by member[0]"), "{told}");
}

/// What a member may prove itself with besides a secret: all of it good.
const PROOFS: &str = "certificates = [{ san = \"dns:A.vn\" }, { fingerprint = \"sha256:DIGEST\" }]\n\
    certificate_required = true\n\
    api_keys = [{ id = \"k1\", sha256 = \"DIGEST\", expires = 2027-01-01, services = [\"population\"] }]\n\
    signature_keys = [{ id = \"s1\", algorithm = \"ed25519\", public_key = \"PEM\", expires = 2027-01-01T08:00:00Z },\n\
      { id = \"s2\", algorithm = \"hmac-sha256\", secret = \"${SHARED}${SHARED}\" }]\n\
    lgsp_access = { access_key = \"h11\", secret = \"${S}\", token_required = false }\n\
    callback = { url = \"https://a.vn/hook\", secret = \"${S}\" }\n";

fn proofs() -> String {
    PROOFS.replace("DIGEST", &"0A".repeat(32))
}

#[test]
fn a_member_may_have_other_proofs_than_a_secret() {
    let member = read(&format!("{SMALLEST}{MEMBER}{}", proofs())).unwrap().members.remove(0);
    assert!(member.credential.is_none() && member.certificate_required);
    let san = crate::CertificateBinding::San(crate::San::Dns("a.vn".to_owned()));
    assert_eq!(member.certificates, [san, crate::CertificateBinding::Fingerprint(crate::Fingerprint([10; 32]))]);
    let key = &member.api_keys[0];
    assert_eq!((key.id.as_str(), key.sha256.0, key.services.as_ref().map(Vec::len)), ("k1", [10; 32], Some(1)));
    // 2027-01-01T00:00:00+07:00 and 2027-01-01T08:00:00Z.
    assert_eq!(key.expires.map(|at| at.0), Some(1_798_736_400_000));
    assert_eq!(member.signature_keys[0].expires.map(|at| at.0), Some(1_798_790_400_000));
    assert_eq!(member.signature_keys[1].expires, None);
    let access = member.lgsp_access.as_ref().unwrap();
    assert!(access.access_key == "h11" && !access.token_required);
    assert_eq!(member.callback.as_ref().unwrap().table()["url"].as_str(), Some("https://a.vn/hook"));
    assert!(!format!("{member:?}").contains(CANARY));
    for one in proofs().split_inclusive('\n').filter(|line| line.starts_with("api_keys")) {
        assert!(read(&format!("{SMALLEST}{MEMBER}{one}")).is_ok(), "{one}");
    }
}

#[test]
fn every_kind_of_bad_proof_has_its_sentence() {
    for (from, to, sentence) in [
        ("dns:A.vn", "A.vn", "member[0].certificates[0].san: expected dns:NAME"),
        ("sha256:0A", "sha256:0", "member[0].certificates[1].fingerprint: expected sha256: and 64"),
        ("san = \"dns:A.vn\"", "", "member[0].certificates[0]: missing"),
        ("{ san", "{ fingerprint = \"x\", san", "member[0].certificates[0].san: given beside a fingerprint"),
        ("certificates = ", "certificates = []\nx = ", "member[0].certificates: expected a list of 1 to 100"),
        ("sha256 = \"0A", "sha256 = \"0", "member[0].api_keys[0].sha256: expected 64 hexadecimal digits"),
        ("\"k1\"", "\"k 1\"", "member[0].api_keys[0].id: expected 1 to 128 visible"),
        ("2027-01-01,", "\"2027-01-01\",", "member[0].api_keys[0].expires: expected a date without quotes"),
        ("2027-01-01,", "2027-01-01T01:00:00,", "member[0].api_keys[0].expires: expected a date such as"),
        ("[\"population\"]", "[]", "member[0].api_keys[0].services: expected at least one"),
        ("[\"population\"]", "[\"P\"]", "member[0].api_keys[0].services[0]: expected the id of a service"),
        ("\"s1\"", "\"k1\"", "member[0].signature_keys: already used by member[0]"),
        ("ed25519", "rsa-v1_5-sha256", "member[0].signature_keys[0].algorithm: expected ed25519"),
        ("public_key", "secret", "member[0].signature_keys[0].secret: hmac-sha256 has a secret"),
        ("public_key = \"PEM\", ", "", "member[0].signature_keys[0].public_key: missing"),
        ("${SHARED}${SHARED}", "short", "member[0].signature_keys[1].secret: expected a longer secret"),
        ("access_key = \"h11\", ", "", "member[0].lgsp_access.access_key: missing"),
        ("secret = \"${S}\", token", "token", "member[0].lgsp_access.secret: missing"),
        (", token_required = false", "", "member[0].lgsp_access: counts beside a token only"),
        ("callback = {", "callback = { x = \"${UNSET_A}\",", "member[0].callback.x: the variable UNSET_A is not set"),
        ("callback = {", "callback = 1 #", "member[0].callback: expected a table"),
    ] {
        let changed = proofs().replacen(from, to, 1);
        assert_ne!(changed, proofs(), "{from}");
        let told = errors(&format!("{MEMBER}{changed}"));
        assert!(told.contains(sentence), "{from} → {to}\n→ {told}");
    }
    let told = errors(&format!("{MEMBER}secret = \"a\"\ncertificate_required = true\n"));
    assert!(told.contains("member[0].certificate_required: there are no certificates"), "{told}");
    let twice = format!("{MEMBER}{}{}{}", proofs(), MEMBER.replace("\"m\"", "\"n\""), proofs());
    let told = errors(&twice);
    for key in ["certificates", "api_keys", "signature_keys", "lgsp_access"] {
        assert!(told.contains(&format!("member[1].{key}: already used by member[0]")), "{told}");
    }
}
