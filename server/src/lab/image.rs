//! The guests' kernel, initramfs and disks: built once from the machine's own Debian packages, kept in a cache.

mod archive;
mod kernel;
mod recipe;
mod system;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::{accelerator::Accelerator, error::LabError, process::find, say, system::System};

/// What runs in a guest, and the Debian package it comes from.
const PROGRAMS: [(&str, &str); 7] = [
    ("busybox", "busybox-static"),
    ("dash", "dash"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("qemu-ga", "qemu-guest-agent"),
    ("traceroute", "traceroute"),
    ("tcpdump", "tcpdump"),
];

/// What the host of the lab runs besides.
const HOST_PROGRAMS: [(&str, &str); 10] = [
    ("unshare", "util-linux"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("iptables", "iptables"),
    ("dnsmasq", "dnsmasq-base"),
    ("ssh", "openssh-client"),
    ("virtlogd", "libvirt-daemon-system"),
    ("libvirtd", "libvirt-daemon-system"),
    ("virsh", "libvirt-clients"),
    ("qemu-system-x86_64", "qemu-system-x86"),
];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Image {
    pub kernel: PathBuf,
    pub initramfs: PathBuf,
    pub accelerator: Accelerator,
}

impl Image {
    /// The image that fits the programs installed now, built if there is none yet.
    pub fn prepare() -> Result<Self, LabError> {
        let missing = HOST_PROGRAMS.iter().chain(&PROGRAMS).find(|(program, _)| find(program).is_none());
        if let Some((program, package)) = missing {
            return Err(LabError::Missing { program: (*program).to_owned(), package });
        }
        let cache = cache()?;
        fs::create_dir_all(&cache).map_err(LabError::io(format!("make {}", cache.display())))?;
        let _lock = lock(&cache)?;
        let folder = cache.join(key()?);
        if !folder.is_dir() {
            say("building the guest image (once)");
            build(&cache, &folder)?;
            say(&format!("guest image built in {}", folder.display()));
        }
        let mut image = Self {
            kernel: folder.join("vmlinuz"),
            initramfs: folder.join("initramfs"),
            accelerator: Accelerator::Emulation,
        };
        image.accelerator = Accelerator::choose(&image, &folder);
        Ok(image)
    }

    /// What the kernel is told. Without the options after the name it spends a third of its start-up on hardware that is
    /// not there; `init.sh` reads the name.
    pub fn command_line(&self, name: &str) -> String {
        format!(
            "console=ttyS0 quiet panic=-1 bridgehead.hostname={name} edd=off nokaslr mitigations=off tsc=reliable \
             no_timer_check nowatchdog random.trust_cpu=on 8250.nr_uarts=1 cryptomgr.notests"
        )
    }

    /// The same for a guest whose system is on its first disk. `init.sh` reads the first option and gives
    /// the kernel its name, which stays unless the system has one of its own; systemd reads the others.
    pub fn command_line_for_disk(&self, name: &str) -> String {
        format!(
            "{} bridgehead.root=/dev/vda root=/dev/vda rw fsck.mode=skip systemd.firstboot=off",
            self.command_line(name)
        )
    }
}

/// The images of these systems, built if there are none yet. A system that is on no disk has none.
pub fn systems(systems: &BTreeSet<System>) -> Result<BTreeMap<System, PathBuf>, LabError> {
    let cache = cache()?;
    fs::create_dir_all(&cache).map_err(LabError::io(format!("make {}", cache.display())))?;
    let _lock = lock(&cache)?;
    let mut images = BTreeMap::new();
    for &system in systems {
        images.extend(system::prepare(&cache, system)?.map(|image| (system, image)));
    }
    Ok(images)
}

/// `$XDG_CACHE_HOME/bridgehead/lab`, as the XDG Base Directory Specification says.
fn cache() -> Result<PathBuf, LabError> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let home = home.ok_or_else(|| LabError::Io {
        doing: "find a cache folder for the guest image".to_owned(),
        source: io::Error::other("neither XDG_CACHE_HOME nor HOME is an absolute path"),
    })?;
    Ok(home.join("bridgehead/lab"))
}

/// Two labs that start together build one image.
fn lock(cache: &Path) -> Result<Flock<fs::File>, LabError> {
    let path = cache.join("lock");
    let file = fs::File::create(&path).map_err(LabError::io(format!("make {}", path.display())))?;
    Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, errno)| LabError::os(format!("lock {}", path.display()))(errno))
}

/// Names all that goes into an image but the kernel, which stays what it was when the image was built.
fn key() -> Result<String, LabError> {
    let mut hasher = DefaultHasher::new();
    tree::SCRIPTS.hash(&mut hasher);
    kernel::MODULES.hash(&mut hasher);
    for (program, package) in PROGRAMS {
        let path = find(program).ok_or(LabError::Missing { program: program.to_owned(), package })?;
        let found = fs::metadata(&path).map_err(LabError::io(format!("look at {}", path.display())))?;
        let changed = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        (path, found.len(), changed).hash(&mut hasher);
    }
    Ok(format!("image-{:016x}", hasher.finish()))
}

/// Builds beside, then renames: a killed build leaves nothing that looks finished.
fn build(cache: &Path, folder: &Path) -> Result<(), LabError> {
    let building = building(cache)?;
    let kernel = kernel::fetch(cache, &building)?;
    say(&format!("kernel {} unpacked, {} modules wanted", kernel.version, kernel.modules.len()));
    let copied = fs::copy(&kernel.image, building.join("vmlinuz"));
    copied.map_err(LabError::io(format!("copy {}", kernel.image.display())))?;
    let archive = tree::collect(&kernel)?.finish();
    fs::write(building.join("initramfs"), archive).map_err(LabError::io("write the initramfs"))?;
    let unpacked = building.join(kernel::UNPACKED);
    fs::remove_dir_all(&unpacked).map_err(LabError::io(format!("remove {}", unpacked.display())))?;
    fs::rename(&building, folder).map_err(LabError::io(format!("make {}", folder.display())))
}

/// A new folder to build in, under the cache's lock.
fn building(cache: &Path) -> Result<PathBuf, LabError> {
    let building = cache.join("building");
    if building.exists() {
        fs::remove_dir_all(&building).map_err(LabError::io(format!("remove {}", building.display())))?;
    }
    fs::create_dir(&building).map_err(LabError::io(format!("make {}", building.display())))?;
    Ok(building)
}
