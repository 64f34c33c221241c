//! Debian's cloud kernel, unpacked but not installed, and those of its modules that a guest needs.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::lab::{
    error::LabError,
    process::{command, run},
    say,
};

/// Where the package is unpacked, in the folder of the image being built.
pub const UNPACKED: &str = "kernel";

const PACKAGE: &str = "linux-image-cloud-amd64";

/// What guests need, without what these need in turn. The first three before there is a network and an agent. The file
/// system of a disk, ext4, is a part of the kernel.
pub const MODULES: [&str; 18] = [
    "virtio_pci",
    "virtio_net",
    "virtio_console",
    "virtio_rng",
    "virtio_blk",
    "isofs",
    "nf_tables",
    "nft_chain_nat",
    "nft_masq",
    "nft_nat",
    "nft_redir",
    "nft_fib_inet",
    "nft_ct",
    "nft_limit",
    "nft_log",
    "nft_reject_inet",
    "nft_reject_ipv4",
    "nf_conntrack_netlink",
];

pub struct Kernel {
    pub version: String,
    pub image: PathBuf,
    /// In the order in which they can be loaded.
    pub modules: Vec<Module>,
}

pub struct Module {
    pub name: String,
    /// In `/lib/modules/<version>`.
    pub path: String,
    pub content: Vec<u8>,
    pub depends: Vec<String>,
}

impl Module {
    /// The values of one field of the section `.modinfo`, which is a list of `field=value` ended by zeros.
    pub fn info<'a>(&'a self, field: &'a str) -> impl Iterator<Item = String> + 'a {
        info(&self.content, field)
    }
}

fn info<'a>(content: &'a [u8], field: &'a str) -> impl Iterator<Item = String> + 'a {
    content.split(|byte| *byte == 0).filter_map(move |text| {
        std::str::from_utf8(text).ok()?.strip_prefix(field)?.strip_prefix('=').map(str::to_owned)
    })
}

/// Unpacks the package there, downloaded with apt unless the cache has it from an earlier image.
pub fn fetch(cache: &Path, building: &Path) -> Result<Kernel, LabError> {
    let archive = match package(cache)? {
        Some(archive) => archive,
        None => download(cache, building)?,
    };
    let unpacked = building.join(UNPACKED);
    run(command("dpkg-deb").arg("-x").arg(&archive).arg(&unpacked))?;
    let versions = unpacked.join("lib/modules");
    let folder = files(&versions)?.into_iter().next().ok_or_else(|| image("has no modules".to_owned()))?;
    let version = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let modules = modules(&folder)?;
    Ok(Kernel { image: unpacked.join("boot").join(format!("vmlinuz-{version}")), version, modules })
}

fn download(cache: &Path, building: &Path) -> Result<PathBuf, LabError> {
    let unknown = |why: &str| image(format!("apt knows no kernel of this name{why}; try `apt-get update`"));
    let described = match run(command("apt-cache").args(["depends", "--important", PACKAGE])) {
        Err(LabError::Command { stderr, .. }) => return Err(unknown(&format!(" ({stderr})"))),
        described => described?,
    };
    let name = described.lines().find_map(|line| line.trim().strip_prefix("Depends: ")).ok_or_else(|| unknown(""))?;
    say(&format!("downloading {name}"));
    run(command("apt-get").args(["download", "-q", "-o", "APT::Sandbox::User=root", name]).current_dir(building))?;
    let archive = package(building)?.ok_or_else(|| image("was not downloaded".to_owned()))?;
    let kept = cache.join(archive.file_name().unwrap_or_default());
    fs::rename(&archive, &kept).map_err(LabError::io(format!("keep {}", kept.display())))?;
    Ok(kept)
}

/// The kernel's package in a folder.
fn package(folder: &Path) -> Result<Option<PathBuf>, LabError> {
    let is_package = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "deb");
    Ok(files(folder)?.into_iter().find(is_package))
}

fn image(why: String) -> LabError {
    LabError::Image { path: PACKAGE.to_owned(), why }
}

/// The wanted modules and all that they depend on.
fn modules(folder: &Path) -> Result<Vec<Module>, LabError> {
    let mut known = BTreeMap::new();
    index(&folder.join("kernel"), &mut known)?;
    let mut order = Vec::new();
    for name in MODULES {
        load(name, folder, &known, &mut order)?;
    }
    Ok(order)
}

fn load(name: &str, folder: &Path, known: &BTreeMap<String, PathBuf>, order: &mut Vec<Module>) -> Result<(), LabError> {
    if order.iter().any(|module| module.name == name) {
        return Ok(());
    }
    let missing = || LabError::Image { path: folder.display().to_string(), why: format!("has no module {name}") };
    let path = known.get(name).ok_or_else(missing)?;
    let content = fs::read(path).map_err(LabError::io(format!("read {}", path.display())))?;
    let depends: Vec<String> = info(&content, "depends")
        .flat_map(|list| list.split(',').map(plain).collect::<Vec<_>>())
        .filter(|name| !name.is_empty())
        .collect();
    for needed in &depends {
        load(needed, folder, known, order)?;
    }
    let relative = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    order.push(Module { name: name.to_owned(), path: relative, content, depends });
    Ok(())
}

/// Module names are the same with `-` and `_`.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}

fn index(folder: &Path, known: &mut BTreeMap<String, PathBuf>) -> Result<(), LabError> {
    for path in files(folder)? {
        if path.is_dir() {
            index(&path, known)?;
        } else if let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".ko")) {
            known.insert(plain(name), path);
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, LabError> {
    let read = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    read.map_err(LabError::io(format!("read {}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_modinfo() {
        let content = b"\x7fELF\0\xff\xfe\0alias=nft-expr-masq\0depends=nf_tables,nf-nat\0alias=x\0";
        assert_eq!(info(content, "alias").collect::<Vec<_>>(), ["nft-expr-masq", "x"]);
        assert_eq!(info(content, "depends").collect::<Vec<_>>(), ["nf_tables,nf-nat"]);
    }
}
