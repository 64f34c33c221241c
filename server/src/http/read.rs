//! Request bodies and queries: read whole, or refused with the field and the reason.

use std::collections::BTreeMap;

use axum::{
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::request::Parts,
};
use futures::StreamExt;
use model::problem::ProblemKind;
use serde::de::DeserializeOwned;

use super::problem::Refusal;

/// Longest request body, in bytes: a document and some air.
const LONGEST: usize = 2 << 20;

/// A JSON body of this type.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refusal> {
        let mut body = request.into_body().into_data_stream();
        let (mut bytes, mut length) = (Vec::new(), 0_usize);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| Refusal::new(ProblemKind::Malformed, error.to_string()))?;
            length += chunk.len();
            // A sender that is still sending does not hear why it is refused: a little more is read and thrown away.
            if length > LONGEST * 8 {
                break;
            }
            if length <= LONGEST {
                bytes.extend_from_slice(&chunk);
            }
        }
        if length > LONGEST {
            return Err(Refusal::new(ProblemKind::Malformed, format!("the body is longer than {LONGEST} bytes")));
        }
        parse(&bytes).map(Self)
    }
}

/// The query of an address, each name once.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let malformed = |error: &dyn std::error::Error| Refusal::new(ProblemKind::Malformed, error.to_string());
        let Query(pairs) =
            Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|error| malformed(&error))?;
        let pairs: BTreeMap<String, String> = pairs.into_iter().collect();
        parse(&serde_json::to_vec(&pairs).map_err(|error| malformed(&error))?).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        Refusal::new(ProblemKind::Malformed, error.inner().to_string()).field(field)
    })?;
    reader.end().map_err(|error| Refusal::new(ProblemKind::Malformed, error.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use model::Cluster;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_field_is_named() {
        let wrong = br#"{"bridge":[{"name":"mybr0"},{"name":"my bridge"}]}"#;
        let refusal = parse::<Cluster>(wrong).expect_err("a refusal");
        let text = format!("{refusal:?}");
        assert!(text.contains("bridge[1].name"), "{text}");
        assert!(text.contains("character"), "{text}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Err(refusal) = parse::<Cluster>(&bytes) {
                prop_assert_eq!(refusal.into_response().status().as_u16(), 422);
            }
        }
    }
}
