//! What gateways let their members reach: IPv4 networks, each once.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::{
    Cluster, Observed,
    note::{Note, Sentence, Severity, Subject},
    resolve,
};

use super::note;

/// The most networks of one gateway: each is a rule that packets walk past.
const MOST: usize = 256;

pub fn check(observed: &Observed, draft: &Cluster, notes: &mut Vec<Note>) {
    for gateway in &draft.gateways {
        let Some(reached) = &gateway.destinations else { continue };
        let bridge: &str = &gateway.bridge;
        let mut say = |severity: Severity, code: &str, text: Sentence| {
            let field = Some(format!("gateway.{bridge}.destinations"));
            notes.push(note(severity, Subject::Gateway(bridge.to_owned()), code, text, field));
        };
        if reached.len() > MOST {
            let count = reached.len();
            let text = Sentence::new(
                format!("A gateway takes {MOST} destinations at most, not {count}: join some into larger networks."),
                format!("一个网关最多可有 {MOST} 个可访问网段，不能是 {count} 个：请合并成更大的网段。"),
            );
            say(Severity::Block, "bad-destination", text);
        }
        let mut seen = BTreeSet::new();
        for net in reached.iter().take(MOST) {
            if let Some(text) = wrong(*net) {
                say(Severity::Block, "bad-destination", text);
            } else if !seen.insert(*net) {
                let text = Sentence::new(format!("{net} is there twice."), format!("{net} 出现了两次。"));
                say(Severity::Block, "bad-destination", text);
            }
        }
        let refused = |target| !resolve::may_reach(observed, draft, gateway, target);
        if let Some(target) = resolve::probe(observed, gateway).filter(|target| refused(*target))
            && !gateway.members.is_empty()
        {
            let text = Sentence::new(
                format!(
                    "Members of {bridge} may not reach {target}: the proof is that the gateway refuses it. To prove the \
                     way out, name a probe in one of the destinations."
                ),
                format!(
                    "{bridge} 的成员不可访问 {target}：验证方式为网关拒绝该访问。若要验证出口，请在 destinations 的网段内指定 probe。"
                ),
            );
            say(Severity::Tell, "probe-refused", text);
        }
    }
}

fn wrong(net: IpNet) -> Option<Sentence> {
    let network = net.trunc();
    if net.addr().is_ipv6() {
        return Some(Sentence::new(
            format!("{net} is not an IPv4 network: a gateway routes IPv4 only."),
            format!("{net} 不是 IPv4 网段：网关只转发 IPv4。"),
        ));
    }
    if net.prefix_len() == 0 {
        return Some(Sentence::new(
            format!("{net} is everywhere: for that, leave destinations out."),
            format!("{net} 指任何地方：此时请不写 destinations。"),
        ));
    }
    (net != network).then(|| {
        Sentence::new(
            format!("{net} is an address in {network}: write {network}, or {}/32.", net.addr()),
            format!("{net} 是 {network} 内的一个地址：应写 {network} 或 {}/32。", net.addr()),
        )
    })
}
