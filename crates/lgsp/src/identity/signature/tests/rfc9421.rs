//! Keys, requests and signatures of RFC 9421 Appendix B, as data. The response of B.2.4 is checked by its base alone:
//! responses are not ours to verify.

use super::*;

pub(super) const ED25519: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----\n";
pub(super) const P256: &str = "-----BEGIN PUBLIC KEY-----\n\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\n\
    w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END PUBLIC KEY-----\n";
const RSA_PSS: &str = "-----BEGIN PUBLIC KEY-----\n\
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2\n\
    +QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+\n\
    oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq\n\
    gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W\n\
    Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4\n\
    aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI\n\
    2wIDAQAB\n-----END PUBLIC KEY-----\n";
const SHARED: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";

const CREATED: &str = "created=1618884473";
const DIGEST: &str =
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

/// `test-request` of B.2.
fn request_of_the_examples() -> Request {
    let headers = [
        ("host", "example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-digest", DIGEST),
        ("content-length", "18"),
    ];
    Request { body: true, ..Request::new(Method::POST, "/foo?param=Value&Pet=dog", &headers) }
}

/// The request of B.4.
fn transformed(authority: &str, method: &str, path: &str, accepts: &[&str]) -> Request {
    let uri = format!("{path}?name1=Value1&Name2=value2");
    let mut request = Request::new(method.parse().unwrap(), &uri, &[("host", authority)]);
    for accept in accepts {
        request.headers.append("accept", HeaderValue::from_str(accept).unwrap());
    }
    request
}

fn key(algorithm: SignatureAlgorithm) -> VerifyingKey {
    let text = match algorithm {
        SignatureAlgorithm::Ed25519 => ED25519,
        SignatureAlgorithm::EcdsaP256Sha256 => P256,
        SignatureAlgorithm::RsaPssSha512 => RSA_PSS,
        SignatureAlgorithm::HmacSha256 => SHARED,
    };
    let key = lgsp_config::Secret::new(text.to_owned());
    VerifyingKey::new(&SignatureKey { id: "k".parse().unwrap(), algorithm, key, expires: None }).unwrap()
}

/// Whether `signature` is that of the request, with `input` behind `@signature-params`.
fn fits(request: &Request, algorithm: SignatureAlgorithm, input: &str, signature: &str) -> bool {
    let parsed: Dictionary = Parser::new(&format!("sig={input}")).parse().unwrap();
    let ListEntry::InnerList(list) = &parsed["sig"] else { panic!("a list of components") };
    let base = Covered::read(list).unwrap().base(&request.head(), list).unwrap();
    assert!(base.ends_with(&format!("\"@signature-params\": {input}")), "{base}");
    key(algorithm).fits(base.as_bytes(), &STANDARD.decode(signature).unwrap())
}

/// Components, parameters behind `created`, algorithm, signature.
const REQUESTS: [(&str, &str, SignatureAlgorithm, &str); 5] = [
    (
        "()",
        ";keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd\"",
        SignatureAlgorithm::RsaPssSha512,
        "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==",
    ),
    (
        "(\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\")",
        ";keyid=\"test-key-rsa-pss\";tag=\"header-example\"",
        SignatureAlgorithm::RsaPssSha512,
        "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==",
    ),
    (
        "(\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"content-digest\" \"content-length\")",
        ";keyid=\"test-key-rsa-pss\"",
        SignatureAlgorithm::RsaPssSha512,
        "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==",
    ),
    (
        "(\"date\" \"@authority\" \"content-type\")",
        ";keyid=\"test-shared-secret\"",
        SignatureAlgorithm::HmacSha256,
        "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
    ),
    (
        "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")",
        ";keyid=\"test-key-ed25519\"",
        SignatureAlgorithm::Ed25519,
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
    ),
];

#[test]
fn the_signed_requests_of_the_standard_are_verified() {
    for (components, parameters, algorithm, signature) in REQUESTS {
        let input = format!("{components};{CREATED}{parameters}");
        assert!(fits(&request_of_the_examples(), algorithm, &input, signature), "{input}");
        let other = format!("{input};x=1");
        assert!(!fits(&request_of_the_examples(), algorithm, &other, signature), "{other}");
    }
}

#[test]
fn the_signed_response_of_the_standard_is_verified_by_its_base() {
    let base = format!(
        "\"@status\": 200\n\"content-type\": application/json\n\"content-digest\": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:\n\"content-length\": 23\n\"@signature-params\": (\"@status\" \"content-type\" \"content-digest\" \"content-length\");{CREATED};keyid=\"test-key-ecc-p256\""
    );
    let signature = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==";
    let signature = STANDARD.decode(signature).unwrap();
    let key = key(SignatureAlgorithm::EcdsaP256Sha256);
    assert!(key.fits(base.as_bytes(), &signature) && !key.fits(&base.as_bytes()[1..], &signature));
}

#[test]
fn the_request_behind_a_tls_terminating_proxy_is_verified() {
    let certificate = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:";
    let headers = [("host", "service.internal.example"), ("client-cert", certificate)];
    let request = Request::new(Method::POST, "/foo?param=Value&Pet=dog", &headers);
    let components = "(\"@path\" \"@query\" \"@method\" \"@authority\" \"client-cert\")";
    let input = format!("{components};{CREATED};keyid=\"test-key-ecc-p256\"");
    let signature = "xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==";
    assert!(fits(&request, SignatureAlgorithm::EcdsaP256Sha256, &input, signature));
}

#[test]
fn transformations_that_change_nothing_signed_are_harmless_and_the_others_are_not() {
    let input = format!("(\"@method\" \"@path\" \"@authority\" \"accept\");{CREATED};keyid=\"test-key-ed25519\"");
    let signature = "ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==";
    let fits = |request: Request| fits(&request, SignatureAlgorithm::Ed25519, &input, signature);
    let accepts = ["application/json", "*/*"];
    assert!(fits(transformed("example.org", "GET", "/demo", &accepts)));
    assert!(fits(transformed("EXAMPLE.org", "GET", "/demo", &["application/json, */*"])));
    assert!(!fits(transformed("example.com", "GET", "/demo", &accepts)));
    assert!(!fits(transformed("example.org", "POST", "/demo", &accepts)));
    assert!(!fits(transformed("example.org", "GET", "/other", &accepts)));
    assert!(!fits(transformed("example.org", "GET", "/demo", &["*/*", "application/json"])));
}
