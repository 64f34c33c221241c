//! Who may come in: one token, sessions in exchange for it, and only from our own pages.
//!
//! ```text
//! ?token=… or POST /session ─► cookie (HttpOnly, SameSite=Strict) ─► every request
//! Authorization: Bearer …   ──────────────────────────────────────► every request
//! ```
//!
//! A browser's cookie counts only for requests from our own origin, and only under a loopback host name, so that a
//! foreign page can neither post nor rebind its name to us.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use model::problem::ProblemKind;
use subtle::ConstantTimeEq;

use super::problem::Refusal;
use crate::{
    app::App,
    clock,
    store::{self, Store, StoreError},
};

pub const COOKIE: &str = "bridgehead_session";
/// A session ends after a week.
const SESSION: Duration = Duration::from_secs(7 * 24 * 3600);
/// So many wrong tokens …
const ATTEMPTS: usize = 10;
/// … in so long a time, and the next one is not even looked at.
const WINDOW: Duration = Duration::from_secs(60);

/// Who sent a request that was let in: `token`, or `session` and a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator(pub String);

impl Operator {
    const TOKEN: &str = "token";

    /// Whoever can read the state folder: a script, or the command line of root.
    pub fn is_token(&self) -> bool {
        self.0 == Self::TOKEN
    }
}

pub struct Access {
    token: String,
    store: Store,
    /// With the numbers by which others know them.
    sessions: Mutex<BTreeMap<String, u64>>,
    failures: Mutex<VecDeque<Instant>>,
}

impl Access {
    pub fn new(store: Store) -> Result<Self, StoreError> {
        let since = clock::now().saturating_sub(u64::try_from(SESSION.as_millis()).unwrap_or(u64::MAX));
        Ok(Self {
            token: store.token()?,
            sessions: Mutex::new(store.sessions(since)?.into_iter().collect()),
            failures: Mutex::default(),
            store,
        })
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Exchanges the token for a session cookie.
    pub fn log_in(&self, token: &str) -> Result<Cookie<'static>, Refusal> {
        self.check_token(token)?;
        let id = store::random();
        let number = self.store.add_session(&id, clock::now())?;
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), number);
        Ok(Cookie::build((COOKIE, id)).path("/").http_only(true).same_site(SameSite::Strict).build())
    }

    pub fn log_out(&self, jar: &CookieJar) -> Result<(), Refusal> {
        if let Some(cookie) = jar.get(COOKIE) {
            self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(cookie.value());
            self.store.remove_session(cookie.value())?;
        }
        Ok(())
    }

    fn check_token(&self, token: &str) -> Result<(), Refusal> {
        if bool::from(self.token.as_bytes().ct_eq(token.as_bytes())) {
            return Ok(());
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        while failures.front().is_some_and(|at| at.elapsed() > WINDOW) {
            failures.pop_front();
        }
        if failures.len() >= ATTEMPTS {
            return Err(Refusal::new(
                ProblemKind::TooManyAttempts,
                format!("{ATTEMPTS} wrong tokens within {} seconds: wait a minute", WINDOW.as_secs()),
            ));
        }
        failures.push_back(Instant::now());
        Err(Refusal::new(
            ProblemKind::Unauthenticated,
            "this is not the token; `bridgehead url`, run on the host, prints a link that logs in",
        )
        .field("token"))
    }

    fn session(&self, jar: &CookieJar) -> Option<u64> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(jar.get(COOKIE)?.value()).copied()
    }

    /// Says who sent a request, or why it does not pass.
    fn admit(&self, method: &Method, headers: &HeaderMap) -> Result<Operator, Refusal> {
        if let Some(bearer) = bearer(headers) {
            return self.check_token(bearer).map(|()| Operator(Operator::TOKEN.to_owned()));
        }
        check_host(headers)?;
        let session = self.session(&CookieJar::from_headers(headers)).ok_or_else(|| {
            Refusal::new(
                ProblemKind::Unauthenticated,
                "log in first: open the link that `bridgehead url` prints, or send `Authorization: Bearer TOKEN`",
            )
        })?;
        let upgrade = headers.contains_key(header::UPGRADE);
        if upgrade || !matches!(*method, Method::GET | Method::HEAD) {
            check_origin(headers)?;
        }
        Ok(Operator(format!("session {session}")))
    }
}

