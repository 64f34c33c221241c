//! The inside of guests in a script: one function that has a guest's agent run a text of commands.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    Mac,
    firewall::translation,
    step::{GuestTool, Step},
};

/// `inside GUEST COMMANDS`. The commands travel as base64 and are read by the guest's own shell; there `nic MAC` prints
/// the name of a NIC, and waits for one that was plugged in a moment ago.
pub const INSIDE: &str = r#"
guest_functions='nic() {
  for second in 1 2 3 4 5 6 7 8 9 10; do
    for nic in /sys/class/net/*; do
      if [ -e "$nic/device" ] && [ "$(cat "$nic/address")" = "$1" ]; then echo "${nic##*/}"; return; fi
    done
    sleep 1
  done
  echo "there is no NIC $1" >&2
  return 1
}'

agent() {
  virsh qemu-agent-command "$1" --timeout 10 "$2"
}

# Has the agent of a guest run commands, and waits for their end.
inside() {
  commands=$(printf '%s\n' "$guest_functions" "$2" | base64 | tr -d '\n')
  answer=$(agent "$1" '{"execute":"guest-exec","arguments":{"path":"sh","arg":["-eu"],"input-data":"'"$commands"'","capture-output":true}}') || return 1
  pid=$(printf '%s' "$answer" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
  waits=0
  while [ "$waits" -lt 300 ]; do
    answer=$(agent "$1" '{"execute":"guest-exec-status","arguments":{"pid":'"$pid"'}}') || return 1
    case $answer in
      *'"exited":true'*)
        case $answer in *'"exitcode":0'[,}]*) return 0 ;; esac
        printf '%s' "$answer" | sed -n 's/.*"err-data": *"\([^"]*\)".*/\1/p' | base64 -d | tr -cd '\n\40-\176' >&2
        return 1
        ;;
    esac
    waits=$((waits + 1))
    sleep 0.1
  done
  return 1
}
"#;

/// What a step has its guest run.
pub fn command(step: &Step) -> String {
    let device = |mac: Mac| format!("\"$(nic {mac})\"");
    match step {
        // It may have gone with the address that it was reached by.
        Step::RemoveGuestRoute { route, .. } => {
            let (family, device) = (family(route.via), device(route.mac));
            let shown = format!("ip {family} route show {} via {} dev {device}", route.to_word(), route.via);
            format!("[ -z \"$({shown})\" ] || {}", step.line(None, &|_| device.clone()))
        }
        Step::ReplaceGuestTable { tool: GuestTool::Iptables, translations, .. } => {
            translation::iptables_lines(translations)
        }
        _ => step.line(None, &device),
    }
}

/// The addresses that guests are to translate to and that no step gives them: they must have them already.
pub fn sources(steps: &[Step]) -> BTreeSet<(&str, IpAddr)> {
    let given: BTreeSet<(&str, IpAddr)> = steps
        .iter()
        .filter_map(|step| match step {
            Step::AddGuestAddress { guest, address, .. } => Some((guest.as_str(), address.addr())),
            _ => None,
        })
        .collect();
    let needed = steps.iter().flat_map(|step| match step {
        Step::ReplaceGuestTable { guest, translations, .. } => {
            translations.iter().filter_map(|entry| Some((guest.as_str(), entry.source()?.to?))).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    });
    needed.filter(|source| !given.contains(source)).collect()
}

pub fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "-4" } else { "-6" }
}
