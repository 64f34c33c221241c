//! Which table a guest asks for whom (`ip rule`), and the routes of the tables that its rules name.

use std::net::IpAddr;

use ipnet::IpNet;
use model::{
    observed::{GuestPolicy, GuestRoute, PolicyRule},
    topology::MAIN,
};
use serde_json::{Map, Value};

use super::{
    error::Error,
    exec::{ExecOutput, Process},
    facts::{finish, json_of},
    parse,
    way::Reach,
};
use crate::host::libvirt::{Lane, clean};

/// Both in one process, for `ip -j -batch -`.
pub const LISTS: &[u8] = b"route show\nrule show\n";
const ALL: [&str; 6] = ["ip", "-j", "route", "show", "table", "all"];

/// More than these are not kept: it is not known then what the guest does.
const RULES: usize = 256;
const WORD: usize = 32;

/// What such a process printed: the routes of main, and the rules beside the kernel's own. A guest whose `ip` knows no
/// rules has told of its routes.
pub fn lists(
    output: Result<ExecOutput, Error>,
    v6: bool,
    trouble: &mut Option<String>,
) -> (Option<Vec<GuestRoute>>, Option<Vec<PolicyRule>>) {
    let Ok(output) = output else { return (None, None) };
    let told = match parse::jsons(&output.stdout) {
        Ok(told) => told,
        Err(reason) if output.status == 0 => {
            trouble.get_or_insert(format!("what a program inside printed is of no use: {reason}"));
            return (None, None);
        }
        Err(_) => return (None, None),
    };
    let is_whole = |list: &&Value| output.status == 0 || list.as_array().is_some_and(|list| !list.is_empty());
    let routes = told.first().filter(is_whole).map(|printed| parse::routes(printed, v6));
    let rules = told.get(1).filter(|_| output.status == 0).and_then(|printed| rules(printed, v6));
    (routes, rules)
}

/// The rules, and what is in the tables that they name; `None` if that could not be had.
pub async fn of(
    reach: &Reach,
    domain: &str,
    rules: Vec<PolicyRule>,
    trouble: &mut Option<String>,
) -> Option<GuestPolicy> {
    let mut policy = GuestPolicy { rules, ..GuestPolicy::default() };
    let named: Vec<u32> = policy.rules.iter().filter_map(|rule| rule.table).filter(|table| *table != MAIN).collect();
    if named.is_empty() {
        return Some(policy);
    }
    let all = json_of(finish(Process::start(reach, domain, &ALL, None, Lane::Watch).await).await, trouble)?;
    policy.routes = named.into_iter().map(|table| (table, routes(&all, table))).collect();
    Some(policy)
}

/// Of `ip -j route show table all` those of one table.
fn routes(all: &Value, table: u32) -> Vec<GuestRoute> {
    let mut routes = Vec::new();
    for v6 in [false, true] {
        let of = |route: &&Value| number(route.get("table")) == Some(table) && is_v6(route) == v6;
        let own: Vec<Value> = all.as_array().into_iter().flatten().filter(of).cloned().collect();
        routes.extend(parse::routes(&Value::Array(own), v6));
    }
    routes
}

/// Every route of IPv6 has a preference (RFC 4191); a default route may tell by nothing else.
fn is_v6(route: &Value) -> bool {
    let has_colon = |key: &str| route.get(key).and_then(Value::as_str).is_some_and(|text| text.contains(':'));
    route.get("pref").is_some() || has_colon("dst") || has_colon("gateway")
}

/// `ip -j rule show`; `None` for what is no such list, or too long.
fn rules(printed: &Value, v6: bool) -> Option<Vec<PolicyRule>> {
    let list = printed.as_array().filter(|list| list.len() <= RULES)?;
    let rules: Option<Vec<PolicyRule>> = list.iter().map(|told| rule(told.as_object()?, v6)).collect();
    rules.map(|rules| rules.into_iter().filter(|rule| !rule.is_kernels()).collect())
}

fn rule(told: &Map<String, Value>, v6: bool) -> Option<PolicyRule> {
    let text = |key: &str| told.get(key).and_then(Value::as_str);
    let count = |key: &str| told.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let mut rule = PolicyRule { priority: count("priority")?, v6, ..PolicyRule::default() };
    for key in told.keys() {
        match key.as_str() {
            "priority" | "srclen" | "dstlen" | "fwmask" | "protocol" | "iif_detached" | "oif_detached" => {}
            "src" => rule.from = net(text("src")?, count("srclen"))?,
            "dst" => rule.to = net(text("dst")?, count("dstlen"))?,
            "not" => rule.not = true,
            "iif" => rule.in_link = Some(clean(text("iif")?, WORD)),
            "oif" => rule.out_link = Some(clean(text("oif")?, WORD)),
            "fwmark" => rule.mark = Some(hex(text("fwmark")?)?),
            "table" | "action" | "goto" => {}
            "suppress_prefixlen" => rule.suppress = Some(u8::try_from(count("suppress_prefixlen")?).ok()?),
            _ => rule.other = true,
        }
    }
    rule.mask = text("fwmask").map(hex).unwrap_or_default().filter(|mask| *mask != u32::MAX);
    rule.table = number(told.get("table"));
    rule.kind = match (text("action"), text("table")) {
        (Some(action), _) => clean(action, WORD),
        (None, _) if rule.table.is_some() => "lookup".to_owned(),
        // A name of the guest's own.
        (None, Some(name)) => format!("lookup {}", clean(name, WORD)),
        (None, None) => "goto".to_owned(),
    };
    Some(rule)
}

