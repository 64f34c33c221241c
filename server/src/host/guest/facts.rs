//! What a guest says of itself.

use std::time::Duration;

use model::{
    observed::{GuestFacts, ManagerKind, Table, WayKind},
    wire::Sealed,
};
use serde_json::{Value, json};

use super::{
    error::Error,
    exec::{ExecOutput, Process, agent},
    file, parse, persist,
    routes::Routes,
    translation,
    way::Reach,
};
use crate::host::{
    firewall,
    libvirt::{Lane, clean},
};

/// All questions to one guest together.
const LIMIT: Duration = Duration::from_secs(20);
/// The same where one program follows another.
const ELSEWHERE: Duration = Duration::from_secs(90);
/// One question.
const COMMAND: Duration = Duration::from_secs(3);
const PROGRAM: Duration = Duration::from_secs(5);
/// The longest ruleset that is taken from a guest, in bytes: every browser gets it.
const RULESET: usize = 128 << 10;

/// The agent's commands that running a program takes, and its list of interfaces.
const EXEC: [&str; 2] = ["guest-exec", "guest-exec-status"];
const INTERFACES: &str = "guest-network-get-interfaces";
/// The same list, of a program.
const ADDRESSES: [&str; 5] = ["ip", "-j", "-d", "addr", "show"];
const HOSTNAME: &str = "/proc/sys/kernel/hostname";
const RELEASE: &str = "/etc/os-release";

const PROGRAMS: [&str; 5] = ["ip", "nft", "iptables", "traceroute", "ping"];
/// What is there where a network manager is installed, or runs. systemd makes the folder of networkd in any case.
const MARKERS: [(&str, ManagerKind); 4] = [
    ("/usr/sbin/netplan", ManagerKind::Netplan),
    ("/run/systemd/netif/state", ManagerKind::Networkd),
    ("/run/NetworkManager", ManagerKind::NetworkManager),
    ("/run/network/ifstate", ManagerKind::Ifupdown),
];
/// As sd_booted(3) tells it.
const SYSTEMD: &str = "/run/systemd/system";
const FOLDERS: [&str; 6] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

/// Asks a guest everything that can be had of it, by the best way that it has. Never fails: what could not be had is told
/// in `trouble`.
pub async fn facts(reach: &Reach, domain: &str) -> GuestFacts {
    let mut facts = GuestFacts::default();
    let agent = ask(reach, domain, "guest-info");
    let info = tokio::time::timeout(LIMIT, agent).await.unwrap_or_else(|_| Err(late(domain)));
    let choice = reach.choose(domain, may_run(&info)).await;
    let has_agent = choice.way.as_ref().is_none_or(|way| way.kind() == WayKind::Agent);
    let limit = if has_agent { LIMIT } else { ELSEWHERE };
    let fill = async {
        if has_agent {
            by_agent(reach, domain, info?, &mut facts).await;
        } else {
            by_programs(reach, domain, &mut facts).await;
        }
        Ok::<(), Error>(())
    };
    match tokio::time::timeout(limit, fill).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => facts.trouble = Some(clean(&error.to_string(), 512)),
        Err(_) => facts.trouble = Some(format!("the guest did not answer everything within {} s", limit.as_secs())),
    }
    facts.ways = Sealed::of(&choice.tried);
    facts
}

/// The same guest after steps on its links, addresses and routes: only those are asked again, which costs it half of the
/// processes. `None` if that does not tell: there was trouble, or the guest has started anew.
pub async fn network(reach: &Reach, domain: &str, known: &GuestFacts) -> Option<GuestFacts> {
    if known.trouble.is_some() || !known.runs_programs() {
        return None;
    }
    let mut facts = known.clone();
    let mut trouble = None;
    facts.interfaces = match reach.way(domain).await.ok()?.kind() {
        WayKind::Agent => parse::agent_interfaces(&ask(reach, domain, INTERFACES).await.ok()?),
        _ => parse::interfaces(&printed(reach, domain, &ADDRESSES).await?),
    };
    Routes::ask(reach, domain, &facts).await.answer(&mut facts, &mut trouble).await;
    (trouble.is_none() && facts.boot == known.boot).then_some(facts)
}

async fn ask(reach: &Reach, domain: &str, command: &str) -> Result<Value, Error> {
    agent(&reach.libvirt, domain, &json!({ "execute": command }), COMMAND, Lane::Watch).await
}

fn late(domain: &str) -> Error {
    Error::Slow { doing: format!("ask the agent of guest {domain}"), seconds: LIMIT.as_secs() }
}

/// Whether the agent runs programs, or why not.
pub(super) fn may_run(info: &Result<Value, Error>) -> Result<(), String> {
    let commands = parse::commands(info.as_ref().map_err(ToString::to_string)?);
    let may = EXEC.iter().all(|command| commands.contains(*command));
    may.then_some(()).ok_or_else(|| "it may not run programs: guest-exec is not allowed".to_owned())
}

