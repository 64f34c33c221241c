//! The network of a lab, as tests look at it.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    collections::BTreeSet,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

/// What `bridgehead observe` says, without what moves by itself or is named anew each time: indexes, handles, taps, caches.
pub fn settled(program: &str) -> Value {
    let output = Command::new(program).args(["observe", "--json"]).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let observed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let name = |index: &Value| observed["links"][index.to_string()]["name"].clone();
    let is_tap = |link: &Value| !link["tun"].is_null();
    let links = values(&observed["links"]).filter(|link| !is_tap(link)).map(|link| {
        let addresses = list(&link["addresses"]).filter(|address| address["scope"] != "link");
        let addresses: Vec<&Value> = addresses.map(|address| &address["net"]).collect();
        let bridge = &link["bridge"]["stp"];
        json!({"name": link["name"], "up": link["up"], "mtu": link["mtu"], "master": name(&link["master"]), "alias": link["alias"],
            "addresses": addresses, "stp": bridge})
    });
    let routes = list(&observed["routes"]).filter(|route| {
        !text(&route["destination"]).starts_with("fe80") && !text(&route["destination"]).starts_with("ff00")
    });
    let routes = routes.map(|route| {
        json!([route["table"], route["destination"], route["gateway"], name(&route["link"]), route["metric"]])
    });
    let domains = values(&observed["domains"]).map(|domain| {
        let nics = list(&domain["nics"]);
        let nics = nics.map(|nic| json!([nic["mac"], nic["live"], nic["config"], nic["link_up"], nic["model"]]));
        json!({"name": domain["name"], "state": domain["state"], "nics": sorted(nics), "marks": domain["marks"]})
    });
    let guests = observed["guests"].as_object().into_iter().flatten().map(|(guest, facts)| {
        let interfaces = list(&facts["interfaces"]).map(|own| {
            let addresses = list(&own["addresses"]).filter(|net| !text(net).starts_with("fe80"));
            json!([own["mac"], own["up"], sorted(addresses.cloned())])
        });
        let routes = list(&facts["routes"]).map(|route| json!([route["destination"], route["via"], route["metric"]]));
        json!({"guest": guest, "interfaces": sorted(interfaces), "routes": sorted(routes), "ip_forward": facts["ip_forward"],
            "tables": without_handles(&facts["tables"])})
    });
    json!({"links": sorted(links), "routes": sorted(routes), "domains": sorted(domains), "guests": sorted(guests),
        "tables": without_handles(&observed["tables"]), "ip_forward": observed["sysctls"]["net.ipv4.ip_forward"]})
}

pub fn assert_same(start: &Value, now: &Value, when: &str) {
    for (part, before) in start.as_object().expect("an object") {
        if *before != now[part] {
            let (was, is): (BTreeSet<String>, BTreeSet<String>) = (lines(before), lines(&now[part]));
            let gone: Vec<_> = was.difference(&is).collect();
            let new: Vec<_> = is.difference(&was).collect();
            panic!("{when}: {part} differ\ngone {gone:#?}\nnew {new:#?}");
        }
    }
}

/// The same as soon as guests and libvirt have come to rest.
pub fn assert_settles(program: &str, start: &Value, when: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut now = settled(program);
    while now != *start && Instant::now() < deadline {
        now = settled(program);
    }
    assert_same(start, &now, when);
}

fn lines(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(values) => values.iter().map(Value::to_string).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| format!("{key}: {value}")).collect(),
        other => [other.to_string()].into(),
    }
}

fn values(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(Map::values)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn sorted(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut values: Vec<Value> = values.collect();
    values.sort_by_key(Value::to_string);
    values
}

fn without_handles(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(without_handles).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, _)| *key != "handle");
            Value::Object(kept.map(|(key, value)| (key.clone(), without_handles(value))).collect())
        }
        other => other.clone(),
    }
}

pub fn ip(arguments: &[&str]) {
    assert!(Command::new("ip").args(arguments).status().expect("ip runs").success(), "ip {arguments:?}");
}

pub fn virsh(arguments: &[&str]) {
    assert!(Command::new("virsh").args(arguments).status().expect("virsh runs").success(), "virsh {arguments:?}");
}

/// Whether a guest is shut off.
pub fn is_off(guest: &str) -> bool {
    let state = Command::new("virsh").args(["domstate", guest]).output().expect("virsh runs");
    String::from_utf8_lossy(&state.stdout).trim() == "shut off"
}

pub fn ping(address: &str) -> bool {
    Command::new("ping").args(["-c", "1", "-W", "2", address]).output().expect("ping runs").status.success()
}

pub fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().expect("kill").success());
}

/// Whether nobody holds the lock of this file.
pub fn is_free(path: &Path) -> bool {
    Command::new("flock").arg("--nonblock").arg(path).arg("true").status().expect("flock runs").success()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// The cookie of a browser that has logged in.
pub fn session(url: &str, token: &str) -> String {
    block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.post(format!("{url}/api/v1/session")).json(&json!({ "token": token })).send().await;
        let answer = answer.expect("an answer");
        let cookie = answer.headers()["set-cookie"].to_str().expect("text");
        cookie.split(';').next().unwrap_or_default().to_owned()
    })
}

pub fn post(url: &str, cookie: &str, path: &str) -> u16 {
    block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.post(format!("{url}/api/v1/{path}")).header("cookie", cookie).header("origin", url);
        request.send().await.expect("an answer").status().as_u16()
    })
}

/// How the page answers who is logged in.
pub fn status(url: &str, token: &str) -> u16 {
    block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        client.get(url).bearer_auth(token).send().await.expect("an answer").status().as_u16()
    })
}
