//! A trace as plain text: one hop a line, with when it was seen there.

use std::fmt::Write;

use super::{Look, Trace};
use crate::{
    Language,
    explain::{Place, Verdict},
};

impl Trace {
    /// As `bridgehead trace` prints it.
    pub fn text(&self, language: Language) -> String {
        let mut out = String::new();
        let hops = &self.explanation.hops;
        let width = hops.iter().map(|hop| hop.place.to_string().chars().count()).max().unwrap_or(0);
        let packets = hops.iter().map(|hop| hop.packet.to_string().chars().count()).max().unwrap_or(0);
        for (hop, look) in hops.iter().zip(&self.looks) {
            let arrow = if hop.packet.reply { '<' } else { '>' };
            let (place, packet) = (hop.place.to_string(), hop.packet.to_string());
            let seen = match (look, &hop.place) {
                (Look::Seen { micros }, _) => {
                    let (whole, part) = (micros / 1000, micros % 1000);
                    format!("{} {whole}.{part:03} ms", language.pick("seen at", "看到于"))
                }
                (Look::NotSeen, _) => language.pick("NOT SEEN", "没有看到").to_owned(),
                (Look::NotWatched, Place::Guest { .. }) => language.pick("inside a guest", "在虚拟机内").to_owned(),
                (Look::NotWatched, _) => language.pick("not watched", "未监视").to_owned(),
            };
            let _ = writeln!(out, "{arrow} {place:width$}  {packet:packets$}  {seen}");
        }
        let predicted = match self.explanation.verdict {
            Verdict::Yes => language.pick("predicted: yes", "预测：可达"),
            Verdict::No => language.pick("predicted: no", "预测：不可达"),
            Verdict::Unknown => language.pick("predicted: unknown", "预测：未知"),
        };
        let _ = writeln!(out, "{predicted}");
        if let Some(finding) = &self.explanation.finding {
            let _ = writeln!(out, "  {}", finding.text.text(language));
        }
        let happened = if self.answered {
            language.pick("happened: answered", "实际：有应答")
        } else {
            language.pick("happened: no answer", "实际：没有应答")
        };
        let agrees = match self.agrees {
            Some(true) => language.pick(", as predicted", "，与预测一致"),
            Some(false) => language.pick(", NOT as predicted", "，与预测不符"),
            None => "",
        };
        let _ = writeln!(out, "{happened}{agrees}");
        for link in &self.unwatched {
            let _ = writeln!(out, "{} {link}", language.pick("not watched:", "未监视："));
        }
        out
    }
}
