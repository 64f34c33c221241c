//! A packet passes a hook: chains have their say, and connections are translated.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    Matched,
    conntrack::{End, Side, State, Track},
    firewall::{Effect, Hook, Nat, Outcome, Scene, base},
    machine::name_of,
    stop::Stop,
    walk::Walk,
};
use crate::{
    note::Subject,
    observed::{Chain, Table},
};

impl Walk<'_> {
    /// Asks every chain that hangs here; the scene's packet is what goes on.
    pub fn pass(&mut self, hook: Hook<'_>, scene: &mut Scene<'_>, track: Track) -> Result<(), Stop> {
        let machine = scene.machine;
        let chains = match &machine.tables {
            Some(tables) => hook.chains(tables, scene.packet.is_v6()),
            None => {
                let name = machine.name();
                self.doubt(Stop::unknown(
                    machine.subject(),
                    format!("the rules of {name}'s firewall cannot be read"),
                    format!("读不到 {name} 的防火墙规则"),
                ));
                Vec::new()
            }
        };
        let translates = hook.translates();
        let is_nat = |chain: &Chain| translates.is_some() && chain.kind.as_deref() == Some("nat");
        let (nat, filters): (Vec<_>, Vec<_>) = chains.into_iter().partition(|(_, _, chain)| is_nat(chain));
        let early = filters.partition_point(|(at, ..)| translates.is_none_or(|(when, _)| *at < when));
        for (_, table, chain) in &filters[..early] {
            self.filter(hook, scene, table, chain)?;
        }
        if let Some((_, side)) = translates {
            self.translate(side, scene, track, &nat)?;
        }
        for (_, table, chain) in &filters[early..] {
            self.filter(hook, scene, table, chain)?;
        }
        Ok(())
    }

    fn filter(&mut self, hook: Hook<'_>, scene: &mut Scene<'_>, table: &Table, chain: &Chain) -> Result<(), Stop> {
        let outcome = base(scene, table, chain);
        if let Some((effect, rule)) = outcome.doubt {
            self.doubt(unclear(scene, effect, rule));
        } else if outcome.effect.refuses() {
            return Err(refused(hook, scene, outcome));
        }
        if !outcome.effect.refuses() {
            self.met(outcome.by);
        }
        Ok(())
    }

    fn translate(
        &mut self,
        side: Side,
        scene: &mut Scene<'_>,
        track: Track,
        chains: &[(i32, &Table, &Chain)],
    ) -> Result<(), Stop> {
        if matches!(scene.state, State::Invalid | State::Untracked) {
            return Ok(());
        }
        let station = scene.machine.station.map(str::to_owned);
        if self.tracks(station.as_deref()).is_open(track, side) {
            let mut to = None;
            for (_, table, chain) in chains {
                let outcome = base(scene, table, chain);
                if let Some((effect, rule)) = outcome.doubt {
                    return Err(unclear(scene, effect, rule));
                }
                match outcome.effect {
                    Effect::Translate(nat) => {
                        to = Some(becomes(nat, scene, outcome.by.last())?);
                        self.met(outcome.by);
                        break;
                    }
                    effect if effect.refuses() => return Err(refused(Hook::Ip("nat"), scene, outcome)),
                    _ => {}
                }
            }
            self.tracks(station.as_deref()).bind(track, side, to);
        }
        let tracks = self.tracks(station.as_deref());
        tracks.translate(track, side, &mut scene.packet);
        scene.translated = [Side::Destination, Side::Source].map(|side| tracks.is_translated(track, side));
        Ok(())
    }
}

