//! The revert timer inside a guest: a change that goes in by a network connection may cut just that. Before its first step
//! in the guest, the guest is told how to take its own part back, and does so unless it is told in time that all is well.

use std::fmt::Write;

use crate::{export::shell::guest, step::Step};

/// After so many seconds the guest takes its part back: longer than a change needs from its first step inside to its
/// proof.
pub const SECONDS: u64 = 90;

/// `nic MAC` prints the name of a NIC; nothing, if it is gone. `"$0.runs"` says that it is too late to tell that all is
/// well, `"$0.ran"` that everything is taken back.
const HEAD: &str = r#"nic() {
  for nic in /sys/class/net/*; do
    if [ -e "$nic/device" ] && [ "$(cat "$nic/address")" = "$1" ]; then echo "${nic##*/}"; fi
  done
}
mv "$0" "$0.runs" || exit 1
"#;

const TAIL: &str = "mv \"$0.runs\" \"$0.ran\"\n";

/// What the guest is to run, as a script for its shell: the inverse of each step inside it, newest first. It goes on after
/// a command that fails: of the steps, any may not have been done. `None` if no step is inside this guest.
pub fn script(steps: &[Step], guest: &str) -> Option<String> {
    let inside = steps.iter().rev().filter(|step| step.inside() == Some(guest));
    let commands: Vec<String> = inside.map(|step| guest::command(&step.inverse())).collect();
    if commands.is_empty() {
        return None;
    }
    let mut text = HEAD.to_owned();
    for command in commands {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{command}");
    }
    Some(text + TAIL)
}
