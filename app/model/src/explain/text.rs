//! An explanation as plain text: one hop a line.

use std::fmt::Write;

use super::{Explanation, Finding, Hop, Verdict};
use crate::Language;

impl Explanation {
    /// As `bridgehead explain` prints it.
    pub fn text(&self, language: Language) -> String {
        let mut out = String::new();
        let width = self.hops.iter().map(|hop| hop.place.to_string().chars().count()).max().unwrap_or(0);
        for (index, hop) in self.hops.iter().enumerate() {
            self.finding
                .iter()
                .filter(|finding| finding.at == index)
                .for_each(|finding| say(&mut out, self.verdict, finding, language));
            line(&mut out, hop, width);
        }
        let last = self.finding.iter().filter(|finding| finding.at >= self.hops.len());
        last.for_each(|finding| say(&mut out, self.verdict, finding, language));
        if self.verdict == Verdict::Yes {
            let _ = writeln!(out, "{}", language.pick("yes", "可达"));
        }
        for assumed in &self.assumed {
            let _ = writeln!(out, "{}: {}", language.pick("assumed", "假定"), assumed.text(language));
        }
        out
    }
}

fn line(out: &mut String, hop: &Hop, width: usize) {
    let arrow = if hop.packet.reply { '<' } else { '>' };
    let place = hop.place.to_string();
    let route = hop.route.iter().map(|route| format!("  [{route}]"));
    let rules = hop.rules.iter().map(|rule| format!("  {{{rule}}}"));
    let more: String = route.chain(rules).collect();
    let _ = writeln!(out, "{arrow} {place:width$}  {}{more}", hop.packet);
}

fn say(out: &mut String, verdict: Verdict, finding: &Finding, language: Language) {
    let word = match verdict {
        Verdict::Yes => language.pick("yes", "可达"),
        Verdict::No => language.pick("no", "不可达"),
        Verdict::Unknown => language.pick("unknown", "未知"),
    };
    let setting = finding.setting.as_ref().map(|setting| format!(" ({setting})")).unwrap_or_default();
    let _ = writeln!(out, "{word} [{}]: {}{setting}", finding.subject, finding.text.text(language));
}
