//! Facts as pairs of word and value, and as tables.

use crate::view::{IntoPart, Part, component, view};

/// One pair. Several stand in a `<dl class="facts">`.
#[component]
pub fn Fact(word: &'static str, children: Part) -> impl IntoPart {
    view! {
        <dt>{word}</dt>
        <dd>{children}</dd>
    }
}

/// A table of text. The first column is mono.
#[component]
pub fn Table(
    label: &'static str,
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    empty: &'static str,
) -> impl IntoPart {
    let cells = |row: Vec<String>| row.into_iter().map(IntoPart::into_part).collect::<Vec<Part>>();
    let rows = rows.into_iter().map(cells).collect::<Vec<_>>();
    view! { <Cells label heads rows empty/> }
}

/// A table whose cells may be more than text.
#[component]
pub fn Cells(
    label: &'static str,
    heads: Vec<&'static str>,
    rows: Vec<Vec<Part>>,
    empty: &'static str,
) -> impl IntoPart {
    if rows.is_empty() {
        return view! { <p class="soft">{empty}</p> };
    }
    let heads = heads.into_iter().map(|head| view! { <th scope="col">{head}</th> }).collect::<Part>();
    let cells = |row: Vec<Part>| row.into_iter().map(|cell| view! { <td>{cell}</td> }).collect::<Part>();
    let rows = rows.into_iter().map(|row| view! { <tr>{cells(row)}</tr> }).collect::<Part>();
    view! {
        <div class="table" tabindex="0" role="region" aria-label=label>
            <table>
                <thead><tr>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
