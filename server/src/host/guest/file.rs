//! What can be had of a guest whose agent may not run programs: by the agent's own file commands.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use model::observed::GuestFacts;
use serde_json::{Value, json};

use super::{error::Error, exec::agent, parse, resolver};
use crate::host::libvirt::{Lane, Libvirt, clean};

const COMMAND: Duration = Duration::from_secs(3);
/// Longer files are cut off, in bytes.
const LENGTH: usize = 64 << 10;

/// Where agents are told what they may do: in the agent's own file, in those of Red Hat's and of Debian's service.
const SETTINGS: [&str; 3] = ["/etc/qemu/qemu-ga.conf", "/etc/sysconfig/qemu-ga", "/etc/default/qemu-guest-agent"];
const WORDS: [&str; 5] = ["block-rpcs", "blacklist", "allow-rpcs", "FILTER_RPC_ARGS", "BLACKLIST_RPC"];

/// The commands that this takes.
pub const NEEDED: [&str; 3] = ["guest-file-open", "guest-file-read", "guest-file-close"];

/// Routes, forwarding and the number of its start, as the kernel's own files tell them.
pub async fn look(libvirt: &Libvirt, domain: &str, facts: &mut GuestFacts) {
    let text = async |path: &str| read(libvirt, domain, path).await.ok();
    facts.routes = text("/proc/net/route").await.map(|printed| parse::kernel_routes(&printed));
    facts.ip_forward = text("/proc/sys/net/ipv4/ip_forward").await.map(|value| value.trim() != "0");
    facts.boot = text("/proc/sys/kernel/random/boot_id").await.map(|boot| clean(boot.trim(), 64));
    let mut files = BTreeMap::new();
    for path in [model::resolver::HOSTNAME].into_iter().chain(model::resolver::TELLING) {
        files.extend(text(path).await.map(|text| (path, text)));
    }
    resolver::tell(facts, &|path| files.get(path).map(|text| text.lines().collect()));
    // Nothing can be set by files alone.
    facts.resolver = None;
}

/// The line that forbids it, with its file: `/etc/qemu/qemu-ga.conf says "block-rpcs=guest-exec"`.
pub async fn forbidden_by(libvirt: &Libvirt, domain: &str) -> Option<String> {
    for path in SETTINGS {
        let Ok(text) = read(libvirt, domain, path).await else { continue };
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let mut telling = lines.filter(|line| WORDS.iter().any(|word| line.starts_with(word)));
        if let Some(line) = telling.next() {
            return Some(format!("{path} says \"{}\"", clean(line, 200)));
        }
    }
    None
}

async fn read(libvirt: &Libvirt, domain: &str, path: &str) -> Result<String, Error> {
    let ask = async |command: &str, arguments: Value| {
        let order = json!({ "execute": command, "arguments": arguments });
        agent(libvirt, domain, &order, COMMAND, Lane::Watch).await
    };
    let nonsense = |reason: String| Error::Nonsense { doing: format!("read {path} in guest {domain}"), reason };
    let handle = ask("guest-file-open", json!({ "path": path, "mode": "r" })).await?;
    let handle = handle.as_i64().ok_or_else(|| nonsense("no handle".to_owned()))?;
    let answer = ask("guest-file-read", json!({ "handle": handle, "count": LENGTH })).await;
    if let Err(error) = ask("guest-file-close", json!({ "handle": handle })).await {
        tracing::debug!(%error, "closing {path} in guest {domain}");
    }
    let data = answer?.get("buf-b64").and_then(Value::as_str).unwrap_or_default().to_owned();
    if data.len() > LENGTH.div_ceil(3) * 4 {
        return Err(nonsense("more than was asked for".to_owned()));
    }
    let bytes = STANDARD.decode(data).map_err(|error| nonsense(format!("no base64: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
