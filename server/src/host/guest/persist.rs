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
use crate::host::libvirt::Lane;

/// More files than these are not read, nor longer ones (bytes): every browser gets them.
const FILES: usize = 32;
const FILE: usize = 16 << 10;
const PROGRAM: Duration = Duration::from_secs(5);

/// All files of ours, by path. What a guest calls one is used in that guest alone, and only if it could be a name of ours.
pub async fn read(reach: &Reach, domain: &str) -> Result<BTreeMap<String, Option<String>>, Error> {
    let pattern = format!("{}*", Folder::OURS);
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
    let mut files = BTreeMap::new();
    for (path, process) in paths.into_iter().zip(reading) {
        let output = process.wait(PROGRAM).await?;
        if output.status == 0 {
            let text = String::from_utf8(output.stdout).ok().filter(|text| text.len() <= FILE);
            files.insert(path.to_owned(), text);
        }
    }
    Ok(files)
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