/// Every request passes here. Static files and the login page need no session.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if let Some(token) = token_in(request.uri()) {
        return match check_host(request.headers()).and_then(|()| app.access.log_in(&token)) {
            Ok(cookie) => (CookieJar::new().add(cookie), Redirect::to(path)).into_response(),
            Err(refusal) => refusal.into_response(),
        };
    }
    if is_public(path, request.method()) {
        return match check_host(request.headers()) {
            Ok(()) => next.run(request).await,
            Err(refusal) => refusal.into_response(),
        };
    }
    match app.access.admit(request.method(), request.headers()) {
        Ok(operator) => {
            request.extensions_mut().insert(operator);
            next.run(request).await
        }
        Err(refusal) if is_page(path) && refusal.kind() == ProblemKind::Unauthenticated => to_login(),
        Err(refusal) => refusal.into_response(),
    }
}

fn to_login() -> Response<Body> {
    Redirect::to("/login").into_response()
}

fn is_page(path: &str) -> bool {
    !path.starts_with("/api/")
}

fn is_public(path: &str, method: &Method) -> bool {
    path == "/login"
        || is_file(path)
        || (path == "/api/v1/session" && method == Method::POST)
        || path == "/api/v1/health"
}

/// Style sheets, scripts and pictures are the same for everybody.
fn is_file(path: &str) -> bool {
    let known = |(_, ending): (&str, &str)| matches!(ending, "css" | "js" | "wasm" | "svg" | "ico" | "png");
    !path.starts_with("/api/") && path.rsplit_once('.').is_some_and(known)
}

fn token_in(uri: &Uri) -> Option<String> {
    if uri.path() != "/" {
        return None;
    }
    let value = uri.query()?.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    Some(value.chars().take(256).collect())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

/// The name under which we were called must be a loopback one: a foreign name that resolves to us is an attack.
fn check_host(headers: &HeaderMap) -> Result<(), Refusal> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_loopback(host) {
        return Ok(());
    }
    let host: String = host.chars().take(80).collect();
    Err(Refusal::new(
        ProblemKind::ForeignOrigin,
        format!(
            "the host name {host:?} is not a loopback one; open http://127.0.0.1 or http://localhost, by an SSH tunnel if need be"
        ),
    ))
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `Origin` must be ourselves (RFC 6454); a browser always sends it where this is asked.
fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (origin, host) = (text(header::ORIGIN), text(header::HOST));
    let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    if own.is_some_and(|own| !own.is_empty() && own == host) {
        return Ok(());
    }
    let origin: String = origin.chars().take(80).collect();
    Err(Refusal::new(ProblemKind::ForeignOrigin, format!("a request from {origin:?} is not accepted at {host:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn only_loopback_names_are_hosts() {
        for host in ["127.0.0.1:3000", "localhost", "localhost:8080", "[::1]:3000", "127.9.9.9"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]:3000", "localhost.evil.example"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn an_origin_must_be_the_host() {
        let host = ("host", "127.0.0.1:3000");
        assert!(check_origin(&headers(&[host, ("origin", "http://127.0.0.1:3000")])).is_ok());
        for origin in ["http://evil.example", "null", "", "http://127.0.0.1:3001", "http://"] {
            assert!(check_origin(&headers(&[host, ("origin", origin)])).is_err(), "{origin}");
        }
        assert!(check_origin(&headers(&[host])).is_err());
    }

    #[test]
    fn the_token_is_taken_from_the_front_page_only() {
        assert_eq!(token_in(&"/?token=abc&x=1".parse().expect("a URI")), Some("abc".to_owned()));
        assert_eq!(token_in(&"/api/v1/plan?token=abc".parse().expect("a URI")), None);
        assert_eq!(token_in(&"/?mytoken=abc".parse().expect("a URI")), None);
    }
}