/// Nothing for all.
fn net(address: &str, length: Option<u32>) -> Option<Option<IpNet>> {
    if address == "all" {
        return Some(None);
    }
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv6() { 128 } else { 32 };
    IpNet::new(address, u8::try_from(length.unwrap_or(whole)).ok()?).ok().map(Some)
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// A table's, by the names that every system gives.
fn number(table: Option<&Value>) -> Option<u32> {
    match table?.as_str()? {
        "local" => Some(255),
        "main" => Some(MAIN),
        "default" => Some(253),
        other => other.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As iproute2 6.1 prints them.
    const PRINTED: &str = r#"[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","flags":[]}]
[{"priority":0,"src":"all","table":"local"},
 {"priority":60,"src":"all","goto":100},
 {"priority":70,"src":"all","table":"main","suppress_prefixlen":0},
 {"priority":80,"src":"all","ipproto":"tcp","dport":80,"table":"7"},
 {"priority":90,"not":null,"src":"all","dst":"192.0.2.9","iif":"lo","action":"prohibit"},
 {"priority":95,"src":"192.0.2.3","table":"isp"},
 {"priority":100,"src":"192.0.2.0","srclen":24,"fwmark":"0x1","fwmask":"0xff","table":"1000"},
 {"priority":32766,"src":"all","table":"main"},
 {"priority":32767,"src":"all","table":"default"}]
"#;

    fn output(status: i64, text: &str) -> Result<ExecOutput, Error> {
        Ok(ExecOutput { status, stdout: text.as_bytes().to_vec(), stderr: Vec::new() })
    }

    #[test]
    fn reads_rules_as_ip_prints_them() {
        let mut trouble = None;
        let (routes, rules) = lists(output(0, PRINTED), false, &mut trouble);
        assert_eq!((routes.expect("routes").len(), trouble), (1, None));
        let rules = rules.expect("rules");
        let [goto, suppressing, port, prohibit, named, marked] = rules.as_slice() else { panic!("{rules:?}") };
        assert_eq!((goto.kind.as_str(), goto.table, goto.other), ("goto", None, false));
        assert_eq!((suppressing.suppress, suppressing.table), (Some(0), Some(MAIN)));
        assert!(port.other && port.table == Some(7));
        assert!(prohibit.not && prohibit.table.is_none());
        assert_eq!((prohibit.kind.as_str(), prohibit.in_link.as_deref()), ("prohibit", Some("lo")));
        assert_eq!(prohibit.to, Some("192.0.2.9/32".parse().expect("a prefix")));
        assert_eq!((named.kind.as_str(), named.table), ("lookup isp", None));
        assert_eq!((marked.priority, marked.table, marked.mark, marked.mask), (100, Some(1000), Some(1), Some(0xff)));
        assert_eq!(marked.from, Some("192.0.2.0/24".parse().expect("a prefix")));
        assert_eq!(marked.kind, "lookup");
    }

    #[test]
    fn a_guest_without_rules_has_told_of_its_routes() {
        let (routes, _) = PRINTED.split_once('\n').expect("lines");
        for text in [routes.to_owned(), format!("{routes}\n0:\tfrom all lookup local\n")] {
            let (routes, rules) = lists(output(1, &text), false, &mut None);
            assert_eq!((routes.map(|routes| routes.len()), rules), (Some(1), None), "{text}");
        }
        let mut trouble = None;
        assert_eq!(lists(output(1, "[]"), false, &mut trouble), (None, None), "it failed before it told any");
        assert_eq!(lists(output(1, "Object \"-batch\" is unknown"), false, &mut trouble), (None, None));
        assert_eq!(trouble, None);
        assert_eq!(lists(output(0, "nonsense"), false, &mut trouble), (None, None));
        assert!(trouble.is_some_and(|trouble| trouble.contains("no use")));
    }

    #[test]
    fn what_is_no_rule_makes_all_unknown() {
        for wrong in [json!([{"src": "all"}]), json!([1]), json!({}), json!([{"priority": 1, "src": "nobody"}])] {
            assert_eq!(rules(&wrong, false), None, "{wrong}");
        }
        let many: Vec<Value> = (0..=RULES).map(|n| json!({"priority": n, "src": "all", "table": "main"})).collect();
        assert_eq!(rules(&Value::Array(many), false), None);
    }

    #[test]
    fn a_table_has_its_own_routes() {
        let all = json!([
            {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0", "table": "1000", "flags": []},
            {"dst": "default", "gateway": "fe80::1", "dev": "eth0", "table": "1000", "flags": [], "pref": "medium"},
            {"dst": "10.0.0.0/8", "dev": "eth1", "table": "7", "flags": []},
            {"type": "local", "dst": "192.0.2.9", "dev": "eth0", "table": "local", "flags": []},
            {"dst": "192.0.2.0/24", "dev": "eth0", "flags": []}
        ]);
        let destinations =
            |table| -> Vec<String> { routes(&all, table).iter().map(|route| route.destination.to_string()).collect() };
        assert_eq!(destinations(1000), ["0.0.0.0/0", "::/0"]);
        assert_eq!(destinations(7), ["10.0.0.0/8"]);
    }
}
