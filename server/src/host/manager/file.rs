//! Our own files in the folders of managers, and no other.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use model::observed::Folder;

use super::{FILES, LIMIT, Managers};

/// What could not be done to which file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} is no file of ours")]
    NotOurs(String),
    #[error("cannot write {path}")]
    Write { path: String, source: io::Error },
    #[error("cannot remove {path}")]
    Remove { path: String, source: io::Error },
}

/// The folders that are there, with the files in them that are ours.
pub fn read(root: &Path) -> BTreeMap<String, Folder> {
    let folder = |path: &str| {
        let folder = below(root, path);
        let names = fs::read_dir(&folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let ours = names.filter(|name| name.starts_with(Folder::OURS)).take(FILES);
        let files = ours.map(|name| (name.clone(), text(&folder.join(name)))).collect();
        Some((path.to_owned(), Folder { files }))
    };
    Folder::ALL.into_iter().filter_map(folder).collect()
}

/// All of it, or nothing.
fn text(path: &Path) -> Option<String> {
    // Opening a pipe would wait for its other end.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LIMIT + 1).read_to_end(&mut bytes).ok()?;
    String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= LIMIT)
}

impl Managers {
    /// Makes a file of ours hold this text, whole or not at all; `None` removes it.
    pub fn write(&self, path: &str, text: Option<&str>) -> Result<(), Error> {
        let (folder, name) = Folder::of(path).ok_or_else(|| Error::NotOurs(path.to_owned()))?;
        let folder = below(&self.root, folder);
        let failed = |source| match text {
            Some(_) => Error::Write { path: path.to_owned(), source },
            None => Error::Remove { path: path.to_owned(), source },
        };
        match text {
            Some(text) => replace(&folder, name, text, Folder::mode(path)).map_err(failed)?,
            None => match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            },
        }
        // Only then is the name on the disk too.
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// Managers look for names that end as theirs do, and for none that begins with a dot.
fn replace(folder: &Path, name: &str, text: &str, mode: u32) -> io::Result<()> {
    let new = folder.join(format!(".{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&new)?;
    // One that a crash left behind may have another mode.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, folder.join(name))
}

fn below(root: &Path, path: &str) -> std::path::PathBuf {
    root.join(path.trim_start_matches('/'))
}
