//! What the shipped contracts must be told to use these partners: addresses and credentials by the names of variables.
//!
//! They are secrets of nobody: every sandbox has the same.

use crate::payment;
use crate::server::Sandbox;

impl Sandbox {
    /// Names and values of the variables, for the environment of a gateway beside this sandbox.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let mut set = |name: &str, value: String| all.push((name.to_owned(), value));
        let partners = self.partners();
        let of_wso2 = [
            ("POPULATION", "/population/soap", "/population/token", partners.population.settings().access),
            ("ENTERPRISE", "/enterprise/apiCSDLDKDN/1.0", "/enterprise/token", partners.enterprise.settings().access),
            ("PROFILES", "/profiles", "/profiles/token", partners.profiles.settings().access),
            ("VNPOST", "/vnpost/api", "/vnpost/token", partners.vnpost.settings().access),
        ];
        for (prefix, address, token, access) in of_wso2 {
            set(&format!("{prefix}_URL"), self.url(address));
            set(&format!("{prefix}_TOKEN_URL"), self.url(token));
            set(&format!("{prefix}_CLIENT_ID"), access.client_id);
            set(&format!("{prefix}_CLIENT_SECRET"), access.client_secret);
        }
        set("POPULATION_ACCESS_TOKEN", partners.population.settings().lgsp_key.header());
        let ministry = partners.ministry.settings().access;
        set("MINISTRY_URL", self.url("/ministry"));
        set("MINISTRY_LOGIN_URL", self.url("/ministry/connector/connector/v1/login"));
        set("MINISTRY_CLIENT_ID", ministry.client_id);
        set("MINISTRY_CLIENT_SECRET", ministry.client_secret);
        let providers = [
            ("VNCONNECT", "/identity/vnconnect", partners.vnconnect.settings().access),
            ("VNEID", "/identity/vneid", partners.vneid.settings().access),
            ("PROVINCE", "/identity/province", partners.province.settings().access),
        ];
        for (prefix, address, access) in providers {
            set(&format!("{prefix}_URL"), self.url(address));
            set(&format!("{prefix}_CLIENT_ID"), access.client_id);
            set(&format!("{prefix}_CLIENT_SECRET"), access.client_secret);
        }
        set("CAS_URL", self.url("/identity/cas"));
        for (name, value) in self.payment_variables() {
            set(name, value);
        }
        all
    }

    /// Addresses, merchants and keys of the payment providers as they are before anybody changes their settings.
    fn payment_variables(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("VNPAY_URL", self.url("/pay-sandbox/vnpay")),
            ("MOMO_URL", self.url("/pay-sandbox/momo")),
            ("ZALOPAY_URL", self.url("/pay-sandbox/zalopay")),
            ("KEYPAY_URL", self.url("/pay-sandbox/keypay")),
            ("PAYGOV_URL", self.url("/pay-sandbox/paygov")),
            ("NATIONAL_PAYMENT_URL", self.url("/pay-sandbox/national")),
        ];
        let constants = [
            ("VNPAY_TMN_CODE", payment::VNPAY_TMN_CODE),
            ("VNPAY_HASH_SECRET", payment::VNPAY_HASH_SECRET),
            ("MOMO_PARTNER_CODE", payment::MOMO_PARTNER_CODE),
            ("MOMO_ACCESS_KEY", payment::MOMO_ACCESS_KEY),
            ("MOMO_SECRET_KEY", payment::MOMO_SECRET_KEY),
            ("ZALOPAY_APP_ID", payment::ZALOPAY_APP_ID),
            ("ZALOPAY_KEY1", payment::ZALOPAY_KEY1),
            ("ZALOPAY_KEY2", payment::ZALOPAY_KEY2),
            ("KEYPAY_CLIENT_ID", payment::KEYPAY_CLIENT_ID),
            ("KEYPAY_HASH_KEY_1", payment::KEYPAY_HASH_KEY_1),
            ("KEYPAY_HASH_KEY_2", payment::KEYPAY_HASH_KEY_2),
            ("PAYGOV_PARTNER_CODE", payment::PAYGOV_PARTNER_CODE),
            ("PAYGOV_ACCESS_KEY", payment::PAYGOV_ACCESS_KEY),
            ("PAYGOV_SECRET_KEY", payment::PAYGOV_SECRET_KEY),
            ("NATIONAL_PAYMENT_PARTNER", payment::NATIONAL_PARTNER),
            ("NATIONAL_PAYMENT_SECRET", payment::NATIONAL_SECRET),
        ];
        all.extend(constants.map(|(name, value)| (name, value.to_owned())));
        all
    }
}
