//! What was refused, by the server or by an edit, as far as it is shown.

use model::note::{Note, Sentence};
use serde_json::Value;

/// The shown part of a [`Problem`](model::problem::Problem), or of the note that forbids an edit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    pub title: String,
    pub detail: String,
    /// The field at fault, if one is.
    pub field: Option<String>,
    pub notes: Vec<Sentence>,
}

impl Refusal {
    pub fn titled(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }

    /// From the JSON of a [`Problem`](model::problem::Problem). It is picked apart by hand: deriving it would have the
    /// browser download all that reads a note and the document that would settle it.
    pub fn of(problem: &Value) -> Option<Self> {
        let notes = problem["notes"].as_array().map(Vec::as_slice).unwrap_or_default();
        Some(Self {
            title: text(&problem["title"])?,
            detail: text(&problem["detail"])?,
            field: text(&problem["field"]),
            notes: notes.iter().filter_map(|note| sentence(&note["text"])).collect(),
        })
    }
}

impl From<Note> for Refusal {
    fn from(note: Note) -> Self {
        Self { notes: vec![note.text], ..Self::default() }
    }
}

fn sentence(value: &Value) -> Option<Sentence> {
    Some(Sentence { en: text(&value["en"])?, zh: text(&value["zh"])? })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use model::{
        note::{Severity, Subject},
        problem::{Problem, ProblemKind},
    };

    use super::*;

    #[test]
    fn reads_what_the_server_writes() {
        let sentence = Sentence::new("mybr0 is taken.", "mybr0 已被占用。");
        let note = Note::new(Severity::Block, Subject::Host, "taken", sentence.clone());
        let problem = Problem {
            kind: ProblemKind::Blocked,
            status: 409,
            title: "The plan is blocked".to_owned(),
            detail: "mybr0 is taken.".to_owned(),
            field: Some("bridge.mybr0".to_owned()),
            notes: vec![note.clone()],
        };
        let read = |problem: &Problem| Refusal::of(&serde_json::to_value(problem).expect("JSON"));
        let refusal = Refusal {
            title: "The plan is blocked".to_owned(),
            detail: "mybr0 is taken.".to_owned(),
            field: Some("bridge.mybr0".to_owned()),
            notes: vec![sentence.clone()],
        };
        assert_eq!(read(&problem), Some(refusal.clone()));
        let plain = Problem { field: None, notes: Vec::new(), ..problem };
        assert_eq!(read(&plain), Some(Refusal { field: None, notes: Vec::new(), ..refusal }));
        assert_eq!(Refusal::from(note).notes, [sentence]);
    }

    #[test]
    fn what_is_no_problem_is_no_refusal() {
        assert_eq!(Refusal::of(&Value::Null), None);
        assert_eq!(Refusal::of(&serde_json::json!({"title": 7, "detail": ""})), None);
    }
}
