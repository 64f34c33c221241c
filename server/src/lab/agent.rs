//! Commands in a guest, by its agent. All that it answers is a stranger's word: bounded, and given up on in time.

use std::{
    io::Write,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use virt::{connect::Connect, domain::Domain};

use super::{PAUSE, error::LabError, libvirtd, state};

/// How long the agent may take for one answer, in seconds.
const ANSWER: i32 = 10;
/// An answer longer than this is not read. libvirt's own limit is 10 MiB.
const LONGEST: usize = 16 << 20;

/// `bridgehead lab guest`.
pub fn guest(state: &Path, name: &str, command: &[String]) -> Result<u8, LabError> {
    if !state::is_running(state)? {
        return Err(LabError::NotRunning { state: state.to_owned() });
    }
    let connection = libvirtd::connect_from_outside(state)?;
    let domain = find(&connection, name)?;
    let outcome = execute(&domain, name, command)?;
    let written =
        std::io::stdout().write_all(&outcome.stdout).and_then(|()| std::io::stderr().write_all(&outcome.stderr));
    written.map_err(LabError::io("write what the guest said"))?;
    Ok(outcome.status)
}

pub fn find(connection: &Connect, name: &str) -> Result<Domain, LabError> {
    if name.contains('\0') {
        return Err(LabError::Guest { guest: name.escape_default().to_string(), why: "is no name".to_owned() });
    }
    Domain::lookup_by_name(connection, name).map_err(LabError::libvirt(format!("find the guest {name}")))
}

struct Outcome {
    status: u8,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

fn execute(domain: &Domain, name: &str, command: &[String]) -> Result<Outcome, LabError> {
    let odd = |why: &str| LabError::Guest { guest: name.to_owned(), why: why.to_owned() };
    let (path, arguments) = command.split_first().ok_or_else(|| odd("no command given"))?;
    let started = call(
        domain,
        name,
        &json!({"execute": "guest-exec", "arguments": {"path": path, "arg": arguments, "capture-output": true}}),
    )?;
    let pid = started["pid"].as_i64().ok_or_else(|| odd("the agent named no process"))?;
    loop {
        let status = call(domain, name, &json!({"execute": "guest-exec-status", "arguments": {"pid": pid}}))?;
        if status["exited"].as_bool() == Some(true) {
            let code = match (status["exitcode"].as_u64(), status["signal"].as_u64()) {
                (Some(code), _) => code,
                (None, Some(signal)) => 128 + signal,
                (None, None) => return Err(odd("the agent gave no exit status")),
            };
            return Ok(Outcome {
                status: u8::try_from(code).unwrap_or(1),
                stdout: decode(&status["out-data"]).ok_or_else(|| odd("its output is not base64"))?,
                stderr: decode(&status["err-data"]).ok_or_else(|| odd("its errors are not base64"))?,
            });
        }
        // The agent has no event for the end of a process.
        sleep(Duration::from_millis(30));
    }
}

/// The first IPv4 address beyond loopback that the guest reports, once its agent answers.
pub fn wait_for_address(domain: &Domain, name: &str, until: Instant) -> Result<String, LabError> {
    let mut last = "its agent does not answer".to_owned();
    while Instant::now() < until {
        match call(domain, name, &json!({"execute": "guest-network-get-interfaces"})) {
            Ok(interfaces) => match first_address(&interfaces) {
                Some(address) => return Ok(address.chars().take(15).collect()),
                None => last = "it has no address".to_owned(),
            },
            Err(error) => last = error.with_causes(),
        }
        // The crate `virt` offers no event for an agent's arrival, and a lease has none at all.
        sleep(PAUSE);
    }
    Err(LabError::Guest { guest: name.to_owned(), why: format!("not ready in time: {last}") })
}

fn first_address(interfaces: &Value) -> Option<&str> {
    let others = interfaces.as_array()?.iter().filter(|interface| interface["name"] != "lo");
    others
        .filter_map(|interface| interface["ip-addresses"].as_array())
        .flatten()
        .find(|address| address["ip-address-type"] == "ipv4")?["ip-address"]
        .as_str()
}

fn call(domain: &Domain, name: &str, request: &Value) -> Result<Value, LabError> {
    let odd = |why: String| LabError::Guest { guest: name.to_owned(), why };
    let answer = domain
        .qemu_agent_command(&request.to_string(), ANSWER, 0)
        .map_err(LabError::libvirt(format!("ask the agent of {name}")))?;
    if answer.len() > LONGEST {
        return Err(odd("its agent's answer is too long".to_owned()));
    }
    let mut answer: Value =
        serde_json::from_str(&answer).map_err(|error| odd(format!("its agent's answer is not JSON: {error}")))?;
    Ok(answer["return"].take())
}

/// Base64 of RFC 4648 as glib writes it: padded, no line breaks. Absent is empty.
fn decode(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str().unwrap_or_default().trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for character in text.bytes() {
        let six = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_base64() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(decode(&json!(text)), Some(bytes.as_bytes().to_vec()), "{text}");
        }
        assert_eq!(decode(&json!("Zm9v!")), None);
        assert_eq!(decode(&Value::Null), Some(Vec::new()));
    }

    #[test]
    fn finds_the_first_address_in_any_answer() {
        let answer = json!([{"name": "lo", "ip-addresses": [{"ip-address-type": "ipv4", "ip-address": "127.0.0.1"}]},
            {"name": "eth0", "ip-addresses": [{"ip-address-type": "ipv6", "ip-address": "fe80::1"},
            {"ip-address-type": "ipv4", "ip-address": "192.168.122.7"}]}]);
        assert_eq!(first_address(&answer), Some("192.168.122.7"));
        for odd in [json!(null), json!([{"name": 3}]), json!([{"ip-addresses": "x"}]), json!({"a": 1})] {
            assert_eq!(first_address(&odd), None);
        }
    }
}
