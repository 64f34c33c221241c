//! The server: pages, API and the live socket.

pub mod access;
mod change;
mod document;
mod draft;
mod explain;
mod export;
mod here;
mod history;
mod live;
mod login;
mod observed;
mod page;
mod plan;
pub mod problem;
mod proof;
mod read;
mod session;
mod site;
mod ssh;
mod trace;

use std::{error::Error, fs, os::fd::FromRawFd, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    middleware,
    routing::get,
};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::oneshot};
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, set_header::SetResponseHeaderLayer, trace::TraceLayer,
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    app::{App, Parts},
    apply::Engine,
    config::Serve,
    host::Host,
    store::Store,
    trace::Tracer,
    watch::Watch,
};

#[derive(OpenApi)]
#[openapi(info(title = "Bridgehead", description = "The network of a KVM cluster: observed, planned, changed."))]
struct Description;

/// Where a running server is found, written for the command line of the same world.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Running {
    pub url: String,
    pub token: String,
    pub pid: u32,
}

impl Running {
    pub const FILE: &str = "server.json";
    /// The folder where the command line looks.
    pub const FOLDER: &str = "/run/bridgehead";
}

pub fn main(serve: Serve) -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(serve))
}

async fn run(serve: Serve) -> Result<(), Box<dyn Error>> {
    let listener = listen(&serve)?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(format!(
            "{address} can be reached from other machines: without a password and TLS, Bridgehead listens on loopback only. \
             Use --listen 127.0.0.1:{} and an SSH tunnel (ssh -L 3000:127.0.0.1:{} HOST)",
            address.port(),
            address.port()
        )
        .into());
    }
    let store = Store::open(&serve.state)?;
    let _served = store.serve()?;
    let access = access::Access::new(store.clone())?;
    let running =
        Running { url: format!("http://{address}"), token: access.token().to_owned(), pid: std::process::id() };
    let host = Host::open(None)?;
    let ways = host.ways.clone();
    store.tell(&ways)?;
    let ended = ways.clone();
    let watch = Watch::start(host.clone()).await;
    let tracer = Tracer::new(host.clone());
    let engine = Engine::new(host, watch.clone(), store.clone(), Duration::from_secs(serve.confirm_within));
    engine.recover().await?;
    let (looked, has_looked) = oneshot::channel();
    tokio::spawn(engine.clone().keep(looked));
    tokio::spawn(engine.clone().watch_drift());
    let site = serve.site.clone().unwrap_or_else(site::beside_program);
    let assets = site::assets(&site);
    let app = App::new(Parts { watch, store, ways, engine, tracer, access, site, assets });
    announce(&running, &serve.state);
    tokio::spawn(ready(has_looked));
    tracing::info!("{}/?token={}", running.url, running.token);
    axum::serve(listener, router(app).into_make_service_with_connect_info::<here::Peer>())
        .with_graceful_shutdown(stopped())
        .await?;
    ended.leave().await;
    retire(&serve.state);
    Ok(())
}

/// Tells the service manager, if there is one, that what was to be put back at boot is there.
async fn ready(has_looked: oneshot::Receiver<()>) {
    if has_looked.await.is_ok()
        && let Err(error) = sd_notify::notify(false, &[sd_notify::NotifyState::Ready])
    {
        tracing::warn!("telling the service manager: {error}");
    }
}

fn listen(serve: &Serve) -> std::io::Result<TcpListener> {
    let listener = match serve.listen_fd {
        // SAFETY: the number names a listening socket that our parent opened for us alone.
        Some(fd) => unsafe { std::net::TcpListener::from_raw_fd(fd) },
        None => std::net::TcpListener::bind(serve.listen)
            .map_err(|error| std::io::Error::new(error.kind(), format!("listening on {}: {error}", serve.listen)))?,
    };
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

async fn stopped() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::error!("waiting for SIGTERM: {error}");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Writes where we are to the state folder, and to where the command line looks first.
fn announce(running: &Running, state: &Path) {
    for folder in [state, Path::new(Running::FOLDER)] {
        let written = fs::create_dir_all(folder).and_then(|()| {
            let file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(folder.join(Running::FILE))?;
            serde_json::to_writer(file, running).map_err(Into::into)
        });
        if let Err(error) = written {
            tracing::warn!("the command line will not find this server in {}: {error}", folder.display());
        }
    }
}

fn retire(state: &Path) {
    for folder in [state, Path::new(Running::FOLDER)] {
        let _ = fs::remove_file(folder.join(Running::FILE));
    }
}

fn router(app: App) -> Router {
    let (api, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(session::log_in, session::log_out))
        .routes(routes!(session::health))
        .routes(routes!(observed::observed))
        .routes(routes!(document::document))
        .routes(routes!(document::drift))
        .routes(routes!(history::versions))
        .routes(routes!(history::version))
        .routes(routes!(history::compare))
        .routes(routes!(history::log))
        .routes(routes!(draft::drafts))
        .routes(routes!(draft::stage, draft::unstage))
        .routes(routes!(draft::unstage_other))
        .routes(routes!(draft::gateway))
        .routes(routes!(plan::plan))
        .routes(routes!(explain::explain))
        .routes(routes!(trace::trace))
        .routes(routes!(export::network, export::draft))
        .routes(routes!(change::current, change::apply))
        .routes(routes!(change::undo))
        .routes(routes!(change::redo))
        .routes(routes!(change::put_back))
        .routes(routes!(change::confirm))
        .routes(routes!(login::give, login::forget))
        .routes(routes!(proof::prove))
        .routes(routes!(ssh::key))
        .routes(routes!(ssh::standing, ssh::allow, ssh::disallow))
        .routes(routes!(ssh::forget))
        .split_for_parts();
    let headers = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ];
    let mut router = api
        .merge(SwaggerUi::new("/api/docs").url("/api/openapi.json", description))
        .route("/api/v1/live", get(live::live))
        .route("/", get(page::page))
        .route("/login", get(page::page))
        .nest_service(&app.assets.folder, site::files(&app.site))
        .fallback_service(site::files(&app.site))
        .layer(middleware::from_fn_with_state(app.clone(), site::keep))
        .layer(middleware::from_fn_with_state(app.clone(), access::guard))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(page::POLICY),
        ));
    for (name, value) in headers {
        router = router
            .layer(SetResponseHeaderLayer::overriding(HeaderName::from_static(name), HeaderValue::from_static(value)));
    }
    router
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new())
        .layer(TraceLayer::new_for_http())
        .with_state(app)
}
