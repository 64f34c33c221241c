//! The command line as a client of a running server: the same API as the browser's.

mod explain;
mod export;
mod ssh;
mod trace;

use std::{
    error::Error,
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use ipnet::IpNet;
use model::{
    Cluster, Language,
    cluster::Translation,
    event::Document,
    gateway::{Destinations, GatewayRequest},
    name::{GuestName, LinkName, NetworkName},
    note::Subject,
    plan::{Change, ChangeState, Plan},
    problem::Problem,
    proof::Proof,
};
use reqwest::{Client, Method, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use crate::http::Running;

pub use explain::{Explain, explain};
pub use export::{Wanted as Export, export};
pub use ssh::{UseSsh, key as ssh_key, use_ssh};
pub use trace::{Trace, trace};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Print what a document would change.
#[derive(Debug, Args)]
pub struct PlanFile {
    /// The document, as TOML; `-` for standard input.
    file: PathBuf,
}

/// Make the network what a document says.
#[derive(Debug, Args)]
pub struct ApplyFile {
    /// The document, as TOML; `-` for standard input.
    file: PathBuf,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Make a guest (or the host) the gateway of a bridge, or remove one.
#[derive(Debug, Args)]
pub struct Gateway {
    /// The bridge; made if it is not there.
    bridge: LinkName,
    /// The guest that becomes the gateway.
    #[arg(long, conflicts_with_all = ["host", "remove"])]
    via: Option<GuestName>,
    /// The host becomes the gateway.
    #[arg(long, conflicts_with = "remove")]
    host: bool,
    /// Guests whose default route moves to the gateway, separated by commas.
    #[arg(long, value_delimiter = ',')]
    members: Vec<GuestName>,
    /// The bridge's subnet, e.g. 192.168.48.0/24.
    #[arg(long)]
    subnet: Option<IpNet>,
    /// The libvirt network or bridge that the gateway leaves by.
    #[arg(long)]
    outside: Option<NetworkName>,
    /// Translate to whatever address the outside interface has at the time.
    #[arg(long)]
    masquerade: bool,
    /// Unplug the members from the outside network, last of all.
    #[arg(long)]
    detach_outside: bool,
    /// The address that a traceroute from each member must reach.
    #[arg(long)]
    probe: Option<std::net::IpAddr>,
    /// What the members may reach outside: networks separated by commas, `none` or `all`; as it is if absent.
    #[arg(long)]
    destinations: Option<Destinations>,
    /// Remove the gateway, and all that was made for it: the bridge and its NICs.
    #[arg(long)]
    remove: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Make the network again what the document says.
#[derive(Debug, Args)]
pub struct PutBack {
    /// Only what touches this object, e.g. `link:mybr0` or `guest:node1`.
    #[arg(long)]
    subject: Option<String>,
}

/// Print what was changed, by whom, and how it ended.
#[derive(Debug, Args)]
pub struct History {
    /// As JSON lines, plans included.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Deserialize)]
struct Drafted {
    cluster: Cluster,
    version: u64,
    plan: Plan,
}

pub fn plan(args: PlanFile) -> Outcome {
    block_on(async {
        let api = Api::find()?;
        let cluster = read(&args.file)?;
        let plan: Plan = api.post("plan", json!({ "cluster": cluster })).await?;
        show(&plan);
        if plan.is_blocked() { Err("the plan is blocked".into()) } else { Ok(()) }
    })
}

pub fn apply(args: ApplyFile) -> Outcome {
    block_on(async {
        let api = Api::find()?;
        let cluster = read(&args.file)?;
        let document: Document = api.get("document").await?;
        let plan: Plan = api.post("plan", json!({ "cluster": cluster })).await?;
        api.carry_out(&Drafted { cluster, version: document.version, plan }, args.yes).await
    })
}

pub fn undo() -> Outcome {
    block_on(async { Api::find()?.begin("changes/undo", json!({})).await })
}

pub fn redo() -> Outcome {
    block_on(async { Api::find()?.begin("changes/redo", json!({})).await })
}

pub fn put_back(args: PutBack) -> Outcome {
    let subject = args.subject.map(|text| text.parse::<Subject>().map_err(|()| format!("{text:?} is no object")));
    let subject = subject.transpose()?;
    block_on(async { Api::find()?.begin("changes/put-back", json!({ "subject": subject })).await })
}

pub fn history(args: History) -> Outcome {
    block_on(async {
        let api = Api::find()?;
        let log = api.text("log").await?;
        if args.json {
            print(&log);
            return Ok(());
        }
        for line in log.lines() {
            let entry: serde_json::Value = serde_json::from_str(line)?;
            let text = |key: &str| entry[key].as_str().unwrap_or_default();
            let version = entry["version"].as_u64().map(|version| format!(" version {version}")).unwrap_or_default();
            let at = crate::clock::utc(entry["at"].as_u64().unwrap_or_default());
            let error = entry["outcome"]["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
            print(&format!("{at}  {:<12} {}{version}, {}{error}\n", text("who"), text("state"), text("why")));
        }
        Ok(())
    })
}

pub fn url() -> Outcome {
    let running = Running::find()?;
    print(&format!("{}/?token={}\n", running.url, running.token));
    Ok(())
}

pub fn gateway(args: Gateway) -> Outcome {
    block_on(async {
        let api = Api::find()?;
        let drafted =
            if args.remove { api.without_gateway(&args.bridge).await? } else { api.with_gateway(&args).await? };
        api.carry_out(&drafted, args.yes).await
    })
}

fn block_on<T>(future: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

fn read(file: &Path) -> Outcome<Cluster> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().take(Cluster::LIMIT as u64 + 1).read_to_string(&mut text)?;
    } else {
        text = fs::read_to_string(file).map_err(|error| format!("reading {}: {error}", file.display()))?;
    }
    Ok(Cluster::from_toml(&text).map_err(|error| format!("{}: {error}", file.display()))?)
}

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
fn print(text: &str) {
    print!("{text}");
}

fn show(plan: &Plan) {
    for note in &plan.notes {
        print(&format!("{:?}: {}\n", note.severity, note.text.en).to_lowercase());
    }
    if plan.is_empty() && !plan.is_blocked() {
        print("nothing to do: the network is as the document says\n");
    }
    for (index, step) in plan.steps.iter().enumerate() {
        print(&format!("{:>3}  {}\n     {}\n", index + 1, step.sentence(Language::English), step.command()));
    }
}

impl Running {
    /// The server of this world: as the environment says, else as the server itself wrote.
    pub fn find() -> Outcome<Self> {
        if let (Ok(url), Ok(token)) = (std::env::var("BRIDGEHEAD_URL"), std::env::var("BRIDGEHEAD_TOKEN")) {
            return Ok(Self { url, token, pid: 0 });
        }
        let path = Path::new(Self::FOLDER).join(Self::FILE);
        let text = fs::read(&path).map_err(|error| {
            format!("no server was found by {}: {error}; start one with `bridgehead serve`", path.display())
        })?;
        Ok(serde_json::from_slice(&text)?)
    }
}

struct Api {
    client: Client,
    running: Running,
}

impl Api {
    fn find() -> Outcome<Self> {
        let client = Client::builder().timeout(Duration::from_secs(60)).no_proxy().build()?;
        Ok(Self { client, running: Running::find()? })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Outcome<T> {
        self.ask(Method::GET, path, None).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: serde_json::Value) -> Outcome<T> {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Outcome<T> {
        let mut request =
            self.client.request(method, format!("{}/api/v1/{path}", self.running.url)).bearer_auth(&self.running.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        Self::checked(response).await?.json().await.map_err(Into::into)
    }

    async fn delete(&self, path: &str) -> Outcome {
        let address = format!("{}/api/v1/{path}", self.running.url);
        let request = self.client.delete(address).bearer_auth(&self.running.token);
        Self::checked(request.send().await?).await.map(drop)
    }

    async fn text(&self, path: &str) -> Outcome<String> {
        let request = self.client.get(format!("{}/api/v1/{path}", self.running.url)).bearer_auth(&self.running.token);
        Ok(Self::checked(request.send().await?).await?.text().await?)
    }

    async fn checked(response: reqwest::Response) -> Outcome<reqwest::Response> {
        if matches!(response.status(), StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NO_CONTENT) {
            return Ok(response);
        }
        let problem: Problem = response.json().await?;
        let field = problem.field.map(|field| format!(" ({field})")).unwrap_or_default();
        Err(format!("{}{field}: {}", problem.title, problem.detail).into())
    }

    async fn with_gateway(&self, args: &Gateway) -> Outcome<Drafted> {
        let request = GatewayRequest {
            bridge: args.bridge.clone(),
            guest: args.via.clone(),
            host: args.host,
            subnet: args.subnet,
            members: args.members.clone(),
            outside: args.outside.clone(),
            translation: if args.masquerade { Translation::Masquerade } else { Translation::Snat },
            detach_outside: args.detach_outside,
            forwards: None,
            destinations: args.destinations.clone(),
            probe: args.probe,
        };
        self.post("drafts/gateway", serde_json::to_value(request)?).await
    }

    async fn without_gateway(&self, bridge: &LinkName) -> Outcome<Drafted> {
        let document: Document = self.get("document").await?;
        if document.cluster.gateway(bridge).is_none() {
            return Err(format!("{bridge} has no gateway").into());
        }
        let cluster = model::gateway::remove_bridge(&document.cluster, bridge);
        let plan = self.post("plan", json!({ "cluster": cluster })).await?;
        Ok(Drafted { cluster, version: document.version, plan })
    }

    /// Shows the plan, asks unless told not to, applies it and follows it to its end.
    async fn carry_out(&self, drafted: &Drafted, yes: bool) -> Outcome {
        show(&drafted.plan);
        if drafted.plan.is_blocked() {
            return Err("the plan is blocked".into());
        }
        if drafted.plan.is_empty() {
            let document: Document = self.get("document").await?;
            if document.cluster == drafted.cluster {
                return Ok(());
            }
        }
        if !yes && !agreed()? {
            return Err("nothing was changed".into());
        }
        let wanted = json!({ "cluster": drafted.cluster, "version": drafted.version, "based_on": drafted.plan.based_on, "steps": drafted.plan.steps });
        let change: Change = self.post("changes", wanted).await?;
        self.follow(change).await
    }

    async fn begin(&self, path: &str, body: serde_json::Value) -> Outcome {
        let change: Change = self.post(path, body).await?;
        self.follow(change).await
    }

    /// Follows a change to its end; confirms it if that is asked for, since that comes through.
    async fn follow(&self, mut change: Change) -> Outcome {
        let mut clock = tokio::time::interval(Duration::from_millis(100));
        while !change.state.is_final() {
            clock.tick().await;
            if change.state == ChangeState::AwaitingConfirmation {
                let confirmed: Outcome<Change> = self.post(&format!("changes/{}/confirm", change.id), json!({})).await;
                // It may have ended meanwhile.
                drop(confirmed);
            }
            let now: Option<Change> = self.get("changes").await?;
            change = now.filter(|now| now.id == change.id).ok_or("the server forgot the change: it was restarted")?;
        }
        for proof in &change.proofs {
            print(&format!("{}\n", describe(proof)));
        }
        if change.state == ChangeState::Committed {
            print(&format!("done: version {}\n", change.version.unwrap_or_default()));
            return Ok(());
        }
        for left in &change.left_over {
            print(&format!("left over: {left}\n"));
        }
        Err(format!("rolled back: {}", change.error.unwrap_or_default()).into())
    }
}

fn describe(proof: &Proof) -> String {
    let hops = proof.hops.iter().map(|hop| hop.map_or_else(|| "*".to_owned(), |hop| hop.to_string()));
    let hops = hops.collect::<Vec<_>>().join(" → ");
    match &proof.trouble {
        Some(trouble) => format!("{}: {trouble}", proof.promise.guest),
        None if proof.promise.refused => format!("{}: {hops}, no way to {}", proof.promise.guest, proof.promise.target),
        None => format!("{}: {hops}", proof.promise.guest),
    }
}

fn agreed() -> Outcome<bool> {
    print("Apply? [y/N] ");
    std::io::Write::flush(&mut std::io::stdout())?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
