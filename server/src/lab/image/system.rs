//! A Debian of the lab as a disk: installed into a folder by mmdebstrap, from the machine's own mirrors; then a file system,
//! then an image that guests lay their own disks over. The kernel is the one of the other guests, and loads its modules
//! before it comes here: the disk has neither.

use std::{
    collections::BTreeSet,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use super::{
    building,
    recipe::{FOREIGN, File, MASKED, RELEASE, Recipe},
};
use crate::lab::{
    error::LabError,
    file::remove,
    process::{command, die_with_parent, find, run},
    say,
    system::System,
};

const PROGRAMS: [(&str, &str); 5] = [
    ("mmdebstrap", "mmdebstrap"),
    ("apt-get", "apt"),
    ("unshare", "util-linux"),
    ("mke2fs", "e2fsprogs"),
    ("qemu-img", "qemu-utils"),
];

/// As mke2fs reads it. What a guest does not use takes no space.
const SIZE: &str = "3G";

/// How the machine reaches its mirrors, by the names of its settings in apt.conf(5).
const WAY: [&str; 5] =
    ["Acquire::http", "Acquire::https", "Acquire::Check-Valid-Until", "Acquire::Check-Date", "Acquire::Retries"];

/// Left out of every package.
const LEFT_OUT: [&str; 5] =
    ["/usr/share/doc/*", "/usr/share/info/*", "/usr/share/lintian/*", "/usr/share/locale/*", "/usr/share/man/*"];

/// The system's image in the cache, built if it is not there yet. None for a system that is on no disk.
pub fn prepare(cache: &Path, system: System) -> Result<Option<PathBuf>, LabError> {
    let Some(recipe) = Recipe::of(system) else { return Ok(None) };
    let image = cache.join(format!("{system}-{:016x}.qcow2", key(&recipe)));
    if !image.is_file() {
        if let Some((program, package)) = PROGRAMS.iter().find(|(program, _)| find(program).is_none()) {
            return Err(LabError::Missing { program: (*program).to_owned(), package });
        }
        say(&format!("building the system {system} (once, from Debian's packages; a minute or two)"));
        build(cache, &recipe, &image)?;
        say(&format!("system {system} built in {}", image.display()));
    }
    Ok(Some(image))
}

/// Names all that goes into an image but the versions of its packages, which stay what they were when it was built.
fn key(recipe: &Recipe) -> u64 {
    let mut hasher = DefaultHasher::new();
    (recipe, MASKED, FOREIGN, RELEASE, SIZE, LEFT_OUT).hash(&mut hasher);
    hasher.finish()
}

/// Builds beside, then renames, as the initramfs.
fn build(cache: &Path, recipe: &Recipe, image: &Path) -> Result<(), LabError> {
    let building = building(cache)?;
    let (root, raw, made) = (building.join("root"), building.join("raw"), building.join("qcow2"));
    install(&building, recipe)?;
    configure(&root, recipe)?;
    say("packages installed; making a disk of them");
    // All of it is written now, or the first start of every guest would go on with it.
    let whole = "lazy_itable_init=0,lazy_journal_init=0";
    let mut make = command("mke2fs");
    make.args(["-q", "-F", "-t", "ext4", "-m", "0", "-E", whole, "-d"]).arg(&root).arg(&raw).arg(SIZE);
    run(&mut make)?;
    run(command("qemu-img").args(["convert", "-q", "-f", "raw", "-O", "qcow2"]).arg(&raw).arg(&made))?;
    fs::rename(&made, image).map_err(LabError::io(format!("make {}", image.display())))?;
    fs::remove_dir_all(&building).map_err(LabError::io(format!("remove {}", building.display())))
}

/// Into the folder `root`. What mmdebstrap mounts and starts is in namespaces of its own, which end with this process.
fn install(building: &Path, recipe: &Recipe) -> Result<(), LabError> {
    let way = run(command("apt-config").arg("dump").args(WAY))?;
    fs::write(building.join("apt.conf"), way).map_err(LabError::io("write the settings of apt"))?;
    let mut install = command("unshare");
    install
        .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--"])
        .args(["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--aptopt=apt.conf"])
        .arg(format!("--include={}", recipe.packages.join(",")))
        .arg("--dpkgopt=force-unsafe-io")
        .args(LEFT_OUT.map(|path| format!("--dpkgopt=path-exclude={path}")))
        .args(recipe.commands.iter().map(|command| format!("--customize-hook={command}")))
        .args([RELEASE, "root"])
        .args(sources()?)
        .current_dir(building);
    run(die_with_parent(&mut install)).map(drop)
}

/// The files that name the machine's archives of this release, which are taken as they are: a mirror nearby, with the keys
/// that it is trusted by. Without any, mmdebstrap takes Debian's own.
fn sources() -> Result<BTreeSet<PathBuf>, LabError> {
    let format = "$(CODENAME) $(SOURCESENTRY)";
    let listed =
        run(command("apt-get").args(["indextargets", "--format", format, "Created-By: Packages", "Origin: Debian"]))?;
    Ok(listed.lines().filter_map(source).filter(|file| file.is_file()).collect())
}

/// From `bookworm-updates /etc/apt/sources.list:2`.
fn source(line: &str) -> Option<PathBuf> {
    let (codename, entry) = line.split_once(' ')?;
    let (file, _number) = entry.rsplit_once(':')?;
    codename.starts_with(RELEASE).then(|| PathBuf::from(file))
}

/// What no package brings. Nothing is followed that may lead out of the system: links are replaced, not written through.
fn configure(root: &Path, recipe: &Recipe) -> Result<(), LabError> {
    for path in FOREIGN {
        remove(&root.join(path))?;
    }
    for unit in MASKED {
        let link = root.join("etc/systemd/system").join(unit);
        remove(&link)?;
        symlink("/dev/null", &link).map_err(LabError::io(format!("make {}", link.display())))?;
    }
    recipe.files.iter().try_for_each(|file| write(root, file))
}

fn write(root: &Path, file: &File) -> Result<(), LabError> {
    let path = root.join(file.path);
    let doing = || format!("write {}", path.display());
    let permit = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    remove(&path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        // Services that are not root read it, whatever the umask here.
        fs::create_dir_all(folder).and_then(|()| permit(folder, 0o755)).map_err(LabError::io(doing()))?;
    }
    fs::write(&path, file.text).and_then(|()| permit(&path, file.permissions)).map_err(LabError::io(doing()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_files_of_this_release_alone() {
        assert_eq!(source("bookworm /etc/apt/a:b.list:12"), Some("/etc/apt/a:b.list".into()));
        assert_eq!(source("bookworm-security /etc/apt/x.sources:2"), Some("/etc/apt/x.sources".into()));
        assert_eq!(source("trixie /etc/apt/sources.list:1"), None);
        assert_eq!(source("bookworm"), None);
    }

    #[test]
    fn systems_differ() {
        let keys: BTreeSet<u64> = System::ALL.into_iter().filter_map(Recipe::of).map(|recipe| key(&recipe)).collect();
        assert_eq!(keys.len(), System::ALL.len() - 1);
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let folder = std::env::temp_dir().join(format!("bridgehead-test-system-{}", std::process::id()));
        let (root, outside) = (folder.join("root"), folder.join("outside"));
        fs::create_dir_all(root.join("etc")).expect("a folder");
        fs::write(&outside, "whole").expect("a file");
        symlink(&outside, root.join("etc/hosts")).expect("a link");
        write(&root, &File { path: "etc/hosts", permissions: 0o600, text: "new" }).expect("written");
        write(&root, &File { path: "etc/new/file", permissions: 0o644, text: "" }).expect("written");
        assert_eq!(fs::read_to_string(&outside).expect("there"), "whole");
        let made = fs::symlink_metadata(root.join("etc/hosts")).expect("there");
        assert!(made.is_file() && made.permissions().mode() & 0o777 == 0o600);
        fs::remove_dir_all(&folder).expect("there");
    }
}
