//! A gateway that people sign in at, and a person in front of a browser.

use std::net::TcpListener;

use crate::browser::{Browser, Landed, field};
use crate::gateway::{Setup, World};

/// Where clients get their answers when the browser is one of the tests'.
pub(crate) const REDIRECT: &str = "https://mot-cua.test/sso";
/// Where they send people who have signed out.
pub(crate) const BYE: &str = "https://mot-cua.test/bye";

/// The providers of the sandbox.
pub(crate) const SANDBOX: &str = r#"
[[identity_provider]]
id = "vnconnect"
kind = "vnconnect"
name = "Cổng Dịch vụ công quốc gia"
name_en = "National Public Service Portal"
settings = { url = "{sandbox}/identity/vnconnect", client_id = "lgsp", client_secret = "lgsp-sandbox", allow_private = true }
[[identity_provider]]
id = "vneid"
kind = "vneid"
name = "Tài khoản VNeID"
settings = { url = "{sandbox}/identity/vneid", client_id = "lgsp", client_secret = "lgsp-sandbox", allow_private = true }
[[identity_provider]]
id = "province"
kind = "oidc"
name = "Cán bộ tỉnh"
name_en = "Officers of the province"
settings = { issuer = "{sandbox}/identity/province", client_id = "lgsp", client_secret = "lgsp-sandbox", allow_private = true }
[[identity_provider]]
id = "cas"
kind = "cas"
name = "CAS"
settings = { url = "{sandbox}/identity/cas", allow_private = true }
"#;

/// A client that is asked nothing about its people; `more` are lines of its `sign_in` table.
pub(crate) fn client(id: &str, redirect: &str, own: &str, more: &str) -> String {
    format!(
        "[[member]]\nid = \"{id}\"\nname = \"Một cửa {id}\"\nagencies = [\"H56\"]\nscopes = [\"dossier:read\"]\n{own}\n\
         [member.sign_in]\nredirect_uris = [\"{redirect}\"]\npost_logout_redirect_uris = [\"{BYE}\"]\n\
         claims = [\"profile\", \"email\", \"identity\", \"offline_access\"]\n{more}\n"
    )
}

/// A gateway whose address is known before it runs: its clients and providers have to know it.
pub(crate) struct Door {
    pub(crate) world: World,
    pub(crate) issuer: String,
}

/// Where a gateway is going to be.
pub(crate) struct Place {
    port: u16,
    pub(crate) issuer: String,
}

impl Place {
    pub(crate) fn find() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { port, issuer: format!("http://127.0.0.1:{port}") }
    }

    /// Where a provider sends people back.
    pub(crate) fn callback(&self, provider: &str) -> String {
        format!("{}/oauth2/callback/{provider}", self.issuer)
    }

    pub(crate) async fn open(self, members: String, providers: &str) -> Door {
        let Self { port, issuer } = self;
        let providers = providers.to_owned();
        let setup = Setup { port, issuer: issuer.clone(), members, providers, ..Setup::default() };
        Door { world: World::with(setup).await, issuer }
    }
}

impl Door {
    /// Chooses a provider on our page: where that leads.
    pub(crate) async fn choose(&self, browser: &mut Browser, url: &str, provider: &str) -> Landed {
        let page = browser.get(url).await.expect(200);
        let login = field(page.text(), "login");
        let to = format!("{}/oauth2/login", self.issuer);
        let sent = browser.post(&to, &[("login", &login), ("provider", provider)]).await;
        browser.follow(sent, "https://").await
    }

    /// Says at the provider's page who it is: where that leads.
    pub(crate) async fn say(&self, browser: &mut Browser, person: &str) -> Landed {
        let there = browser.visited.last().unwrap().clone();
        let sent = browser.post(&there, &[("person", person)]).await;
        browser.follow(sent, "https://").await
    }

    /// Signs in as somebody: the address with which the client gets its answer.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, url: &str, provider: &str, person: &str) -> String {
        self.choose(browser, url, provider).await.page().expect(200);
        match self.say(browser, person).await {
            Landed::Back(url) => url,
            Landed::Page(answer) => panic!("{} {}", answer.status, answer.text()),
        }
    }
}
