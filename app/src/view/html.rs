//! Parts as HTML, as they are now.

use leptos::prelude::untrack;

use super::part::{Part, Setting};

/// What stands for a part that shows nothing: every part is a node, so that each has a place.
const EMPTY: &str = "<!---->";

/// Elements that have no end.
const VOID: [&str; 5] = ["br", "hr", "input", "img", "wbr"];

pub fn write(part: Part, html: &mut String) {
    match part {
        Part::Nothing | Part::Kept => html.push_str(EMPTY),
        Part::Text(text) if text.is_empty() => html.push_str(EMPTY),
        Part::Text(text) => escape(&text, html),
        Part::Many(parts) if parts.is_empty() => html.push_str(EMPTY),
        Part::Many(parts) => parts.into_iter().for_each(|part| write(part, html)),
        Part::Live(make) => write(untrack(make), html),
        Part::Each(items) => {
            untrack(items).into_iter().for_each(|(_, make)| write(untrack(make), html));
            html.push_str(EMPTY);
        }
        Part::Element(mut element) => {
            html.push('<');
            html.push_str(element.tag);
            if let Some(class) = element.class_value() {
                attribute("class", untrack(|| class.now()), html);
            }
            for (name, value) in &element.attributes {
                attribute(name, untrack(|| value.now()), html);
            }
            html.push('>');
            if !VOID.contains(&element.tag) {
                element.children.into_iter().for_each(|child| write(child, html));
                html.push_str("</");
                html.push_str(element.tag);
                html.push('>');
            }
        }
    }
}

fn attribute(name: &str, setting: Setting, html: &mut String) {
    let Some(setting) = setting else { return };
    html.push(' ');
    html.push_str(name);
    html.push_str("=\"");
    escape(&setting, html);
    html.push('"');
}

/// For text between tags and for values between double quotes.
pub fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use leptos::prelude::*;

    use super::*;
    use crate::view::{IntoPart, component, each, view};

    fn html(part: impl IntoPart) -> String {
        let mut html = String::new();
        Owner::new().with(|| write(part.into_part(), &mut html));
        html
    }

    #[component]
    fn Named(name: String, children: Part) -> impl IntoPart {
        view! { <b title=name>{children}</b> }
    }

    #[test]
    fn text_and_values_cannot_leave_their_place() {
        let name = "\"><script>".to_owned();
        assert_eq!(
            html(view! { <Named name>{"<&".to_owned()}</Named> }),
            "<b title=\"&quot;&gt;&lt;script&gt;\">&lt;&amp;</b>"
        );
    }

    #[test]
    fn attributes_are_there_or_not_and_classes_add_up() {
        let busy = RwSignal::new(true);
        let absent = None::<String>;
        let button = view! {
            <button class="a b" class:busy=move || busy.get() class:gone=false disabled=move || busy.get() hidden=false title=absent>
                <br/>
            </button>
        };
        assert_eq!(html(button), "<button class=\"a b busy\" disabled=\"\"><br></button>");
    }

    #[test]
    fn what_shows_nothing_keeps_its_place() {
        assert_eq!(html(view! { <p>{None::<String>}{String::new()}</p> }), "<p><!----><!----></p>");
        assert_eq!(html(each(|| ["a", "b"], |name| view! { <i>{name}</i> })), "<i>a</i><i>b</i><!---->");
    }
}
