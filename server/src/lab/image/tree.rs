//! The files of a guest: busybox, the machine's own programs with their libraries, the kernel's modules, two scripts.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{PROGRAMS, archive::Archive, kernel::Kernel};
use crate::lab::{
    error::LabError,
    process::{command, find, run},
};

pub const SCRIPTS: [(&str, &str); 2] =
    [("init", include_str!("init.sh")), ("etc/udhcpc/default.script", include_str!("udhcpc.sh"))];

/// Applets that would stand in front of the real programs.
const REPLACED: [&str; 6] = ["busybox", "ash", "sh", "ip", "traceroute", "traceroute6"];

const OS_RELEASE: &str = r#"NAME="Bridgehead lab guest"
ID=bridgehead-lab
VERSION_ID=1
PRETTY_NAME="Bridgehead lab guest"
"#;

pub fn collect(kernel: &Kernel) -> Result<Archive, LabError> {
    let mut archive = Archive::default();
    for folder in ["proc", "sys", "dev", "run", "tmp", "root", "var/log"] {
        archive.folder(folder);
    }
    archive.link("var/run", "/run");
    for (path, text) in SCRIPTS {
        archive.file(path, 0o755, text.as_bytes());
    }
    archive.file("etc/os-release", 0o644, OS_RELEASE.as_bytes());
    archive.file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n");
    archive.file("etc/group", 0o644, b"root:x:0:\n");
    programs(&mut archive)?;
    modules(&mut archive, kernel);
    Ok(archive)
}

fn programs(archive: &mut Archive) -> Result<(), LabError> {
    let mut libraries = BTreeSet::new();
    for (program, package) in PROGRAMS {
        let path = find(program).ok_or(LabError::Missing { program: program.to_owned(), package })?;
        // dash and not busybox as the shell: that one runs its own applets before any program on the PATH.
        let inside = match program {
            "dash" => "bin/sh".to_owned(),
            "busybox" => "bin/busybox".to_owned(),
            _ => format!("usr/sbin/{program}"),
        };
        archive.file(&inside, 0o755, &read(&path)?);
        if program == "busybox" {
            applets(archive, &path)?;
        } else {
            libraries.append(&mut linked(&path)?);
        }
    }
    for library in libraries {
        archive.file(&library.to_string_lossy(), 0o755, &read(&library)?);
    }
    Ok(())
}

fn applets(archive: &mut Archive, busybox: &Path) -> Result<(), LabError> {
    let list = run(command(busybox).arg("--list"))?;
    for needed in ["udhcpc", "modprobe", "setsid", "cttyhack", "switch_root"] {
        if !list.lines().any(|applet| applet == needed) {
            return Err(LabError::Missing { program: format!("busybox with {needed}"), package: "busybox-static" });
        }
    }
    for applet in list.lines().filter(|applet| !REPLACED.contains(applet)) {
        archive.link(&format!("bin/{applet}"), "busybox");
    }
    Ok(())
}

/// The shared libraries and the loader of a program, as the loader itself finds them.
fn linked(program: &Path) -> Result<BTreeSet<PathBuf>, LabError> {
    let list = run(command("ldd").arg(program))?;
    if list.contains("not found") {
        let why = "a shared library of it is missing".to_owned();
        return Err(LabError::Image { path: program.display().to_string(), why });
    }
    Ok(list.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect())
}

/// The modules with the two lists that modprobe, and through it the kernel, reads.
fn modules(archive: &mut Archive, kernel: &Kernel) {
    let folder = format!("lib/modules/{}", kernel.version);
    let (mut depends, mut aliases, mut order) = (String::new(), String::new(), String::new());
    for module in &kernel.modules {
        archive.file(&format!("{folder}/{}", module.path), 0o644, &module.content);
        depends.push_str(&format!("{}:", module.path));
        let needed = needed(kernel, &module.name);
        // Loaded from the last to the first.
        for other in kernel.modules.iter().rev().filter(|other| needed.contains(other.name.as_str())) {
            depends.push_str(&format!(" {}", other.path));
        }
        depends.push('\n');
        for alias in module.info("alias") {
            aliases.push_str(&format!("alias {alias} {}\n", module.name));
        }
        order.push_str(&format!("{}\n", module.name));
    }
    archive.file(&format!("{folder}/modules.dep"), 0o644, depends.as_bytes());
    archive.file(&format!("{folder}/modules.alias"), 0o644, aliases.as_bytes());
    archive.file("etc/modules", 0o644, order.as_bytes());
}

/// All that a module depends on, directly or not.
fn needed<'a>(kernel: &'a Kernel, name: &str) -> BTreeSet<&'a str> {
    let direct = kernel.modules.iter().find(|module| module.name == name).map_or(&[][..], |module| &module.depends);
    direct.iter().flat_map(|name| std::iter::once(name.as_str()).chain(needed(kernel, name))).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, LabError> {
    fs::read(path).map_err(LabError::io(format!("read {}", path.display())))
}
