//! Guests that a document gives the channel of the guest agent.

use crate::{
    Cluster, Observed, channel,
    note::{Note, Sentence, Severity, Subject},
    observed::{AgentChannel, ChannelMark, Domain},
    resolve::runs,
};

use super::{inside::settings, note};
use crate::plan::wishes::Wishes;

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    let says = |cluster: &Cluster, name: &str| cluster.guest(name).is_some_and(|guest| guest.agent);
    for guest in draft.guests.iter().filter(|guest| guest.agent && !says(committed, &guest.name)) {
        let Some(domain) = observed.domains.get(&*guest.name) else { continue };
        for (severity, code, text) in added(observed, domain) {
            notes.push(note(severity, subject(domain), code, text, Some(format!("guest.{}.agent", guest.name))));
        }
    }
    for guest in committed.guests.iter().filter(|guest| guest.agent && !says(draft, &guest.name)) {
        let Some(domain) = observed.domains.get(&*guest.name) else { continue };
        let goes = domain.marks.channel == Some(ChannelMark::Made);
        if goes && !settings(&Wishes::of(observed, draft), &domain.name).is_empty() {
            let name = &domain.name;
            let text = Sentence::new(
                format!(
                    "The channel of the agent of {name} goes, and with it the way to set what the document says of its inside."
                ),
                format!("{name} 的 agent 通道将被移除，文档中对其内部的设置也就无法进行。"),
            );
            notes.push(note(Severity::Warn, subject(domain), "channel-needed", text, None));
        }
    }
}

fn subject(domain: &Domain) -> Subject {
    Subject::Guest(domain.name.clone())
}

fn added(observed: &Observed, domain: &Domain) -> Vec<(Severity, &'static str, Sentence)> {
    let name = &domain.name;
    let live = runs(domain) && domain.agent != AgentChannel::Missing;
    if (live || !runs(domain)) && (domain.agent_config || !domain.persistent) {
        let text = Sentence::new(
            format!("{name} has the channel of the guest agent already. It stays when this entry goes."),
            format!("{name} 已有 guest agent 通道。删除此条目时通道会保留。"),
        );
        return vec![(Severity::Tell, "channel-already", text)];
    }
    let mut notes = Vec::new();
    if runs(domain) && !live && !domain.virtio_serial {
        if domain.persistent {
            let text = Sentence::new(
                format!(
                    "{name} has no virtio-serial controller, which takes a restart: the channel is there from its next start."
                ),
                format!("{name} 没有 virtio-serial 控制器，重启后才能添加：通道在下次启动后可用。"),
            );
            notes.push((Severity::Warn, "channel-later", text));
        } else {
            let text = Sentence::new(
                format!(
                    "{name} is transient and has no virtio-serial controller: the channel cannot be added. Define it first."
                ),
                format!("{name} 是临时虚拟机，也没有 virtio-serial 控制器，无法添加通道。请先定义它。"),
            );
            notes.push((Severity::Block, "channel-impossible", text));
        }
    }
    notes.extend((domain.agent != AgentChannel::Connected).then(|| installed(observed, name)));
    notes
}

fn installed(observed: &Observed, name: &str) -> (Severity, &'static str, Sentence) {
    let os = observed.guests.get(name).and_then(|facts| facts.os.as_deref());
    let commands = channel::install(os);
    let list = commands.join("; ");
    let (which, which_zh) =
        if commands.len() > 1 { (", whichever fits its system", "（按其系统选用）") } else { ("", "") };
    let text = Sentence::new(
        format!("If {name} does not run the agent yet, install it inside{which}: {list}"),
        format!("若 {name} 内尚未运行 agent，请在其中安装{which_zh}：{list}"),
    );
    (Severity::Tell, "agent-install", text)
}
