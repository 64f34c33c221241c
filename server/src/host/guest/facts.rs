//! What a guest says of itself.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use model::observed::{GuestFacts, ManagerKind, Table};
use serde_json::{Value, json};

use super::{
    error::Error,
    exec::{ExecOutput, Process, agent},
    file, parse, persist, translation,
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
/// The longest ruleset that is taken from a guest, in bytes: every browser gets it.
const RULESET: usize = 128 << 10;

const PROGRAMS: [&str; 5] = ["ip", "nft", "iptables", "traceroute", "ping"];
/// What is there where a network manager is installed, or runs.
const MARKERS: [(&str, ManagerKind); 4] = [
    ("/usr/sbin/netplan", ManagerKind::Netplan),
    ("/run/systemd/netif/links", ManagerKind::Networkd),
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
    const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
    const BOOT: &str = "/proc/sys/kernel/random/boot_id";
    const ALL: &str = "/proc/sys/net/ipv4/conf/all/rp_filter";
    let filter = |name: &str| format!("/proc/sys/net/ipv4/conf/{name}/rp_filter");
    let link = |name: &str, file: &str| format!("/sys/class/net/{name}/{file}");
    let files = facts.interfaces.iter().map(|interface| &interface.name);
    let files: Vec<String> = files.flat_map(|name| [filter(name), link(name, "flags"), link(name, "mtu")]).collect();
    let mut grep = vec!["grep", "-sH", ".", FORWARD, ALL, BOOT];
    grep.extend(files.iter().map(String::as_str));
    let paths: Vec<String> =
        FOLDERS.iter().flat_map(|folder| PROGRAMS.iter().map(move |program| format!("{folder}/{program}"))).collect();
    let mut ls = vec!["ls", "-d"];
    ls.extend(paths.iter().map(String::as_str));
    ls.extend(MARKERS.map(|(path, _)| path));
    ls.push(SYSTEMD);
    let addresses = facts.interfaces.iter().flat_map(|interface| &interface.addresses);
    let has_v6 = addresses.map(IpNet::addr).any(|it| matches!(it, IpAddr::V6(v6) if !v6.is_unicast_link_local()));

    let start = async |argv: &[&str]| Process::start(libvirt, domain, argv, None, Lane::Watch).await;
    let routes = start(&["ip", "-j", "route", "show"]).await;
    let routes6 = if has_v6 { Some(start(&["ip", "-j", "-6", "route", "show"]).await) } else { None };
    let ruleset = start(&["nft", "-j", "list", "ruleset"]).await;
    let values = start(&grep).await;
    let programs = start(&ls).await;

    facts.routes = json_of(finish(routes).await).map(|printed| parse::routes(&printed, false));
    if let (Some(routes), Some(routes6)) = (&mut facts.routes, routes6) {
        routes.extend(json_of(finish(routes6).await).map(|printed| parse::routes(&printed, true)).unwrap_or_default());
    }
    let ruleset = finish(ruleset).await;
    if ruleset.as_ref().is_ok_and(|output| output.stdout.len() > RULESET) {
        trouble.get_or_insert(format!("the nftables ruleset inside is longer than {RULESET} bytes and was left out"));
    } else {
        facts.tables = json_of(ruleset).map(tables);
    }
    if let Some(output) = keep(finish(values).await, trouble) {
        let values = parse::files(&output.text());
        let number = |path: &str| values.get(path).and_then(|value| value.parse::<u32>().ok());
        facts.boot = values.get(BOOT).map(|boot| clean(boot, 64));
        facts.ip_forward = number(FORWARD).map(|value| value != 0);
        for interface in &mut facts.interfaces {
            let name = &interface.name;
            interface.up = values.get(&link(name, "flags")).and_then(|flags| parse::is_up(flags));
            interface.mtu = number(&link(name, "mtu"));
            // The kernel takes the greater of the two (Documentation/networking/ip-sysctl.rst).
            let effective = number(&filter(name)).max(number(ALL));
            interface.rp_filter = effective.and_then(|value| u8::try_from(value).ok());
        }
    }
    if let Some(output) = keep(finish(programs).await, trouble) {
        let found = output.text();
        let is_there = |path: &str| found.lines().any(|line| line.trim() == path);
        facts.programs = parse::programs(&found, &PROGRAMS);
        facts.managers = MARKERS.into_iter().filter(|(path, _)| is_there(path)).map(|(_, manager)| manager).collect();
        facts.systemd = is_there(SYSTEMD);
    }
    if !facts.managers.is_empty() {
        facts.files = keep(persist::read(libvirt, domain).await, trouble).unwrap_or_default();
    }
    if facts.tables.is_none() && facts.programs.contains("iptables") && !facts.programs.contains("nft") {
        let rules = finish(start(&translation::LIST).await).await.ok().filter(|output| output.status == 0);
        facts.tables = rules.map(|output| translation::table_of(&output.text()).into_iter().collect());
    }
}

async fn finish(process: Result<Process<'_>, Error>) -> Result<ExecOutput, Error> {
    process?.wait(PROGRAM).await
}

/// What a program printed, if it is there, ended well and printed JSON. A guest without `ip -j` or `nft` is no trouble:
/// `programs` says so.
fn json_of(output: Result<ExecOutput, Error>) -> Option<Value> {
    let output = output.ok().filter(|output| output.status == 0)?;
    serde_json::from_slice(&output.stdout).ok()
}

/// The same parser that reads the host's ruleset.
fn tables(mut printed: Value) -> Vec<Table> {
    parse::clean_json(&mut printed);
    firewall::parse_ruleset(&printed).0.into_values().collect()
}

fn keep<T>(outcome: Result<T, Error>, trouble: &mut Option<String>) -> Option<T> {
    match outcome {
        Ok(it) => Some(it),
        Err(error) => {
            trouble.get_or_insert_with(|| clean(&error.to_string(), 512));
            None
        }
    }
}
