//! `bridgehead export`.

use std::path::PathBuf;

use clap::Args;
use model::export::{Export, Format};
use serde_json::json;

use super::{Api, Outcome, block_on, print, read};

/// Print the document, or what it says in another program's words.
#[derive(Debug, Args)]
pub struct Wanted {
    /// document, shell, libvirt, nft, netplan, networkd, ifupdown or networkmanager.
    #[arg(long, default_value_t)]
    format: Format,
    /// Of this document instead, as TOML (`-` for standard input); as a shell script, only what it would change.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
}

pub fn export(wanted: Wanted) -> Outcome {
    block_on(async {
        let api = Api::find()?;
        let format = wanted.format;
        let export: Export = match &wanted.plan {
            Some(file) => api.post("export", json!({ "cluster": read(file)?, "format": format })).await?,
            None => api.get(&format!("export?format={format}")).await?,
        };
        print(&text(&export));
        Ok(())
    })
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