async fn by_agent(reach: &Reach, domain: &str, info: Value, facts: &mut GuestFacts) {
    facts.commands = parse::commands(&info);
    let ask = async |command: &str| ask(reach, domain, command).await;
    let mut trouble = None;
    let allowed = |command: &str| facts.commands.contains(command);
    if allowed("guest-get-host-name") {
        let answer = keep(ask("guest-get-host-name").await, &mut trouble);
        facts.hostname = answer.and_then(|answer| parse::string(answer.get("host-name")));
    }
    if allowed("guest-get-osinfo") {
        let answer = keep(ask("guest-get-osinfo").await, &mut trouble);
        facts.os = answer.and_then(|answer| parse::string(answer.get("pretty-name")));
    }
    if allowed(INTERFACES) {
        let answer = keep(ask(INTERFACES).await, &mut trouble);
        facts.interfaces = answer.map(|answer| parse::agent_interfaces(&answer)).unwrap_or_default();
    }
    if EXEC.iter().all(|command| allowed(command)) {
        look_inside(reach, domain, facts, &mut trouble).await;
    } else if file::NEEDED.iter().all(|command| allowed(command)) {
        let by = file::forbidden_by(&reach.libvirt, domain).await.map(|by| format!(" ({by})")).unwrap_or_default();
        trouble.get_or_insert(format!(
            "the agent does not allow guest-exec{by}: nothing can be set inside, and its firewall is unknown"
        ));
        file::look(&reach.libvirt, domain, facts).await;
    } else {
        trouble.get_or_insert("the agent does not allow guest-exec: routes and firewall inside are unknown".to_owned());
    }
    facts.trouble = trouble;
}

/// What the agent would say by itself is asked of programs.
async fn by_programs(reach: &Reach, domain: &str, facts: &mut GuestFacts) {
    let mut trouble = None;
    let run = async |argv: &[&str]| finish(Process::start(reach, domain, argv, None, Lane::Watch).await).await;
    if let Some(output) = keep(run(&["cat", HOSTNAME, RELEASE]).await, &mut trouble) {
        let text = output.text();
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
        facts.os = line("PRETTY_NAME=").and_then(|name| parse::string(Some(&name.trim_matches(['"', '\'']).into())));
        facts.hostname = text.lines().next().and_then(|name| parse::string(Some(&name.into())));
    }
    match printed(reach, domain, &ADDRESSES).await {
        Some(printed) => facts.interfaces = parse::interfaces(&printed),
        None => drop(trouble.get_or_insert_with(|| format!("{} prints no JSON inside", ADDRESSES.join(" ")))),
    }
    look_inside(reach, domain, facts, &mut trouble).await;
    facts.trouble = trouble;
}

async fn printed(reach: &Reach, domain: &str, argv: &[&str]) -> Option<Value> {
    json_of(finish(Process::start(reach, domain, argv, None, Lane::Watch).await).await)
}

/// Starts all programs, then collects them: each costs the time of the slowest, not its own. Every process counts on
/// a guest without KVM, so interfaces are the agent's own list, and one `grep` reads what that does not tell.
async fn look_inside(reach: &Reach, domain: &str, facts: &mut GuestFacts, trouble: &mut Option<String>) {
    let paths: Vec<String> =
        FOLDERS.iter().flat_map(|folder| PROGRAMS.iter().map(move |program| format!("{folder}/{program}"))).collect();
    let mut ls = vec!["ls", "-d"];
    ls.extend(paths.iter().map(String::as_str));
    ls.extend(MARKERS.map(|(path, _)| path));
    ls.push(SYSTEMD);

    let start = async |argv: &[&str]| Process::start(reach, domain, argv, None, Lane::Watch).await;
    let routes = Routes::ask(reach, domain, facts).await;
    let ruleset = start(&["nft", "-j", "list", "ruleset"]).await;
    let programs = start(&ls).await;

    routes.answer(facts, trouble).await;
    let ruleset = finish(ruleset).await;
    if ruleset.as_ref().is_ok_and(|output| output.stdout.len() > RULESET) {
        trouble.get_or_insert(format!("the nftables ruleset inside is longer than {RULESET} bytes and was left out"));
    } else {
        facts.tables = json_of(ruleset).map(tables);
    }
    if let Some(output) = keep(finish(programs).await, trouble) {
        let found = output.text();
        let is_there = |path: &str| found.lines().any(|line| line.trim() == path);
        facts.programs = parse::programs(&found, &PROGRAMS);
        facts.managers = MARKERS.into_iter().filter(|(path, _)| is_there(path)).map(|(_, manager)| manager).collect();
        facts.systemd = is_there(SYSTEMD);
    }
    if !facts.managers.is_empty() {
        facts.files = keep(persist::read(reach, domain).await, trouble).unwrap_or_default();
    }
    if facts.tables.is_none() && facts.programs.contains("iptables") && !facts.programs.contains("nft") {
        let rules = finish(start(&translation::LIST).await).await.ok().filter(|output| output.status == 0);
        facts.tables = rules.map(|output| translation::table_of(&output.text()).into_iter().collect());
    }
}

pub(super) async fn finish(process: Result<Process<'_>, Error>) -> Result<ExecOutput, Error> {
    process?.wait(PROGRAM).await
}

/// What a program printed, if it is there, ended well and printed JSON. A guest without `ip -j` or `nft` is no trouble:
/// `programs` says so.
pub(super) fn json_of(output: Result<ExecOutput, Error>) -> Option<Value> {
    let output = output.ok().filter(|output| output.status == 0)?;
    serde_json::from_slice(&output.stdout).ok()
}

/// The same parser that reads the host's ruleset.
fn tables(mut printed: Value) -> Vec<Table> {
    parse::clean_json(&mut printed);
    firewall::parse_ruleset(&printed).0.into_values().collect()
}

pub(super) fn keep<T>(outcome: Result<T, Error>, trouble: &mut Option<String>) -> Option<T> {
    match outcome {
        Ok(it) => Some(it),
        Err(error) => {
            trouble.get_or_insert_with(|| clean(&error.to_string(), 512));
            None
        }
    }
}
