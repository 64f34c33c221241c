//! The way of a packet, hop by hop, as the reader follows it: where it is, what it looks like there, which rules it met.

use std::net::{IpAddr, SocketAddr};

use leptos::prelude::*;
use model::{
    explain::{Explanation, Finding, Hop, Matched, Owner, Packet, Place, Verdict},
    note::Subject,
};

use super::subject;
use crate::{
    live::Live,
    texts::{
        fill,
        later::{Texts, texts},
    },
    ui::Ui,
    view::{IntoPart, Part, component, view},
};

/// There, and back.
#[component]
pub fn Hops(explanation: Explanation) -> impl IntoPart {
    let texts = texts();
    let Explanation { verdict, hops, finding, .. } = explanation;
    let end = finding.as_ref().map(|Finding { at, .. }| (*at).min(hops.len()));
    let (mut there, mut back) = (Vec::new(), Vec::new());
    let mut before: Option<Packet> = None;
    for nth in 0..=hops.len() {
        let list = if before.is_some_and(|packet| packet.reply) { &mut back } else { &mut there };
        if end == Some(nth) {
            list.push(ended(verdict, texts));
        }
        let Some(hop) = hops.get(nth) else { break };
        let list = if hop.packet.reply { &mut back } else { &mut there };
        let same_way = before.filter(|packet| packet.reply == hop.packet.reply);
        before = Some(hop.packet);
        list.push(view! { <HopLine hop=hop.clone() before=same_way/> });
    }
    let ways = [(texts.way_there, there), (texts.way_back, back)];
    let ways = ways.into_iter().filter(|(_, lines)| !lines.is_empty());
    let way = |(word, lines): (&'static str, Vec<Part>)| {
        view! {
            <h3>{word}</h3>
            <ol class="hops" aria-label=word>{lines}</ol>
        }
    };
    ways.map(way).collect::<Part>()
}

fn ended(verdict: Verdict, texts: &Texts) -> Part {
    let (class, words) = match verdict {
        Verdict::Unknown => ("hop end doubt", texts.unknown_from_here),
        Verdict::Yes | Verdict::No => ("hop end stop", texts.ends_here),
    };
    view! { <li class=class>{words}</li> }
}

#[component]
fn HopLine(hop: Hop, before: Option<Packet>) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let Hop { place, packet, route, rules } = hop;
    let at = live.topology.with_untracked(|topology| subject(&place, topology));
    let name = match &place {
        Place::Outside { .. } => texts.outside.to_owned(),
        place => place.to_string(),
    };
    let (source, destination) = ends(&packet);
    let was = before.map(|packet| ends(&packet));
    let translated = |was: Option<&String>, is: &str, words: &str| {
        let was = was.filter(|was| *was != is)?;
        Some(view! { <p class="translated">{fill(words, &[was, is])}</p> })
    };
    let of_source = translated(was.as_ref().map(|(source, _)| source), &source, texts.source_becomes);
    let of_destination = translated(was.as_ref().map(|(_, to)| to), &destination, texts.destination_becomes);
    let (new_source, new_destination) = (of_source.is_some(), of_destination.is_some());
    view! {
        <li class="hop">
            <Go to=at name/>
            <code class="packet">
                <span class:new=new_source>{source}</span>
                " → "
                <span class:new=new_destination>{destination}</span>
            </code>
            {of_source}
            {of_destination}
            {route.map(|route| view! { <code class="soft">{route}</code> })}
            {met(&rules, texts)}
        </li>
    }
}

/// A button that selects an object, on the picture and for the details.
#[component]
pub fn Go(to: Subject, name: String) -> impl IntoPart {
    let ui = Ui::here();
    let shown = to.clone();
    view! {
        <button
            class="quiet go-to"
            aria-current=move || ui.is_selected(&shown).then_some("true")
            on:click=move |_| ui.select(Some(to.clone()))
        >
            <code>{name}</code>
        </button>
    }
}

/// Both ends, with their ports as far as they are known.
fn ends(packet: &Packet) -> (String, String) {
    let end = |address: IpAddr, port: Option<u16>| {
        port.map_or_else(|| address.to_string(), |port| SocketAddr::new(address, port).to_string())
    };
    (end(packet.source, packet.source_port), end(packet.destination, packet.destination_port))
}

/// The rules that decided, folded.
fn met(rules: &[Matched], texts: &Texts) -> Option<Part> {
    let count = match rules.len() {
        0 => return None,
        1 => texts.rule_one.to_owned(),
        many => fill(texts.rules_met, &[&many.to_string()]),
    };
    let line = |rule: &Matched| {
        let Matched { guest, table, chain, handle, owner: by, text } = rule;
        let mut place: Vec<String> = guest.iter().map(|guest| format!("{guest}:")).collect();
        place.extend([table.clone(), chain.clone()]);
        place.extend(handle.map(|handle| handle.to_string()));
        let ours = *by == Owner::Bridgehead;
        view! {
            <li class:ours=ours>
                <small>{place.join(" ")}" · "{owner(*by, texts)}</small>
                <code>{text.clone()}</code>
            </li>
        }
    };
    let lines = rules.iter().map(line).collect::<Part>();
    Some(view! {
        <details>
            <summary>{count}</summary>
            <ul class="rules">{lines}</ul>
        </details>
    })
}

/// Who put a rule there.
pub fn owner(owner: Owner, texts: &Texts) -> String {
    match owner {
        Owner::Somebody => texts.somebody.to_owned(),
        known => known.to_string(),
    }
}
