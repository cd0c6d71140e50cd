//! A scripted browser: keeps cookies, follows redirects, fills in forms; and the provider it logs in at.
//! Not here: JavaScript, so pages that need it are no pages for this browser. Shared by tests of several crates.

mod provider;

use std::collections::BTreeMap;

pub(crate) use provider::Provider;
use reqwest::{Client, Method, Response, Url, header, redirect::Policy};

/// The most pages and redirects of one login.
const MAX_STEPS: usize = 20;

/// A browser with its cookies.
pub(crate) struct Browser {
    client: Client,
    /// By name and path.
    cookies: BTreeMap<(String, String), String>,
}

/// What a visit came to.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { client, cookies: BTreeMap::new() }
    }

    /// Opens `start`, logs in as `user` and consents, until the provider sends the browser elsewhere; returns
    /// where to, without going there.
    pub(crate) async fn log_in(&mut self, start: &Url, user: &str) -> Url {
        let (mut method, mut url, mut form) = (Method::GET, start.clone(), Vec::new());
        for _ in 0..MAX_STEPS {
            let response = self.send(method, &url, &form).await;
            if let Some(location) = response.headers().get(header::LOCATION) {
                let next = url.join(location.to_str().unwrap()).unwrap();
                if next.origin() != start.origin() {
                    return next;
                }
                (method, url, form) = (Method::GET, next, Vec::new());
                continue;
            }
            let status = response.status();
            let page = response.text().await.unwrap();
            let (action, fields) =
                form_of(&page).unwrap_or_else(|| panic!("status {status}, and no form at {url}:\n{page}"));
            url = url.join(&action).unwrap();
            form = fields;
            for (name, value) in &mut form {
                match name.as_str() {
                    "login" => user.clone_into(value),
                    "password" => "any password will do".clone_into(value),
                    _ => {}
                }
            }
            method = Method::POST;
        }
        panic!("the provider kept sending the browser around, last to {url}");
    }

    /// Opens a page outside the provider, without its cookies.
    pub(crate) async fn visit(&self, url: Url) -> Page {
        let response = self.client.get(url).send().await.unwrap();
        Page { status: response.status().as_u16(), body: response.text().await.unwrap() }
    }

    async fn send(&mut self, method: Method, url: &Url, form: &[(String, String)]) -> Response {
        let sent = |(name, path): &(String, String), value: &String| {
            url.path().starts_with(path.as_str()).then(|| format!("{name}={value}"))
        };
        let cookies: Vec<_> = self.cookies.iter().filter_map(|(key, value)| sent(key, value)).collect();
        let mut request = self.client.request(method.clone(), url.clone());
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if method == Method::POST {
            request = request.form(form);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().unwrap());
        }
        response
    }

    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let path = parts.find_map(|part| part.strip_prefix("path=")).unwrap_or("/");
        let key = (name.to_owned(), path.to_owned());
        if value.is_empty() {
            self.cookies.remove(&key);
        } else {
            self.cookies.insert(key, value.to_owned());
        }
    }
}

/// Returns the address and the named fields of the first form of a page.
fn form_of(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let form = page.split_once("<form")?.1.split_once("</form>")?.0;
    let attribute = |tag: &str, name: &str| {
        let value = tag.split_once(&format!("{name}=\""))?.1.split_once('"')?.0;
        Some(value.replace("&amp;", "&"))
    };
    let action = attribute(form, "action")?;
    let field = |tag: &str| Some((attribute(tag, " name")?, attribute(tag, " value").unwrap_or_default()));
    let fields = form.split("<input").skip(1).filter_map(|rest| field(rest.split_once('>')?.0)).collect();
    Some((action, fields))
}
