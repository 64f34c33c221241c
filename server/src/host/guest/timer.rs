//! The revert timer inside a guest that is reached by SSH: [`model::timer`] says what it runs.
//!
//! ```text
//! arm ─► /run/bridgehead/revert-N ─┬─ disarm: removed, in time ──────────► nothing happens
//!                                  └─ time is up: renamed to ….runs ─► ….ran
//! ```
//!
//! Either the one or the other gets the file.

use std::{sync::Arc, time::Duration};

use super::{
    error::Error,
    exec::Process,
    ssh::Ssh,
    way::{Reach, Way, Ways},
};
use crate::host::libvirt::{Lane, clean};

const PROGRAM: Duration = Duration::from_secs(20);

/// Arguments: the number of the change, seconds. Its input is what is to be run.
const ARM: &str = r#"set -e
umask 077
cd /run
mkdir -p bridgehead
file=/run/bridgehead/revert-$1
rm -f "$file.ran" "$file.runs"
cat >"$file.new"
mv "$file.new" "$file"
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
  exec systemd-run --quiet --collect --unit="bridgehead-revert-$1" --on-active="$2" --timer-property=AccuracySec=1s \
    sh -c '[ ! -e "$1" ] || exec sh "$1"' sh "$file"
fi
nohup setsid sh -c 'sleep "$2"; [ ! -e "$1" ] || exec sh "$1"' sh "$file" "$2" </dev/null >/dev/null 2>&1 &
"#;

/// Argument: the number of the change.
const DISARM: &str = r#"file=/run/bridgehead/revert-$1
if rm "$file" 2>/dev/null; then
  systemctl stop "bridgehead-revert-$1.timer" 2>/dev/null
  exit 0
fi
if [ -e "$file.ran" ]; then exit 10; fi
if [ -e "$file.runs" ]; then exit 11; fi
exit 12
"#;

/// How a timer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// It will do nothing any more.
    Disarmed,
    /// It has taken its part back.
    Ran,
    /// It is at it.
    Runs,
    /// There is none: the guest has started anew, or was never told.
    None,
}

/// The network connection by which programs reach this guest, or may have done so before it broke.
pub fn by_network(ways: &Ways, guest: &str) -> Option<Arc<Ssh>> {
    match ways.chosen(guest) {
        Some(Way::Ssh(ssh)) => Some(ssh),
        Some(Way::Agent | Way::Console(_)) => None,
        None => ways.ssh.of(guest),
    }
}

/// Has the guest run this script after so many seconds, on a clock that nobody can set.
pub async fn arm(ssh: &Ssh, change: u64, seconds: u64, script: &str) -> Result<(), Error> {
    let (number, seconds) = (change.to_string(), seconds.to_string());
    let output = ssh.run(&["sh", "-c", ARM, "sh", &number, &seconds], Some(script.as_bytes()), PROGRAM).await?;
    if output.status == 0 {
        return Ok(());
    }
    Err(Error::Failed {
        doing: format!("arm the timer that takes change {change} back in guest {}", ssh.guest),
        program: "sh".to_owned(),
        status: output.status,
        stderr: clean(String::from_utf8_lossy(&output.stderr).trim(), 300),
    })
}

/// Sees to it that the timer of this change does nothing any more, or says that it is too late. By whatever way there is
/// now: a better one may have come since.
pub async fn disarm(reach: &Reach, guest: &str, change: u64) -> Result<Timer, Error> {
    let argv = ["sh", "-c", DISARM, "sh", &change.to_string()];
    let output = Process::start(reach, guest, &argv, None, Lane::Step).await?.wait(PROGRAM).await?;
    match output.status {
        0 => Ok(Timer::Disarmed),
        10 => Ok(Timer::Ran),
        11 => Ok(Timer::Runs),
        12 => Ok(Timer::None),
        status => {
            let reason = format!("the status {status}");
            Err(Error::Nonsense { doing: format!("disarm the timer of change {change} in guest {guest}"), reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::Write,
        path::Path,
        process::{Command, Output, Stdio},
    };

    use super::*;

    /// Runs it with `/run` elsewhere, and no systemd.
    fn run(folder: &Path, script: &str, arguments: &[&str], input: &str) -> Output {
        let script = script.replace("/run/systemd", "/nowhere").replace("/run", &folder.to_string_lossy());
        let mut child = Command::new("sh")
            .args(["-c", &script, "sh"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).ok();
        child.wait_with_output().expect("an end")
    }

    #[test]
    fn a_timer_runs_or_is_disarmed() {
        let folder = std::env::temp_dir().join(format!("bridgehead-test-guest-timer-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let ran = folder.join("bridgehead/revert-7.ran");
        let script = "mv \"$0\" \"$0.runs\" || exit 1\nmv \"$0.runs\" \"$0.ran\"\n";
        let status = |output: Output| output.status.code();

        assert_eq!(status(run(&folder, DISARM, &["7"], "")), Some(12), "never told");
        assert_eq!(status(run(&folder, ARM, &["7", "3600"], script)), Some(0));
        assert_eq!(status(run(&folder, DISARM, &["7"], "")), Some(0), "in time");
        assert_eq!(status(run(&folder, DISARM, &["7"], "")), Some(12));

        assert_eq!(status(run(&folder, ARM, &["7", "0"], script)), Some(0));
        while !ran.exists() {
            std::thread::yield_now();
        }
        assert_eq!(status(run(&folder, DISARM, &["7"], "")), Some(10), "too late");
        fs::rename(&ran, folder.join("bridgehead/revert-7.runs")).expect("renamed");
        assert_eq!(status(run(&folder, DISARM, &["7"], "")), Some(11));
        fs::remove_dir_all(&folder).expect("there");
    }
}
