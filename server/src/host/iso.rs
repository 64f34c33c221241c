//! A seed for cloud-init as an image of a CD, by whichever of two programs is there.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Its data source NoCloud finds a seed by this label.
const LABEL: &str = "CIDATA";
const IMAGE: &str = "seed.iso";
const FILES: [&str; 3] = ["meta-data", "user-data", "network-config"];
/// xorriso understands the other's options.
const PROGRAMS: [(&str, &[&str]); 2] = [("xorriso", &["-as", "genisoimage"]), ("genisoimage", &[])];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the files are there, but no image of them: install xorriso (or genisoimage), and try again")]
    NoProgram,
    #[error("{program} made no image: {reason}")]
    Failed { program: &'static str, reason: String },
}

/// Makes `seed.iso` of the files of a seed, beside them.
pub fn seed(folder: &Path) -> Result<PathBuf, Error> {
    for (program, first) in PROGRAMS {
        let made = Command::new(program)
            .args(first)
            .args(["-quiet", "-output", IMAGE, "-volid", LABEL, "-joliet", "-rock"])
            .args(FILES)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output();
        match made {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::Failed { program, reason: error.to_string() }),
            Ok(output) if output.status.success() => return Ok(folder.join(IMAGE)),
            Ok(output) => {
                let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                return Err(Error::Failed { program, reason });
            }
        }
    }
    Err(Error::NoProgram)
}
