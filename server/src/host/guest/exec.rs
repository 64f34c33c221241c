//! Programs in a guest, by the way that it has. The agent's is `guest-exec`, then `guest-exec-status` until it has ended: it
//! has no event for the end.
//!
//! Argument vectors only; the agent is asked for no shell.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use model::observed::WayKind;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    error::Error,
    parse,
    way::{Reach, Way},
};
use crate::host::libvirt::{self, AtWork, Lane, Libvirt};

/// The most that a program may print on one of its outputs, in bytes.
pub const OUTPUT: usize = 1 << 20;
/// The longest reply that is looked at: both outputs in base64.
const REPLY: usize = 3 << 20;
/// How long one command of the agent may take; those sent from here answer at once.
const COMMAND: Duration = Duration::from_secs(5);

/// What a program in a guest left behind. All of it is the guest's word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecOutput {
    /// The exit status; 128 and the signal's number for a program that a signal ended.
    pub status: i64,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl ExecOutput {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// One command to the agent, its `return` as answer.
pub async fn agent(
    libvirt: &Libvirt,
    domain: &str,
    command: &Value,
    limit: Duration,
    lane: Lane,
) -> Result<Value, Error> {
    let reply = libvirt.agent_command(domain, command, limit, lane).await?;
    let doing = || format!("talk to the agent of guest {domain}");
    if reply.len() > REPLY {
        return Err(Error::Nonsense { doing: doing(), reason: format!("it is longer than {REPLY} bytes") });
    }
    parse::reply(&reply).map_err(|reason| Error::Nonsense { doing: doing(), reason })
}

/// Runs a program to its end, which may take so long.
pub async fn run(reach: &Reach, domain: &str, argv: &[&str], limit: Duration) -> Result<ExecOutput, super::Error> {
    Process::start(reach, domain, argv, None, Lane::Step).await?.wait(limit).await
}

/// A program that was started.
pub struct Process<'a> {
    reach: &'a Reach,
    domain: &'a str,
    doing: String,
    run: Run,
    lane: Lane,
}

enum Run {
    /// The agent has started it.
    Started { pid: i64, _at_work: AtWork },
    /// By a way on which one follows another: it starts when it is waited for.
    Queued { way: Way, argv: Vec<String>, input: Option<Vec<u8>> },
}

impl<'a> Process<'a> {
    pub async fn start(
        reach: &'a Reach,
        domain: &'a str,
        argv: &[&str],
        input: Option<&[u8]>,
        lane: Lane,
    ) -> Result<Self, Error> {
        let (path, arguments) = argv.split_first().unwrap_or((&"", &[]));
        let doing = format!("run {path} in guest {domain}");
        let way = reach.way(domain).await?;
        if way.kind() != WayKind::Agent {
            let argv = argv.iter().map(|word| (*word).to_owned()).collect();
            let run = Run::Queued { way, argv, input: input.map(<[u8]>::to_vec) };
            return Ok(Self { reach, domain, doing, run, lane });
        }
        let mut order = json!({ "path": path, "arg": arguments, "capture-output": true });
        if let Some(input) = input {
            order["input-data"] = STANDARD.encode(input).into();
        }
        let command = json!({ "execute": "guest-exec", "arguments": order });
        let reply = agent(&reach.libvirt, domain, &command, COMMAND, lane).await.map_err(|error| match error {
            // Above all: no such program.
            Error::Libvirt(libvirt::Error::Refused { message, .. }) => {
                Error::Libvirt(libvirt::Error::Refused { doing: doing.clone(), message })
            }
            error => error,
        })?;
        let pid = reply.get("pid").and_then(Value::as_i64);
        let pid = pid.ok_or_else(|| Error::Nonsense { doing: doing.clone(), reason: "no pid".to_owned() })?;
        let run = Run::Started { pid, _at_work: reach.libvirt.awaits_guest() };
        Ok(Self { reach, domain, doing, run, lane })
    }

    /// Waits for its end; a program that takes longer is killed.
    pub async fn wait(self, limit: Duration) -> Result<ExecOutput, Error> {
        let pid = match &self.run {
            Run::Started { pid, .. } => *pid,
            Run::Queued { way, argv, input } => {
                let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
                let _at_work = self.reach.libvirt.awaits_guest();
                return way.run(self.reach, &self.doing, &argv, input.as_deref(), limit).await;
            }
        };
        let deadline = Instant::now() + limit;
        let command = json!({ "execute": "guest-exec-status", "arguments": { "pid": pid } });
        let mut pause = Duration::from_millis(10);
        loop {
            let status = agent(&self.reach.libvirt, self.domain, &command, COMMAND, self.lane).await?;
            let nonsense = |reason| Error::Nonsense { doing: self.doing.clone(), reason };
            if let Some(output) = output(&status).map_err(nonsense)? {
                return Ok(output);
            }
            if Instant::now() + pause > deadline {
                self.kill(pid).await;
                return Err(Error::Slow { doing: self.doing, seconds: limit.as_secs() });
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    async fn kill(&self, pid: i64) {
        let pid = pid.to_string();
        let order = json!({ "path": "kill", "arg": ["-KILL", pid] });
        let command = json!({ "execute": "guest-exec", "arguments": order });
        if let Err(error) = agent(&self.reach.libvirt, self.domain, &command, COMMAND, self.lane).await {
            tracing::debug!(doing = self.doing, %error, "killing a slow program");
        }
    }
}

/// The reply of `guest-exec-status`; `None` while the program runs.
pub fn output(status: &Value) -> Result<Option<ExecOutput>, String> {
    if status.get("exited").and_then(Value::as_bool) != Some(true) {
        return Ok(None);
    }
    let number = |key| status.get(key).and_then(Value::as_i64);
    let data = |key: &str| -> Result<Vec<u8>, String> {
        let text = status.get(key).and_then(Value::as_str).unwrap_or_default();
        if text.len() > OUTPUT.div_ceil(3) * 4 {
            return Err(format!("{key} is longer than {OUTPUT} bytes"));
        }
        STANDARD.decode(text).map_err(|error| format!("{key} is not base64: {error}"))
    };
    let signal = number("signal").map(|signal| signal.saturating_add(128));
    let status = number("exitcode").or(signal).ok_or("neither an exit status nor a signal")?;
    Ok(Some(ExecOutput { status, stdout: data("out-data")?, stderr: data("err-data")? }))
}
