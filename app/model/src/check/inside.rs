//! Whether what is wanted inside guests can be done: they must run, and their agents must answer.

use std::collections::BTreeSet;

use crate::{
    Cluster, Observed,
    note::{Note, Sentence, Severity, Subject},
    plan::wishes::Wishes,
    resolve::Inside,
};

use super::note;

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    let (old, new) = (Wishes::of(observed, committed), Wishes::of(observed, draft));
    let guests: BTreeSet<&str> = old.guests().into_iter().chain(new.guests()).collect();
    for guest in guests {
        let Some(domain) = observed.domains.get(guest) else { continue };
        let (was, is) = (settings(&old, guest), settings(&new, guest));
        if was.is_empty() && is.is_empty() {
            continue;
        }
        // Addresses that go may go with their NIC; everything else takes the agent.
        let goes = |(field, _): &(String, String)| !field.ends_with(".address");
        let changed = is.difference(&was).next().is_some() || was.difference(&is).any(goes);
        let subject = Subject::Guest(guest.to_owned());
        let field = is.iter().next().map(|(field, _)| field.clone());
        let severity = if changed { Severity::Block } else { Severity::Warn };
        match Inside::of(observed, domain) {
            Inside::Ready(_) => {}
            Inside::Off if changed => {
                let text = Sentence::new(
                    format!("{guest} is off: its definition is changed now, what is inside it when it runs again."),
                    format!("{guest} 已关机：现在只修改其定义，内部设置要等它运行后才能进行。"),
                );
                notes.push(note(Severity::Tell, subject, "guest-off", text, field));
            }
            Inside::Off => {}
            Inside::NoAgent => {
                let text = Sentence::new(
                    format!(
                        "{guest} has no channel for the guest agent, so nothing can be set inside it. Add a channel \
                         org.qemu.guest_agent.0 and install qemu-guest-agent, give the login of its serial console, or \
                         leave its addresses and routes out."
                    ),
                    format!(
                        "{guest} 没有 guest agent 通道，无法设置其内部。请添加 org.qemu.guest_agent.0 通道并安装 \
                         qemu-guest-agent，提供其串行控制台的登录信息，或不要为它设置地址和路由。"
                    ),
                );
                notes.push(note(severity, subject, "agent-missing", text, field));
            }
            Inside::Silent(reason) => {
                let text = Sentence::new(
                    format!(
                        "The guest agent of {guest} does not answer ({reason}), so nothing can be set inside it. Start \
                         qemu-guest-agent in it and allow guest-exec, or give the login of its serial console."
                    ),
                    format!(
                        "{guest} 的 guest agent 没有应答（{reason}），无法设置其内部。请在其中启动 qemu-guest-agent 并允许 guest-exec，或提供其串行控制台的登录信息。"
                    ),
                );
                notes.push(note(severity, subject, "agent-silent", text, field));
            }
        }
    }
}

/// What a document wants inside a guest, by field.
fn settings(wishes: &Wishes, guest: &str) -> BTreeSet<(String, String)> {
    let mut settings = BTreeSet::new();
    for (mac, wish) in wishes.nics.iter().filter(|(_, wish)| wish.guest == guest && wish.attachment.is_some()) {
        for address in &wish.addresses {
            settings.insert((format!("nic.{mac}.address"), address.to_string()));
        }
        if let Some(mtu) = wish.mtu {
            settings.insert((format!("nic.{mac}.mtu"), mtu.to_string()));
        }
    }
    if let Some(route) = wishes.routes.get(guest) {
        settings.insert((format!("nic.{}.default_route", route.mac), route.via.to_string()));
    }
    for route in wishes.further.get(guest).into_iter().flatten() {
        settings.insert((format!("nic.{}.route", route.mac), format!("{} {}", route.to_word(), route.via)));
    }
    if wishes.gateways.contains_key(guest) {
        settings.insert((format!("guest.{guest}"), "forwards".to_owned()));
    }
    settings
}
