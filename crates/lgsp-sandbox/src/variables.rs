//! What the shipped contracts must be told to use these partners: addresses and credentials by the names of variables.
//!
//! They are secrets of nobody: every sandbox has the same.

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
        all
    }
}