/// What the end becomes that is translated.
fn becomes(nat: Nat, scene: &Scene<'_>, rule: Option<&Matched>) -> Result<End, Stop> {
    let packet = &scene.packet;
    let machine = scene.machine;
    let spoken = |link: Option<&str>, to: IpAddr| {
        link.and_then(|link| machine.speaks_by(link, to)).ok_or_else(|| {
            let (name, link) = (machine.name(), link.unwrap_or_default());
            let stop = Stop::no(
                machine.subject(),
                format!("{name} is to translate it to its own address on {link}, and has none there"),
                format!("{name} 要把它转换为自己在 {link} 上的地址，但那里没有地址"),
            );
            rule.cloned().into_iter().fold(stop, Stop::rule)
        })
    };
    Ok(match nat {
        Nat::Source(address, port) => (address.unwrap_or(packet.source), port.or(packet.source_port)),
        Nat::Destination(address, port) => (address.unwrap_or(packet.destination), port.or(packet.destination_port)),
        Nat::Masquerade => (spoken(scene.out_link, scene.next_hop.unwrap_or(packet.destination))?, packet.source_port),
        Nat::Redirect(port) => {
            let here = match (scene.in_link, packet.is_v6()) {
                (Some(link), _) => spoken(Some(link), packet.source)?,
                (None, true) => Ipv6Addr::LOCALHOST.into(),
                (None, false) => Ipv4Addr::LOCALHOST.into(),
            };
            (here, port.or(packet.destination_port))
        }
    })
}

fn subject(scene: &Scene<'_>, rule: &Matched) -> Subject {
    match scene.machine.station {
        Some(_) => scene.machine.subject(),
        None => Subject::Table(rule.table.clone()),
    }
}

fn refused(hook: Hook<'_>, scene: &Scene<'_>, outcome: Outcome) -> Stop {
    let Some(rule) = outcome.by.into_iter().last() else {
        return Stop::no(scene.machine.subject(), "it is dropped", "它被丢弃");
    };
    let (name, Matched { table, chain, text, owner, .. }) = (name_of(scene.machine.station), &rule);
    let (mut en, mut zh) = match rule.handle {
        None => (
            format!("the policy of chain {chain} in table {table} of {name} drops it: no rule there accepts it"),
            format!("{name} 的表 {table} 中链 {chain} 的默认策略把它丢弃：那里没有规则放行它"),
        ),
        Some(handle) => {
            let (verb, word) = match outcome.effect {
                Effect::Reject => ("rejects", "拒绝"),
                _ => ("drops", "丢弃"),
            };
            (
                format!("rule {handle} ({owner}) of chain {chain} in table {table} of {name} {verb} it: {text}"),
                format!("{name} 的表 {table} 中链 {chain} 的规则 {handle}（{owner}）{word}它：{text}"),
            )
        }
    };
    let bridged = matches!(hook, Hook::Ip(_)) && scene.in_port.or(scene.out_port).is_some();
    let setting = match scene.packet.is_v6() {
        true => "net.bridge.bridge-nf-call-ip6tables",
        false => "net.bridge.bridge-nf-call-iptables",
    };
    if bridged {
        let bridge = scene.in_link.or(scene.out_link).unwrap_or_default();
        en += &format!("; frames from port to port of {bridge} pass there because of {setting}");
        zh += &format!("；{bridge} 端口之间的帧也会经过这里，因为 {setting}");
    }
    let stop = Stop::no(subject(scene, &rule), en, zh);
    let stop = if bridged { stop.setting(format!("{setting}=1")) } else { stop };
    stop.rule(rule)
}

fn unclear(scene: &Scene<'_>, effect: Effect, rule: Matched) -> Stop {
    let (name, Matched { table, chain, text, .. }) = (name_of(scene.machine.station), &rule);
    let handle = rule.handle.map(|handle| format!("{handle} ")).unwrap_or_default();
    let (does, what) = match effect {
        Effect::Unclear => ("may decide about it", "可能决定它的去留"),
        Effect::Accept => ("may accept it", "可能放行它"),
        Effect::Drop | Effect::Reject => ("may refuse it", "可能拒绝它"),
        Effect::Translate(_) => ("may translate it", "可能转换它的地址"),
    };
    Stop::unknown(
        subject(scene, &rule),
        format!("rule {handle}of chain {chain} in table {table} of {name} {does}: {text}"),
        format!("{name} 的表 {table} 中链 {chain} 的规则 {handle}{what}：{text}"),
    )
    .rule(rule)
}
