//! A second, complete libvirtd that nobody else sees, and its network `default`.

use std::{fs, os::fd::AsRawFd, path::Path};

use virt::{connect::Connect, network::Network};

use super::{
    error::LabError,
    process::{command, find, run},
};

/// No security driver, namespaces or file owners: each of them reaches for what the world does not have.
const QEMU_CONF: &str = r#"security_driver = "none"
user = "root"
group = "root"
namespaces = [ ]
dynamic_ownership = 0
cgroup_controllers = [ ]
"#;

const LIBVIRTD_CONF: &str = r#"unix_sock_ro_perms = "0700"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
"#;

/// As libvirt ships it, without an UUID and a MAC of its own.
const DEFAULT: &str = "<network>
  <name>default</name>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='on' delay='0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>";

/// Returns when both answer.
pub fn start() -> Result<(), LabError> {
    for (name, text) in [("qemu.conf", QEMU_CONF), ("libvirtd.conf", LIBVIRTD_CONF)] {
        let file = Path::new("/etc/libvirt").join(name);
        fs::write(&file, text).map_err(LabError::io(format!("write {}", file.display())))?;
    }
    // Domains do not start without the socket of virtlogd.
    for daemon in ["virtlogd", "libvirtd"] {
        let program = find(daemon)
            .ok_or_else(|| LabError::Missing { program: daemon.to_owned(), package: "libvirt-daemon-system" })?;
        run(command(program).arg("-d"))?;
    }
    Ok(())
}

/// A connection from inside the world.
pub fn connect() -> Result<Connect, LabError> {
    Connect::open(Some("qemu:///system")).map_err(LabError::libvirt("connect to the lab's libvirtd"))
}

/// A connection from anywhere, by the socket in the state folder. Named through this process's own descriptor of that
/// folder: a socket's path must be shorter than 108 bytes, a folder's need not.
pub fn connect_from_outside(state: &Path) -> Result<Connect, LabError> {
    let folder = state.join("run/libvirt");
    let open = fs::File::open(&folder).map_err(LabError::io(format!("open {}", folder.display())))?;
    let address = format!("qemu+unix:///system?socket=/proc/self/fd/{}/libvirt-sock", open.as_raw_fd());
    Connect::open(Some(&address)).map_err(LabError::libvirt(format!("connect to libvirtd in {}", folder.display())))
}

/// Defines `default`, if no lab on this folder did, and starts it.
pub fn start_default(connection: &Connect) -> Result<(), LabError> {
    let network = match Network::lookup_by_name(connection, "default") {
        Ok(known) => known,
        Err(_) => {
            let made =
                Network::define_xml(connection, DEFAULT).map_err(LabError::libvirt("define the network default"))?;
            made.set_autostart(true).map_err(LabError::libvirt("mark the network default for autostart"))?;
            made
        }
    };
    match network.create() {
        // libvirtd starts by itself what it knows, and was faster.
        Err(_) if network.is_active().unwrap_or(false) => Ok(()),
        outcome => outcome.map(drop).map_err(LabError::libvirt("start the network default")),
    }
}
