//! udev(7): source validation of a NIC, which sysctl.d(5) could only name by a name that may be another's next time.

use crate::{Mac, RpFilter};

use super::name;

pub const RULES: &str = "/etc/udev/rules.d";

/// Rules are read in the order of their names, and `99-systemd.rules` has sysctl.d applied to what is new.
pub const LATE: &str = "99-z-";

/// Interfaces made on top of a NIC borrow its MAC, but have no driver.
pub fn write(mac: Mac, mode: RpFilter) -> (String, String) {
    let set = format!("echo {} > /proc/sys/net/ipv4/conf/$name/rp_filter", mode.number());
    let rule = format!(
        "ACTION==\"add\", SUBSYSTEM==\"net\", DRIVERS==\"?*\", ATTR{{address}}==\"{mac}\", RUN+=\"/bin/sh -c '{set}'\"\n"
    );
    (format!("{RULES}/{LATE}{}.rules", name(mac)), rule)
}
