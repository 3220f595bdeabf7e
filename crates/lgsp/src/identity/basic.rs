//! `Authorization`: its scheme, and member id and secret of `Basic` (RFC 7617). It checks no secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lgsp_config::Secret;

/// The longest encoded pair in bytes: an id has 64, a secret some hundred.
const MAX_ENCODED: usize = 4096;

/// The credentials after a scheme, when it is this one.
pub(crate) fn credentials<'a>(value: &'a str, wanted: &str) -> Option<&'a str> {
    let (scheme, rest) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| rest.trim())
}

/// The pair that `encoded` stands for. The secret is all that follows the first colon.
pub(crate) fn pair(encoded: &str) -> Option<(String, Secret)> {
    if encoded.len() > MAX_ENCODED {
        return None;
    }
    let text = Secret::new(String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?);
    let (id, secret) = text.expose().split_once(':')?;
    Some((id.to_owned(), Secret::new(secret.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_are_read_up_to_the_first_colon() {
        let (id, secret) = pair(&STANDARD.encode("h11:a:b%20ư")).unwrap();
        assert_eq!((id.as_str(), secret.expose()), ("h11", "a:b%20ư"));
        for bad in ["", "h11:secret", "aDEx", &STANDARD.encode([0xff, b':', 0xfe]), &"QUFB".repeat(2000)] {
            assert!(pair(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_scheme_counts_in_either_case() {
        assert_eq!(credentials("bAsIc  abc ", "Basic"), Some("abc"));
        for bad in ["Basic", "Bearer abc", "", "Basicabc d"] {
            assert_eq!(credentials(bad, "Basic"), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_pair_or_none(text in any::<String>()) {
            let _ = pair(&text);
            let encoded = STANDARD.encode(&text);
            prop_assert_eq!(pair(&encoded).is_some(), text.contains(':') && encoded.len() <= MAX_ENCODED);
        }
    }
}
