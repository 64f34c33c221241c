//! KVM or emulation. A machine may have a `/dev/kvm` that hangs any guest, so KVM has to boot one before it is trusted.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    PAUSE,
    image::Image,
    process::{command, die_with_parent},
    say,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Accelerator {
    Kvm,
    Emulation,
}

/// A guest on working KVM is up in less than one second.
const PROBE: Duration = Duration::from_secs(8);
/// What `init.sh` says first when asked for a probe.
const ALIVE: &str = "bridgehead: alive";

impl Accelerator {
    /// Emulation, unless KVM proved itself. The answer is kept beside the image, by the machine's kernel.
    pub fn choose(image: &Image, folder: &Path) -> Self {
        if !Path::new("/dev/kvm").exists() {
            return Self::Emulation;
        }
        let release = nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned());
        let kept = folder.join(format!("accelerator-{}", release.unwrap_or_default()));
        match fs::read_to_string(&kept).as_deref() {
            Ok("kvm") => return Self::Kvm,
            Ok(_) => return Self::Emulation,
            Err(_) => {}
        }
        say("trying KVM with one guest (once)");
        let works = boots(image, folder);
        say(if works { "KVM works" } else { "KVM does not boot a guest here: guests will be emulated" });
        // If it cannot be kept, it is asked again.
        let _ = fs::write(&kept, if works { "kvm" } else { "emulation" });
        if works { Self::Kvm } else { Self::Emulation }
    }
}

/// One guest without any NIC, to its first line.
fn boots(image: &Image, folder: &Path) -> bool {
    let console = folder.join("probe.log");
    let mut qemu = command("qemu-system-x86_64");
    qemu.args([
        "-machine",
        "q35,accel=kvm",
        "-m",
        "128",
        "-nodefaults",
        "-display",
        "none",
        "-nic",
        "none",
        "-no-reboot",
    ])
    .args(["-append", &format!("{} bridgehead.probe", image.command_line("probe"))])
    .arg("-kernel")
    .arg(&image.kernel)
    .arg("-initrd")
    .arg(&image.initramfs)
    .args(["-chardev", &format!("file,id=console,path={}", console.display().to_string().replace(',', ",,"))])
    .args(["-serial", "chardev:console"])
    .stdout(Stdio::null())
    .stderr(Stdio::null());
    let Ok(mut child) = die_with_parent(&mut qemu).spawn() else { return false };
    let until = Instant::now() + PROBE;
    let alive = || fs::read_to_string(&console).is_ok_and(|text| text.contains(ALIVE));
    while Instant::now() < until && !alive() && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(PAUSE);
    }
    let works = alive();
    let _ = child.kill();
    let _ = child.wait();
    let _ = fs::remove_file(&console);
    works
}
