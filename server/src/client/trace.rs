//! `bridgehead trace`.

use clap::Args;
use model::{Language, trace::Trace as Traced};
use serde_json::json;

use super::{
    Api, Outcome, block_on,
    explain::{Explain, explain, plain},
    print,
};

/// Send a packet for real, watch it on the host's links, and say where it was seen, beside what was predicted.
///
/// Ends with 0 if it was answered, 1 if not, 3 if it could not be sent.
#[derive(Debug, Args)]
pub struct Trace {
    #[command(flatten)]
    question: Explain,
    /// Send nothing: as `explain`.
    #[arg(long)]
    predict_only: bool,
}

/// The exit status: a script may ask.
pub fn trace(args: Trace) -> Outcome<i32> {
    if args.predict_only {
        return explain(args.question);
    }
    let question = args.question.question();
    let traced: Traced = block_on(async { Api::find()?.post("trace", json!(question)).await })?;
    let text = if args.question.json { serde_json::to_string(&traced)? + "\n" } else { traced.text(Language::English) };
    print(&plain(&text));
    Ok(if traced.answered { 0 } else { 1 })
}
