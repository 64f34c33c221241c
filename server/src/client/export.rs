//! `bridgehead export`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use clap::Args;
use model::{
    export::{Export, Format},
    name::GuestName,
};
use serde_json::json;

use super::{Api, Outcome, block_on, print, read};
use crate::host::iso;

/// Print the document, or what it says in another program's words.
#[derive(Debug, Args)]
pub struct Wanted {
    /// document, shell, libvirt, nft, netplan, networkd, ifupdown, networkmanager or cloud-init.
    #[arg(long, default_value_t)]
    format: Format,
    /// Of this document instead, as TOML (`-` for standard input); as a shell script, only what it would change.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// The cloud-init seed of this guest alone, whether the document names it or not.
    #[arg(long)]
    guest: Option<GuestName>,
    /// Write the files below this folder; a cloud-init seed also as `seed.iso` to boot with, if xorriso or genisoimage is there.
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

pub fn export(wanted: Wanted) -> Outcome {
    block_on(async {
        let api = Api::find()?;
        let format = wanted.format;
        let export: Export = match &wanted.plan {
            Some(file) => {
                let draft = json!({ "cluster": read(file)?, "format": format, "guest": wanted.guest });
                api.post("export", draft).await?
            }
            None => {
                let guest = wanted.guest.as_ref().map(|guest| format!("&guest={guest}")).unwrap_or_default();
                api.get(&format!("export?format={format}{guest}")).await?
            }
        };
        match &wanted.to {
            Some(folder) => save(&export, folder),
            None => {
                print(&text(&export));
                Ok(())
            }
        }
    })
}

/// Writes the files, and names each.
fn save(export: &Export, folder: &Path) -> Outcome {
    let mut seeds = BTreeSet::new();
    for file in &export.files {
        let parts = Path::new(&file.path).components().filter(|part| matches!(part, Component::Normal(_)));
        let path = folder.join(parts.collect::<PathBuf>());
        let within = path.parent().unwrap_or(folder);
        let written = fs::create_dir_all(within).and_then(|()| fs::write(&path, &file.text));
        written.map_err(|error| format!("{}: {error}", path.display()))?;
        print(&format!("{}\n", path.display()));
        if path.ends_with("meta-data") {
            seeds.insert(within.to_owned());
        }
    }
    for seed in seeds {
        print(&format!("{}\n", iso::seed(&seed)?.display()));
    }
    Ok(())
}

/// One file as it is; several as `head` and `tail` print them, each below its path.
fn text(export: &Export) -> String {
    match export.files.as_slice() {
        [file] => file.text.clone(),
        files => {
            let files: Vec<String> = files.iter().map(|file| format!("==> {} <==\n{}", file.path, file.text)).collect();
            files.join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use model::export::File;

    use super::*;

    #[test]
    fn one_file_is_printed_as_it_is() {
        let file = |path: &str| File { path: path.to_owned(), text: format!("{path} text\n") };
        assert_eq!(text(&Export::default()), "");
        assert_eq!(text(&Export { files: vec![file("a")] }), "a text\n");
        let both = Export { files: vec![file("a"), file("b")] };
        assert_eq!(text(&both), "==> a <==\na text\n\n==> b <==\nb text\n");
    }
}
