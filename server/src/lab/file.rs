//! Files, with errors that say which.

use std::{fs, io::ErrorKind, path::Path};

use super::error::LabError;

/// Removes a file or a link, if it is there.
pub fn remove(path: &Path) -> Result<(), LabError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(LabError::Io { doing: format!("remove {}", path.display()), source: error })
        }
        _ => Ok(()),
    }
}
