//! Files of ours inside a guest, which its own system reads at its next start.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::{
    observed::{Folder, ManagerKind},
    persist,
};

use super::{error::Error, exec::Process, network::Guest, way::Reach};
use crate::host::libvirt::{Lane, clean};

/// More files than these are not read, nor longer ones, nor more in all (bytes): every browser gets them.
const FILES: usize = 32;
const FILE: usize = 16 << 10;
const ALL: usize = 64 << 10;
const PROGRAM: Duration = Duration::from_secs(5);

/// All files of ours, by path. What a guest calls one is used in that guest alone, and only if it could be a name of ours.
pub async fn read(reach: &Reach, domain: &str) -> Result<BTreeMap<String, Option<String>>, Error> {
    let pattern = format!("*{}*", Folder::OURS);
    let mut find = vec!["find"];
    find.extend(persist::FOLDERS);
    find.extend(["-maxdepth", "1", "-type", "f", "-name", &pattern]);
    // It fails for folders that are not there.
    let found = Process::start(reach, domain, &find, None, Lane::Watch).await?.wait(PROGRAM).await?.text();
    let paths: Vec<&str> = found.lines().filter(|path| persist::is_ours(path)).take(FILES).collect();
    let mut reading = Vec::new();
    for path in &paths {
        reading.push(Process::start(reach, domain, &["cat", path], None, Lane::Watch).await?);
    }
    let (mut files, mut left) = (BTreeMap::new(), ALL);
    for (path, process) in paths.into_iter().zip(reading) {
        let output = process.wait(PROGRAM).await?;
        if output.status == 0 {
            files.insert(path.to_owned(), text(output.stdout, &mut left));
        }
    }
    Ok(files)
}

/// What is in a file, if a reader sees all of it, and it is not longer than what is `left`.
fn text(bytes: Vec<u8>, left: &mut usize) -> Option<String> {
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= FILE.min(*left))?;
    let is_plain = text.split(['\n', '\t']).all(|part| clean(part, FILE) == part);
    is_plain.then(|| {
        *left -= text.len();
        text
    })
}

/// Makes the files of ours these, and has the managers read them. Each is written beside and then renamed.
pub async fn replace(
    reach: &Reach,
    domain: &str,
    managers: &BTreeSet<ManagerKind>,
    files: &BTreeMap<String, String>,
    was: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let guest = Guest::new(reach, domain, format!("write files of ours in guest {domain}"));
    let (written, gone) = persist::changes(files, was);
    for (path, text) in written {
        let (folder, name) = ours(path)?;
        let (mode, beside) = (format!("{:o}", Folder::mode(path)), format!("{folder}/.{name}~"));
        guest.run(&["install", "-D", "-m", &mode, "/dev/stdin", &beside], Some(text.as_bytes())).await?;
        guest.run(&["mv", "-f", &beside, path], None).await?;
    }
    for path in gone {
        let (folder, _) = ours(path)?;
        guest.run(&["rm", "-f", path], None).await?;
        if persist::MADE.contains(&folder) {
            // It stays if there is anything else in it.
            guest.exec(&["rmdir", folder], None).await?;
        }
    }
    for command in managers.iter().copied().filter_map(persist::reload) {
        guest.run(command, None).await?;
    }
    Ok(())
}

fn ours(path: &str) -> Result<(&str, &str), Error> {
    let refused =
        || Error::Unsupported { doing: format!("write {path} in a guest"), reason: "it is not ours".to_owned() };
    path.rsplit_once('/').filter(|_| persist::is_ours(path)).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_short_text_that_can_be_read() {
        let mut left = ALL;
        let told = |bytes: &[u8], left: &mut usize| text(bytes.to_vec(), left);
        assert_eq!(told(b"a\tb\n# \xe4\xb8\xad\n", &mut left).as_deref(), Some("a\tb\n# 中\n"));
        for odd in [&b"\xff"[..], b"a\x1b[2J", "a\u{202e}b".as_bytes(), &[b'a'; FILE + 1]] {
            assert_eq!(told(odd, &mut left), None);
        }
        let full = (0..FILES).filter(|_| told(&[b'a'; FILE], &mut left).is_some()).count();
        assert_eq!(full, 3, "all of them together are bounded");
    }
}
