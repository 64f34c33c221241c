//! Errors as HTTP answers: the one place where a kind of error becomes a status.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::{
    note::Note,
    problem::{Problem, ProblemKind},
};

use crate::{apply::ApplyError, store::StoreError};

/// A request refused, with everything that its sender needs to mend it.
#[derive(Debug)]
pub struct Refusal(Box<Problem>);

impl Refusal {
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem {
            kind,
            status: status(kind).as_u16(),
            title: title(kind).to_owned(),
            detail: detail.into(),
            field: None,
            notes: Vec::new(),
        }))
    }

    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    #[must_use]
    pub fn notes(mut self, notes: Vec<Note>) -> Self {
        self.0.notes = notes;
        self
    }

    pub fn kind(&self) -> ProblemKind {
        self.0.kind
    }
}

fn status(kind: ProblemKind) -> StatusCode {
    match kind {
        ProblemKind::Malformed => StatusCode::UNPROCESSABLE_ENTITY,
        ProblemKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ProblemKind::Forbidden | ProblemKind::ForeignOrigin => StatusCode::FORBIDDEN,
        ProblemKind::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
        ProblemKind::NotFound => StatusCode::NOT_FOUND,
        ProblemKind::Blocked | ProblemKind::Outdated | ProblemKind::Busy => StatusCode::CONFLICT,
        ProblemKind::Unavailable => StatusCode::BAD_GATEWAY,
        ProblemKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn title(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Malformed => "The request cannot be read",
        ProblemKind::Unauthenticated => "Not logged in",
        ProblemKind::Forbidden => "Not yours to do",
        ProblemKind::ForeignOrigin => "A request from elsewhere",
        ProblemKind::TooManyAttempts => "Too many attempts",
        ProblemKind::NotFound => "There is no such thing",
        ProblemKind::Blocked => "The plan is blocked",
        ProblemKind::Outdated => "The plan is out of date",
        ProblemKind::Busy => "Another change is being applied",
        ProblemKind::Unavailable => "The host or a guest refused",
        ProblemKind::Internal => "Something went wrong in Bridgehead",
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let kind = self.0.kind;
        let mut response = (status(kind), Json(self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if kind == ProblemKind::TooManyAttempts {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!("{}", chain(&error));
        let disk = matches!(error, StoreError::Unwritten(_));
        Self::new(if disk { ProblemKind::Unavailable } else { ProblemKind::Internal }, chain(&error))
    }
}

impl From<ApplyError> for Refusal {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Busy | ApplyError::NoLibvirt(_) => Self::new(ProblemKind::Busy, error.to_string()),
            ApplyError::NothingToUndo
            | ApplyError::NothingToRedo
            | ApplyError::NothingToPutBack
            | ApplyError::NothingToConfirm(_) => Self::new(ProblemKind::NotFound, error.to_string()),
            ApplyError::NotYours { .. } => Self::new(ProblemKind::Forbidden, error.to_string()),
            ApplyError::Unguarded(_) => Self::new(ProblemKind::Internal, chain(&error)),
            ApplyError::Hurry { .. } => Self::new(ProblemKind::Malformed, error.to_string()).field("confirm_within"),
            ApplyError::Version { .. } | ApplyError::Generation { .. } => {
                Self::new(ProblemKind::Outdated, error.to_string())
            }
            ApplyError::Blocked(notes) => {
                let detail = notes.iter().map(|note| note.text.en.as_str()).collect::<Vec<_>>().join("; ");
                let field = notes.iter().find_map(|note| note.field.clone());
                let refusal = Self::new(ProblemKind::Blocked, detail).notes(notes);
                match field {
                    Some(field) => refusal.field(field),
                    None => refusal,
                }
            }
            ApplyError::Store(error) => error.into(),
        }
    }
}

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_what_it_is() {
        use ProblemKind::{
            Blocked, Busy, Forbidden, ForeignOrigin, Internal, Malformed, NotFound, Outdated, TooManyAttempts,
            Unauthenticated, Unavailable,
        };
        let kinds = [
            (Malformed, 422),
            (Unauthenticated, 401),
            (Forbidden, 403),
            (ForeignOrigin, 403),
            (TooManyAttempts, 429),
            (NotFound, 404),
            (Blocked, 409),
            (Outdated, 409),
            (Busy, 409),
            (Unavailable, 502),
            (Internal, 500),
        ];
        for (kind, expected) in kinds {
            let response = Refusal::new(kind, "why").field("name").into_response();
            assert_eq!(response.status().as_u16(), expected);
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        }
    }
}
