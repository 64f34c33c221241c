//! What a guest says of itself.

use std::time::Duration;

use model::{
    observed::{GuestFacts, ManagerKind, Resolver, Table},
    resolver::HOOKS,
};
use serde_json::{Value, json};

use super::{
    error::Error,
    exec::{ExecOutput, Process, agent},
    file, parse, persist, translation,
    ways::Ways,
};
use crate::host::{
    firewall,
    libvirt::{Lane, Libvirt, clean},
};

/// All questions to one guest together.
const LIMIT: Duration = Duration::from_secs(20);
/// One question.
const COMMAND: Duration = Duration::from_secs(3);
const PROGRAM: Duration = Duration::from_secs(5);
/// The longest ruleset that is taken from a guest, in bytes, and the most tables: every browser gets them.
const RULESET: usize = 128 << 10;
const TABLES: usize = 64;

const PROGRAMS: [&str; 7] = ["ip", "nft", "iptables", "traceroute", "ping", "udhcpc", "dhclient"];
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

/// Asks a guest everything that its agent allows. Never fails: what could not be had is told in `trouble`.
pub async fn facts(libvirt: &Libvirt, domain: &str) -> GuestFacts {
    let mut facts = GuestFacts::default();
    match tokio::time::timeout(LIMIT, fill(libvirt, domain, &mut facts)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => facts.trouble = Some(clean(&error.to_string(), 512)),
        Err(_) => facts.trouble = Some(format!("the agent did not answer everything within {} s", LIMIT.as_secs())),
    }
    facts
}

/// The same guest after steps on its links, addresses and routes: only those are asked again, which costs it half of the
/// processes. `None` if that does not tell: there was trouble, or the guest has started anew.
pub async fn network(libvirt: &Libvirt, domain: &str, known: &GuestFacts) -> Option<GuestFacts> {
    if known.trouble.is_some() || !known.runs_programs() {
        return None;
    }
    let mut facts = known.clone();
    let mut trouble = None;
    let command = json!({ "execute": "guest-network-get-interfaces" });
    facts.interfaces = parse::agent_interfaces(&agent(libvirt, domain, &command, COMMAND, Lane::Watch).await.ok()?);
    Ways::ask(libvirt, domain, &facts).await.answer(&mut facts, &mut trouble).await;
    if (facts.resolver, known.resolver) == (Some(Resolver::File), Some(Resolver::Dhclient)) {
        facts.resolver = known.resolver;
    }
    (trouble.is_none() && facts.boot == known.boot).then_some(facts)
}

async fn fill(libvirt: &Libvirt, domain: &str, facts: &mut GuestFacts) -> Result<(), Error> {
    let ask = async |command: &str| agent(libvirt, domain, &json!({ "execute": command }), COMMAND, Lane::Watch).await;
    facts.commands = parse::commands(&ask("guest-info").await?);
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
    if allowed("guest-network-get-interfaces") {
        let answer = keep(ask("guest-network-get-interfaces").await, &mut trouble);
        let count = answer.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
        if count > parse::INTERFACES {
            let most = parse::INTERFACES;
            trouble.get_or_insert(format!("it tells of {count} interfaces: all but the first {most} were left out"));
        }
        facts.interfaces = answer.map(|answer| parse::agent_interfaces(&answer)).unwrap_or_default();
    }
    if allowed("guest-exec") && allowed("guest-exec-status") {
        look_inside(libvirt, domain, facts, &mut trouble).await;
    } else if file::NEEDED.iter().all(|command| allowed(command)) {
        let by = file::forbidden_by(libvirt, domain).await.map(|by| format!(" ({by})")).unwrap_or_default();
        trouble.get_or_insert(format!(
            "the agent does not allow guest-exec{by}: nothing can be set inside, and its firewall is unknown"
        ));
        file::look(libvirt, domain, facts).await;
    } else {
        trouble.get_or_insert("the agent does not allow guest-exec: routes and firewall inside are unknown".to_owned());
    }
    facts.trouble = trouble;
    Ok(())
}

/// Starts all programs, then collects them: each costs the time of the slowest, not its own. Every process counts on
/// a guest without KVM, so interfaces are the agent's own list, and one `grep` reads what that does not tell.
async fn look_inside(libvirt: &Libvirt, domain: &str, facts: &mut GuestFacts, trouble: &mut Option<String>) {
    let paths: Vec<String> =
        FOLDERS.iter().flat_map(|folder| PROGRAMS.iter().map(move |program| format!("{folder}/{program}"))).collect();
    let mut ls = vec!["ls", "-d"];
    ls.extend(paths.iter().map(String::as_str));
    ls.extend(MARKERS.map(|(path, _)| path));
    ls.extend([SYSTEMD, HOOKS]);

    let start = async |argv: &[&str]| Process::start(libvirt, domain, argv, None, Lane::Watch).await;
    let ways = Ways::ask(libvirt, domain, facts).await;
    let ruleset = start(&["nft", "-j", "list", "ruleset"]).await;
    let programs = start(&ls).await;

    ways.answer(facts, trouble).await;
    let ruleset = finish(ruleset).await;
    if ruleset.as_ref().is_ok_and(|output| output.stdout.len() > RULESET) {
        trouble.get_or_insert(format!("the nftables ruleset inside is longer than {RULESET} bytes and was left out"));
    } else {
        facts.tables = json_of(ruleset, trouble).map(tables);
        if facts.tables.as_ref().is_some_and(|tables| tables.len() > TABLES) {
            facts.tables = None;
            trouble.get_or_insert(format!("there are more than {TABLES} nftables tables inside: they were left out"));
        }
    }
    if let Some(output) = keep(finish(programs).await, trouble) {
        let found = output.text();
        let is_there = |path: &str| found.lines().any(|line| line.trim() == path);
        facts.programs = parse::programs(&found, &PROGRAMS);
        facts.managers = MARKERS.into_iter().filter(|(path, _)| is_there(path)).map(|(_, manager)| manager).collect();
        facts.systemd = is_there(SYSTEMD);
        if facts.resolver == Some(Resolver::File) && is_there(HOOKS) {
            facts.resolver = Some(Resolver::Dhclient);
        }
    }
    if !facts.managers.is_empty() {
        facts.files = keep(persist::read(libvirt, domain).await, trouble).unwrap_or_default();
    }
    if facts.tables.is_none() && facts.programs.contains("iptables") && !facts.programs.contains("nft") {
        let rules = async |list: &[&str]| {
            let output = finish(start(list).await).await.ok().filter(|output| output.status == 0);
            output.map(|output| output.text())
        };
        let [nat, filter] = translation::LISTS;
        if let Some(mut printed) = rules(&nat).await {
            if translation::table_of(&printed).is_some() {
                printed += &rules(&filter).await.unwrap_or_default();
            }
            facts.tables = Some(translation::table_of(&printed).into_iter().collect());
        }
    }
}

pub(super) async fn finish(process: Result<Process<'_>, Error>) -> Result<ExecOutput, Error> {
    process?.wait(PROGRAM).await
}

/// What a program printed, if it is there, ended well and printed JSON. A guest without `ip -j` or `nft` is no trouble:
/// `programs` says so.
pub(super) fn json_of(output: Result<ExecOutput, Error>, trouble: &mut Option<String>) -> Option<Value> {
    let output = output.ok().filter(|output| output.status == 0)?;
    match parse::json(&output.stdout) {
        Ok(told) => Some(told),
        Err(reason) => {
            trouble.get_or_insert(format!("what a program inside printed is of no use: {reason}"));
            None
        }
    }
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
