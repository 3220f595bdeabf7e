//! A browser as far as signing in needs one: it keeps cookies, follows redirects when it is told to, and sends forms. It runs
//! no scripts, as the pages need none.

use std::collections::BTreeMap;

use reqwest::redirect::Policy;

use crate::gateway::{Answer, send};

/// A browser with its cookies, by host.
pub(crate) struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Every address that it was at.
    pub(crate) visited: Vec<String>,
}

/// Redirects that it follows in a row: more are a loop.
const MOST_REDIRECTS: usize = 10;

impl Browser {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Self { http, cookies: BTreeMap::new(), visited: Vec::new() }
    }

    pub(crate) async fn get(&mut self, url: &str) -> Answer {
        self.send(self.http.get(url), url).await
    }

    pub(crate) async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Answer {
        let origin = host_of(url);
        self.send(self.http.post(url).form(form).header("origin", format!("http://{origin}")), url).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder, url: &str) -> Answer {
        self.visited.push(url.to_owned());
        let jar = self.cookies.entry(host_of(url)).or_default();
        let cookies = jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies) };
        let answer = send(request).await;
        for value in answer.headers.get_all("set-cookie") {
            let (pair, attributes) = value.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if name.starts_with("__Host-") {
                assert!(
                    attributes.contains("Secure") && attributes.contains("Path=/") && !attributes.contains("Domain")
                );
            }
            if attributes.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Follows redirects up to an address that begins with `until`, which it does not visit; otherwise to a page.
    pub(crate) async fn follow(&mut self, mut answer: Answer, until: &str) -> Landed {
        for _ in 0..MOST_REDIRECTS {
            if !(300..400).contains(&answer.status) {
                return Landed::Page(answer);
            }
            let to = answer.header("location").to_owned();
            if to.starts_with(until) {
                return Landed::Back(to);
            }
            answer = self.get(&to).await;
        }
        panic!("redirected in a circle: {:?}", self.visited);
    }

    pub(crate) fn cookie(&self, host: &str, name: &str) -> Option<&String> {
        self.cookies.get(host)?.get(name)
    }

    pub(crate) fn set_cookie(&mut self, host: &str, name: &str, value: &str) {
        self.cookies.entry(host.to_owned()).or_default().insert(name.to_owned(), value.to_owned());
    }
}

/// Where redirects led.
pub(crate) enum Landed {
    Page(Answer),
    Back(String),
}

impl Landed {
    #[track_caller]
    pub(crate) fn page(self) -> Answer {
        match self {
            Self::Page(answer) => answer,
            Self::Back(url) => panic!("sent back to {url}"),
        }
    }

    /// The parameters that came back.
    #[track_caller]
    pub(crate) fn back(self) -> BTreeMap<String, String> {
        match self {
            Self::Back(url) => query_of(&url),
            Self::Page(answer) => panic!("{} {}", answer.status, answer.text()),
        }
    }
}

pub(crate) fn host_of(url: &str) -> String {
    url.split("://").nth(1).unwrap().split(['/', '?']).next().unwrap().to_owned()
}

pub(crate) fn query_of(url: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(url).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// The value of a hidden field of a page.
pub(crate) fn field(page: &str, name: &str) -> String {
    let at = page.find(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name} in {page}"));
    page[at..].split('"').nth(3).unwrap().to_owned()
}
