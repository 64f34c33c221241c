//! The disks of guests whose system is on one: each an overlay of its system's image, in the state folder. A lab that is
//! started again on the same folder finds them as the last one left them.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    error::LabError,
    file::remove,
    image,
    process::{command, run},
    say,
    spec::{Guest, GuestList},
};

/// A guest's disk, if its system is on one.
pub fn of(state: &Path, guest: &Guest) -> Option<PathBuf> {
    guest.system.is_on_disk().then(|| folder(state).join(format!("{}.qcow2", guest.name)))
}

/// Everything that these guests boot from, built or made if it is not there yet. For the machine, before the world: that
/// one has no way out to a mirror of Debian.
pub fn prepare(state: &Path, guests: &GuestList) -> Result<(), LabError> {
    let systems: BTreeSet<_> = guests.0.iter().map(|guest| guest.system).filter(|system| system.is_on_disk()).collect();
    if systems.is_empty() {
        return Ok(());
    }
    let images = image::systems(&systems)?;
    let folder = folder(state);
    fs::create_dir_all(&folder).map_err(LabError::io(format!("make {}", folder.display())))?;
    for guest in &guests.0 {
        if let (Some(disk), Some(base)) = (of(state, guest), images.get(&guest.system)) {
            lay(&guest.name, base, &disk)?;
        }
    }
    Ok(())
}

fn folder(state: &Path) -> PathBuf {
    state.join("disks")
}

/// Lays a disk over an image, unless one lies there already. On another image than it was made for, an overlay is garbage:
/// a note beside it says which one that was.
fn lay(name: &str, base: &Path, disk: &Path) -> Result<(), LabError> {
    let note = disk.with_extension("base");
    let identity = identity(base)?;
    match fs::read_to_string(&note) {
        Ok(noted) if noted == identity && disk.is_file() => return Ok(()),
        Ok(_) => say(&format!("{name} begins anew: its disk was made for another image")),
        Err(_) => {}
    }
    // The note comes after the disk and goes before it, so that it never lies.
    remove(&note)?;
    remove(disk)?;
    run(command("qemu-img").args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"]).arg(base).arg(disk))?;
    fs::write(&note, identity).map_err(LabError::io(format!("write {}", note.display())))
}

/// An image that was built again has the name of the old one, and another time.
fn identity(image: &Path) -> Result<String, LabError> {
    let found = fs::metadata(image).map_err(LabError::io(format!("look at {}", image.display())))?;
    Ok(format!("{} {} {}.{:09}\n", image.display(), found.len(), found.mtime(), found.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_system_on_a_disk_has_one() {
        let disk = |guest: &str| of(Path::new("/state"), &guest.parse().expect("a guest"));
        assert_eq!(disk("master"), None);
        assert_eq!(disk("a.b=netplan"), Some("/state/disks/a.b.qcow2".into()));
    }

    #[test]
    fn an_image_is_known_by_more_than_its_name() {
        let image = std::env::temp_dir().join(format!("bridgehead-test-image-{}", std::process::id()));
        fs::write(&image, "one").expect("a file");
        let before = identity(&image).expect("there");
        assert_eq!(identity(&image).expect("there"), before);
        fs::write(&image, "another").expect("a file");
        assert_ne!(identity(&image).expect("there"), before);
        fs::remove_file(&image).expect("there");
    }
}
