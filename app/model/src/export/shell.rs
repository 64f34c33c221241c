//! A script for any POSIX shell: each step of a plan, as its sentence and as the command that does it. Steps inside guests
//! go by the guests' agents.
//!
//! It looks before it begins, so that a host on which it could not work is left as it is; then it stops at the first
//! command that fails. Names are quoted, comments have no line breaks, and what a guest says reaches a terminal as plain
//! text only.

pub(crate) mod guest;

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::{
    Language, Observed,
    note::Severity,
    observed::Marks,
    plan::Plan,
    resolve::runs,
    step::{
        NicDefinition, Step,
        command::{cable, when, word},
        interface::{escape, source},
    },
};

use super::File;

const HEAD: &str = r#"#!/bin/sh
# Written by Bridgehead. Run it as root, on a host that has the guests and networks that it names.
set -eu

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
"#;

/// Changes where a NIC is plugged in, in one definition of a guest, and nothing else of it.
const MOVE: &str = r#"
# Plugs a NIC into something else: guest, MAC, type, <source>, --live or --config.
move() {
  inactive=
  [ "$5" = --live ] || inactive=--inactive
  virsh dumpxml "$1" $inactive --xpath "//interface[mac/@address='$2']" |
    sed "s|<interface type=[^ >]*|<interface type=\"$3\"|; s|<source[^>]*>|$4|" |
    virsh update-device "$1" /dev/stdin "$5"
}
"#;

pub fn write(observed: &Observed, plan: &Plan) -> File {
    let steps = &plan.steps;
    let mut text = HEAD.to_owned();
    if steps.iter().any(|step| step.inside().is_some()) {
        text += guest::INSIDE;
    }
    if steps.iter().any(|step| matches!(step, Step::UpdateNic { nic, was, .. } if nic.attachment != was.attachment)) {
        text += MOVE;
    }
    for note in plan.notes.iter().filter(|note| note.severity == Severity::Warn) {
        text += &format!("\n{}", comment(&note.text.en));
    }
    text += "\n# Nothing is done yet: is this a host for it?\n";
    looks(steps).iter().for_each(|look| text += look);
    for step in steps {
        let command = command(observed, step);
        // The shell does not stop by itself where the first of two joined commands fails.
        let or = if command.contains(" && ") { " || exit" } else { "" };
        text += &format!("\n{}{command}{or}\n", comment(&step.sentence(Language::English)));
    }
    File::new("bridgehead.sh", text)
}

/// What must hold before the first step.
fn looks(steps: &[Step]) -> Vec<String> {
    let mut looks = Vec::new();
    let unless = |holds: String, trouble: &str| format!("{holds} || fail {}\n", word(trouble));
    let given = steps.iter().filter_map(|step| match step {
        Step::AddAddress { link, address } => Some((link.as_str(), *address)),
        _ => None,
    });
    let given: BTreeSet<(&str, IpNet)> = given.collect();
    // What the script itself takes away first may be there.
    let goes =
        |name: &str| steps.iter().any(|step| matches!(step, Step::UndefineNetwork { network } if network.name == name));
    for step in steps {
        match step {
            Step::CreateBridge { bridge } if !goes(&bridge.name) => {
                let name = word(&bridge.name);
                let free = format!("! ip link show dev {name} >/dev/null 2>&1");
                looks.push(unless(free, &format!("{name} is there already")));
            }
            Step::DefineNetwork { network } if !goes(&network.name) => {
                let name = word(&network.name);
                let free = format!("! virsh net-info {name} >/dev/null 2>&1");
                looks.push(unless(free, &format!("there is a network {name} already")));
            }
            // Of a NIC that a bridge takes over, for one.
            Step::RemoveAddress { link, address } if !given.contains(&(link.as_str(), *address)) => {
                let there = format!(
                    "[ -n \"$(ip -o address show dev {} to {}/{})\" ]",
                    word(link),
                    address.addr(),
                    address.max_prefix_len()
                );
                looks.push(unless(there, &format!("{link} does not have {address}")));
            }
            _ => {}
        }
    }
    let outside = steps.iter().filter_map(guest_outside).collect::<BTreeSet<_>>();
    for guest in outside {
        let name = word(guest);
        looks.push(unless(format!("virsh domstate {name} >/dev/null"), &format!("there is no guest {name}")));
    }
    for guest in steps.iter().filter_map(Step::inside).collect::<BTreeSet<_>>() {
        let name = word(guest);
        looks.push(unless(format!("inside {name} :"), &format!("the agent of {name} does not run commands")));
    }
    looks.extend(guest::sources(steps).into_iter().map(|(guest, address)| {
        let command = format!("[ -n \"$(ip -o address show to {address})\" ]");
        unless(
            format!("inside {} {}", word(guest), word(&command)),
            &format!("{guest} does not have {address}, the address that it translates to"),
        )
    }));
    looks
}

/// The guest whose definition it changes.
fn guest_outside(step: &Step) -> Option<&str> {
    match step {
        Step::AttachNic { guest, .. }
        | Step::DetachNic { guest, .. }
        | Step::UpdateNic { guest, .. }
        | Step::AttachChannel { guest, .. }
        | Step::DetachChannel { guest, .. }
        | Step::SetMarks { guest, .. } => Some(guest),
        _ => None,
    }
}

/// One step. What [`Step::command`] shortens for people is whole here.
fn command(observed: &Observed, step: &Step) -> String {
    if let Some(guest) = step.inside() {
        return format!("inside {} {}", word(guest), word(&guest::command(step)));
    }
    match step {
        Step::SetMarks { guest, marks, .. } => set_marks(observed, guest, marks),
        Step::UpdateNic { guest, nic, was, live, config } if nic.attachment != was.attachment => {
            let mut lines = Vec::new();
            lines.extend(live.then(|| move_nic(guest, nic, "--live")));
            lines.extend(config.then(|| move_nic(guest, nic, "--config")));
            lines.extend((nic.link_up != was.link_up).then(|| cable(guest, nic, *live, *config)));
            lines.join("\n")
        }
        // It may have gone with the link that it left by.
        Step::RemoveRoute { route } => {
            let (family, link) = (guest::family(route.destination.addr()), word(&route.link));
            let shown = format!("ip {family} route show {} dev {link}", route.destination);
            format!("[ -z \"$({shown})\" ] || {}", step.line(None, &|_| String::new()))
        }
        _ => step.line(None, &|_| String::new()),
    }
}

fn set_marks(observed: &Observed, guest: &str, marks: &Marks) -> String {
    let domain = observed.domains.get(guest);
    let flags = when(domain.is_some_and(runs), domain.is_some_and(|domain| domain.persistent));
    let uri = "https://bridgehead.dev/domain/1";
    let change = if marks.is_empty() {
        "--remove".to_owned()
    } else {
        // As an element's text, where quotation marks may stay what they are.
        let json = escape(&serde_json::to_string(marks).unwrap_or_default()).replace("&quot;", "\"");
        format!("--key bridgehead --set {}", word(&format!("<marks>{json}</marks>")))
    };
    format!("virsh metadata {} {uri} {change}{flags}", word(guest))
}

fn move_nic(guest: &str, nic: &NicDefinition, flag: &str) -> String {
    let source = source(&nic.attachment);
    // What sed takes for more than text in a replacement.
    let source = source.replace('\\', r"\\").replace('&', r"\&").replace('|', r"\|");
    format!("move {} {} {} {} {flag}", word(guest), nic.mac, nic.kind(), word(&source))
}

/// In one line, whatever is in it.
fn comment(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("# {line}\n")
}
