//! `bridgehead explain`.

use clap::{Args, value_parser};
use model::{
    Language,
    explain::{Explanation, Origin, Probe, Question, Target, Verdict},
    note::Note,
};
use serde_json::json;

use super::{Api, Outcome, block_on, print};
use crate::{http::Running, observe};

/// Say what would become of a packet, hop by hop, and of its answer. Sends nothing.
///
/// Ends with 0 if it gets there and back, 1 if not, 2 if that cannot be known, 3 if it could not be asked.
#[derive(Debug, Args)]
pub struct Explain {
    /// Who asks: a guest, GUEST:INTERFACE, `host`, `outside`, outside:UPLINK, or an address outside.
    from: Origin,
    /// Who is asked: a guest, `host` or an address.
    to: Target,
    /// Open a TCP connection to this port; a ping if absent.
    #[arg(long, value_name = "PORT", value_parser = value_parser!(u16).range(1..), conflicts_with = "udp")]
    tcp: Option<u16>,
    /// Send a UDP packet to this port.
    #[arg(long, value_name = "PORT", value_parser = value_parser!(u16).range(1..))]
    udp: Option<u16>,
    /// By IPv6, where names leave both open.
    #[arg(short = '6', long)]
    ipv6: bool,
    /// The whole `Explanation` as JSON.
    #[arg(long)]
    pub json: bool,
}

impl Explain {
    /// The exit status where nothing could be asked.
    pub const FAILED: i32 = 3;

    pub fn question(&self) -> Question {
        let probe = match (self.tcp, self.udp) {
            (Some(port), _) => Probe::Tcp { port },
            (None, Some(port)) => Probe::Udp { port },
            (None, None) => Probe::Echo,
        };
        Question { from: self.from.clone(), to: self.to.clone(), probe, v6: self.ipv6 }
    }
}

/// The exit status: a script may ask.
pub fn explain(args: Explain) -> Outcome<i32> {
    let question = args.question();
    let explanation = match Running::find() {
        Ok(_) => block_on(async { Api::find()?.post("explain", json!(question)).await })?,
        Err(_) => by_itself(&question)?,
    };
    let text =
        if args.json { serde_json::to_string(&explanation)? + "\n" } else { explanation.text(Language::English) };
    print(&plain(&text));
    Ok(match explanation.verdict {
        Verdict::Yes => 0,
        Verdict::No => 1,
        Verdict::Unknown => 2,
    })
}

/// Names and rules that somebody wrote, as they may be shown to a terminal.
pub fn plain(text: &str) -> String {
    let plain = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(plain).collect()
}

/// Without a server: reads once.
fn by_itself(question: &Question) -> Outcome<Explanation> {
    let observed = observe::once(None, None)?;
    let wrong: Vec<String> = question.check(&observed).iter().map(in_words).collect();
    if wrong.is_empty() { Ok(model::explain::explain(&observed, question)) } else { Err(wrong.join("; ").into()) }
}

fn in_words(note: &Note) -> String {
    let field = note.field.iter().map(|field| format!(" ({field})")).collect::<String>();
    format!("{}{field}", note.text.en)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        explain: Explain,
    }

    fn question(line: &str) -> Option<Question> {
        let words = ["explain"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).ok().map(|line| line.explain.question())
    }

    #[test]
    fn a_line_is_a_question() {
        let asked = question("node1 10.0.0.9 --tcp 443").expect("a question");
        assert_eq!(asked.from, Origin::Guest { guest: "node1".to_owned(), interface: None });
        assert_eq!(asked.to, Target::Address { address: "10.0.0.9".parse().expect("an address") });
        assert_eq!(asked.probe, Probe::Tcp { port: 443 });
        assert_eq!(
            question("host node1 --udp 53 -6").map(|it| (it.probe, it.v6)),
            Some((Probe::Udp { port: 53 }, true))
        );
        assert_eq!(question("outside host").map(|it| it.probe), Some(Probe::Echo));
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for line in
            ["node1", "node1 outside", "node1 host --tcp 0", "node1 host --tcp 1 --udp 1", "node1 host --tcp 65536"]
        {
            assert_eq!(question(line), None, "{line}");
        }
    }
}
