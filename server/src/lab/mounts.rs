//! The world's own `/dev`, `/etc`, `/run`, `/sys` and libvirt folders, over the machine's, in this mount namespace only.
//!
//! `/etc` is a copy in memory, with the folders of every network manager in it: what is written there is gone with the world.
//! `/run` and libvirt's folders lie in the state folder: a socket made here can be reached from the machine by its path there.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::Path,
};

use model::observed::Folder;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::{error::LabError, process};

const NOTHING: Option<&str> = None;

/// What a program may expect in `/dev`. The rest of the machine's devices are none of the world's business.
const DEVICES: [&str; 8] = ["null", "zero", "full", "random", "urandom", "tty", "net/tun", "kvm"];

pub fn replace(state: &Path) -> Result<(), LabError> {
    devices(&state.join("dev"))?;
    settings(&state.join("settings"))?;
    for (name, target) in [
        ("run", "/run"),
        ("etc", "/etc/libvirt"),
        ("lib", "/var/lib/libvirt"),
        ("cache", "/var/cache/libvirt"),
        ("log", "/var/log/libvirt"),
    ] {
        let source = state.join(name);
        fs::create_dir_all(&source).map_err(LabError::io(format!("make {}", source.display())))?;
        if !Path::new(target).is_dir() {
            return Err(LabError::Missing { program: target.to_owned(), package: "libvirt-daemon-system" });
        }
        bind(&source, Path::new(target))?;
    }
    fs::create_dir_all("/run/lock").map_err(LabError::io("make /run/lock"))?;
    system()
}

fn settings(staging: &Path) -> Result<(), LabError> {
    let make = |folder: &Path| fs::create_dir_all(folder).map_err(LabError::io(format!("make {}", folder.display())));
    make(staging)?;
    mount_new("tmpfs", staging, "mode=755,size=256m")?;
    process::run(process::command("cp").args(["--archive", "/etc/."]).arg(staging))?;
    for folder in Folder::ALL {
        make(&staging.join(folder.trim_start_matches("/etc/")))?;
    }
    mount(Some(staging), "/etc", NOTHING, MsFlags::MS_MOVE, NOTHING)
        .map_err(LabError::os("move the world's /etc into place"))
}

fn devices(staging: &Path) -> Result<(), LabError> {
    let make = |folder: &Path| fs::create_dir_all(folder).map_err(LabError::io(format!("make {}", folder.display())));
    make(staging)?;
    mount_new("tmpfs", staging, "mode=755,size=16m")?;
    for folder in ["net", "pts", "shm"] {
        make(&staging.join(folder))?;
    }
    for name in DEVICES {
        let device = Path::new("/dev").join(name);
        if device.exists() {
            let target = staging.join(name);
            File::create(&target).map_err(LabError::io(format!("make {}", target.display())))?;
            bind(&device, &target)?;
        }
    }
    mount_new("devpts", &staging.join("pts"), "newinstance,ptmxmode=0666,mode=620")?;
    mount_new("tmpfs", &staging.join("shm"), "mode=1777")?;
    for (name, target) in
        [("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")]
    {
        symlink(target, staging.join(name)).map_err(LabError::io(format!("make /dev/{name}")))?;
    }
    mount(Some(staging), "/dev", NOTHING, MsFlags::MS_MOVE, NOTHING)
        .map_err(LabError::os("move the world's /dev into place"))
}

/// A `/sys` that shows this network namespace. The control groups under the old one go first, from this mount namespace:
/// libvirt takes those that `/proc/mounts` names for usable, and what it made there would outlive the world.
fn system() -> Result<(), LabError> {
    umount2("/sys", MntFlags::MNT_DETACH).map_err(LabError::os("unmount the machine's /sys"))?;
    mount_new("sysfs", Path::new("/sys"), "")
}

fn bind(source: &Path, target: &Path) -> Result<(), LabError> {
    mount(Some(source), target, NOTHING, MsFlags::MS_BIND, NOTHING).map_err(LabError::os(format!(
        "mount {} on {}",
        source.display(),
        target.display()
    )))
}

fn mount_new(kind: &str, target: &Path, options: &str) -> Result<(), LabError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    // Chromium maps executable pages from shared memory.
    let flags = if target.ends_with("shm") { MsFlags::MS_NOSUID } else { flags };
    mount(Some(kind), target, Some(kind), flags, Some(options))
        .map_err(LabError::os(format!("mount a new {kind} on {}", target.display())))
}
