//! Values that never print and are wiped from memory. They do not compare themselves: a comparison in constant time
//! is the business of the crypto provider.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::Problem;

/// What every secret prints.
const REDACTED: &str = "[secret]";

/// A password, token or key in clear text. `Debug` and `Display` print a placeholder.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over `text`, which is wiped when the secret is dropped.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. Every call of this is a place to look at.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// An argon2id password hash in the PHC string form (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`), its syntax and costs
/// checked. It prints a placeholder too: a hash can be attacked at leisure.
#[derive(Clone)]
pub struct PasswordHash(Zeroizing<String>);

/// The most memory of one check in KiB (256 MiB): a hash from a file must not be able to exhaust the machine.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
/// The most passes of one check, for the same reason.
const MAX_PASSES: u32 = 16;

impl PasswordHash {
    /// A hash that did not come from the file; `None` when it is none, or costs too much to check.
    pub fn of(text: String) -> Option<Self> {
        Self::parse(text).ok()
    }

    /// Checks the form; the text itself never gets into the error.
    pub(crate) fn parse(text: String) -> Result<Self, Problem> {
        let text = Zeroizing::new(text);
        let refused = Problem::Expected("an argon2id hash such as $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>");
        let Ok(hash) = argon2::PasswordHash::new(&text) else { return Err(refused) };
        let Ok(params) = argon2::Params::try_from(&hash) else { return Err(refused) };
        if hash.algorithm.as_str() != "argon2id" || hash.salt.is_none() || hash.hash.is_none() {
            return Err(refused);
        }
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES {
            return Err(Problem::Expected("an argon2id hash that costs at most m=262144 (256 MiB) and t=16"));
        }
        Ok(Self(text))
    }

    /// The hash in PHC form, for the verifier.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                        CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApz8ArZRb2GRPPc";

    #[test]
    fn a_secret_prints_a_placeholder_in_every_way() {
        let secret = Secret::new("canary-7f3a".to_owned());
        let hash = PasswordHash::parse(GOOD.to_owned()).unwrap();
        assert_eq!(format!("{secret} {secret:?} {hash:?}"), "[secret] [secret] [secret]");
        assert_eq!(secret.expose(), "canary-7f3a");
        assert_eq!(hash.expose(), GOOD);
    }

    #[test]
    fn only_affordable_argon2id_hashes_are_taken() {
        for bad in [
            String::new(),
            "password".to_owned(),
            GOOD.replace("argon2id", "argon2d"),
            GOOD.replace("argon2id", "scrypt"),
            GOOD.replace("m=19456", "m=1000000000"),
            GOOD.replace("t=2", "t=500"),
            GOOD.replace("m=19456", "m=oops"),
            GOOD.rsplit_once('$').unwrap().0.to_owned(),
        ] {
            let problem = PasswordHash::parse(bad.clone()).unwrap_err().to_string();
            assert!(problem.contains("argon2id"), "{bad}: {problem}");
        }
    }
}
