//! Whether what is wanted inside guests can be done: they must run, and their agents must answer.

use std::collections::BTreeSet;

use crate::{
    Cluster, Observed, channel, hand,
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
        // What others rely on is proven from inside, or not kept; the rest a person can set by hand.
        let relied = new.gateways.contains_key(guest) || new.promises.iter().any(|promise| promise.guest == guest);
        let by_hand = hand::is_shut(observed, domain) && !relied;
        let severity = if changed && !by_hand { Severity::Block } else { Severity::Warn };
        let fix = channel::fix(observed, draft, guest);
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
            inside @ (Inside::NoAgent | Inside::Silent(_)) if by_hand => {
                let code = if matches!(inside, Inside::NoAgent) { "agent-missing" } else { "agent-silent" };
                let text = if is.is_empty() { stays(guest) } else { unknown(guest, inside) };
                notes.push(Note { fix, ..note(severity, subject, code, text, field) });
            }
            Inside::NoAgent => {
                let text = Sentence::new(
                    format!(
                        "{guest} has no channel for the guest agent, so nothing can be set inside it. Add a channel \
                         org.qemu.guest_agent.0 and install qemu-guest-agent, give the login of its serial console, \
                         allow SSH, or leave its addresses and routes out."
                    ),
                    format!(
                        "{guest} 没有 guest agent 通道，无法设置其内部。请添加 org.qemu.guest_agent.0 通道并安装 \
                         qemu-guest-agent，提供其串行控制台的登录信息，允许 SSH，或不要为它设置地址和路由。"
                    ),
                );
                notes.push(Note { fix, ..note(severity, subject, "agent-missing", text, field) });
            }
            Inside::Silent(reason) => {
                let text = Sentence::new(
                    format!(
                        "The guest agent of {guest} does not answer ({reason}), so nothing can be set inside it. Start \
                         qemu-guest-agent in it and allow guest-exec, give the login of its serial console, or \
                         allow SSH."
                    ),
                    format!(
                        "{guest} 的 guest agent 没有应答（{reason}），无法设置其内部。请在其中启动 qemu-guest-agent 并允许 guest-exec，提供其串行控制台的登录信息，或允许 SSH。"
                    ),
                );
                notes.push(note(severity, subject, "agent-silent", text, field));
            }
        }
    }
}

fn unknown(guest: &str, inside: Inside<'_>) -> Sentence {
    let (why, why_zh) = match inside {
        Inside::Silent(reason) => {
            (format!("the guest agent does not help ({reason})"), format!("guest agent 不可用（{reason}）"))
        }
        _ => ("it has no channel for the guest agent".to_owned(), "没有 guest agent 通道".to_owned()),
    };
    Sentence::new(
        format!(
            "Nobody can look into {guest}: {why}. What the document says of its inside is to be set by hand, and whether it is \
             so is not known; its details have the commands."
        ),
        format!(
            "无法查看 {guest} 的内部：{why_zh}。文档对其内部的设置须手动完成，是否生效不得而知；其详情中有所需命令。"
        ),
    )
}

fn stays(guest: &str) -> Sentence {
    Sentence::new(
        format!(
            "Nobody can look into {guest}: what was set inside it stays until its next start, or until somebody removes it."
        ),
        format!("无法查看 {guest} 的内部：其中的设置会保留到它下次启动，或有人将其删除。"),
    )
}

/// What a document wants inside a guest, by field.
pub fn settings(wishes: &Wishes, guest: &str) -> BTreeSet<(String, String)> {
    let mut settings = BTreeSet::new();
    for (mac, wish) in wishes.nics.iter().filter(|(_, wish)| wish.guest == guest && wish.attachment.is_some()) {
        for address in &wish.addresses {
            settings.insert((format!("nic.{mac}.address"), address.to_string()));
        }
        if let Some(mtu) = wish.mtu {
            settings.insert((format!("nic.{mac}.mtu"), mtu.to_string()));
        }
        for (field, _) in [("dhcp", wish.dhcp), ("accept_ra", wish.accept_ra)].into_iter().filter(|(_, on)| *on) {
            settings.insert((format!("nic.{mac}.{field}"), "true".to_owned()));
        }
        if let Some(mode) = wish.rp_filter {
            settings.insert((format!("nic.{mac}.rp_filter"), mode.to_string()));
        }
    }
    if let Some(route) = wishes.routes.get(guest) {
        settings.insert((format!("nic.{}.default_route", route.mac), route.via.to_string()));
    }
    for route in wishes.further.get(guest).into_iter().flatten() {
        settings.insert((format!("nic.{}.route", route.mac), format!("{} {}", route.to_word(), route.via)));
    }
    for server in wishes.dns.get(guest).into_iter().flatten() {
        settings.insert((format!("guest.{guest}.dns"), server.to_string()));
    }
    if let Some(hostname) = wishes.hostnames.get(guest) {
        settings.insert((format!("guest.{guest}.hostname"), hostname.clone()));
    }
    if wishes.gateways.contains_key(guest) {
        settings.insert((format!("guest.{guest}"), "forwards".to_owned()));
    }
    settings
}
