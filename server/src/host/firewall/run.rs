//! Runs a program of the firewall's: three pipes, a time limit, and what it said in the error.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::Command,
};

use super::Error;

/// A ruleset of some ten thousand rules takes nft a second or two.
const LIMIT: Duration = Duration::from_secs(20);
/// More than any ruleset of sense.
const OUTPUT: u64 = 256 << 20;
/// nft repeats the whole command under each of its complaints.
const COMPLAINT: u64 = 4 << 10;

/// What the program printed. `doing` completes "cannot …". The program dies with the call.
pub async fn run(
    program: &'static str,
    arguments: &[&str],
    input: Option<Vec<u8>>,
    doing: &str,
) -> Result<Vec<u8>, Error> {
    let start = |source| Error::Start { doing: doing.to_owned(), program, source };
    let mut child = Command::new(path(program))
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A program that stops reading says why on stderr, and by its status.
            stdin.write_all(&input).await.ok();
        }
    };
    let work = async { tokio::join!(feed, all(stdout, OUTPUT), all(stderr, COMPLAINT), child.wait()) };
    let Ok(((), printed, said, status)) = tokio::time::timeout(LIMIT, work).await else {
        return Err(Error::Slow { doing: doing.to_owned(), program, seconds: LIMIT.as_secs() });
    };
    if status.map_err(start)?.success() {
        return Ok(printed);
    }
    let said = in_one_line(&String::from_utf8_lossy(&said));
    let said = if said.is_empty() { "it gives no reason".to_owned() } else { said };
    Err(Error::Refused { doing: doing.to_owned(), program, said })
}

/// Without the line of carets by which nft points at what it refuses.
fn in_one_line(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.chars().all(|c| matches!(c, '^' | '~' | ' ')));
    lines.collect::<Vec<_>>().join("; ")
}

/// Reads to the end, keeps at most `limit` bytes.
async fn all(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(limit).read_to_end(&mut kept).await.ok();
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await.ok();
    }
    kept
}

/// These programs live in `/usr/sbin`, which is not on everybody's PATH.
fn path(program: &'static str) -> String {
    let full = format!("/usr/sbin/{program}");
    if Path::new(&full).exists() { full } else { program.to_owned() }
}
