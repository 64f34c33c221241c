//! Runs a program of OpenSSH: three pipes, a time limit, and no more of what it prints than anybody wants.

use std::{io, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

use super::SshError;
use crate::host::guest::exec::{ExecOutput, OUTPUT};

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Ran {
    Ended(ExecOutput),
    /// It was killed.
    Late,
    /// It printed more than [`OUTPUT`].
    TooLong,
}

/// In this folder, and with nothing of our environment but where programs are. It dies with the call.
pub async fn run(
    program: &'static str,
    folder: &Path,
    arguments: &[&str],
    input: Option<&[u8]>,
    limit: Duration,
) -> Result<Ran, SshError> {
    let failed = |error: io::Error| SshError::Start { program, reason: error.to_string() };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env_clear();
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    let mut child = command
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A program that stops reading says why on stderr, and by its status.
            stdin.write_all(input).await.ok();
        }
    };
    let work = async { tokio::join!(feed, some(stdout), some(stderr), child.wait()) };
    let Ok(((), stdout, stderr, status)) = timeout(limit, work).await else { return Ok(Ran::Late) };
    let status = status.map_err(failed)?;
    if stdout.len() > OUTPUT || stderr.len() > OUTPUT {
        return Ok(Ran::TooLong);
    }
    // One that was killed says as little as one that had no connection.
    let status = status.code().map_or(super::NO_CONNECTION, i64::from);
    Ok(Ran::Ended(ExecOutput { status, stdout, stderr }))
}

/// Up to a byte more than is wanted; then the pipe is closed, and the program ends by writing on.
async fn some(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(OUTPUT as u64 + 1).read_to_end(&mut kept).await.ok();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, input: Option<&[u8]>, limit: u64) -> Ran {
        let limit = Duration::from_millis(limit);
        run("sh", Path::new("/"), &["-c", script], input, limit).await.expect("a shell")
    }

    #[tokio::test]
    async fn what_it_prints_and_its_status_are_kept() {
        let Ran::Ended(output) = shell("cat; echo no >&2; exit 3", Some(b"yes"), 10_000).await else {
            panic!("an end")
        };
        assert_eq!((output.status, output.stdout, output.stderr), (3, b"yes".to_vec(), b"no\n".to_vec()));
    }

    #[tokio::test]
    async fn it_is_bounded() {
        assert_eq!(shell("sleep 60", None, 50).await, Ran::Late);
        assert_eq!(shell("head -c 2000000 /dev/zero", None, 10_000).await, Ran::TooLong);
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_named() {
        let missing = run("bridgehead-no-such-program", Path::new("/"), &[], None, Duration::from_secs(1)).await;
        assert!(missing.expect_err("missing").to_string().contains("bridgehead-no-such-program"));
    }
}
