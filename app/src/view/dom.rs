//! Parts in the document.
//!
//! There is one way in: [`Cursor::take`] goes along the nodes that are there, keeps those that fit, mends their text
//! and attributes, and makes what is missing. So the server's page is brought to life, a new view is made (nothing is
//! there yet), and a view that is made again keeps the focus, the scroll position and the text that is being written.

mod attribute;

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use any_spawner::Executor;
use leptos::prelude::{Owner, RenderEffect, Set, document, untrack};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::Node;

use super::part::{Element, IntoPart, Items, MakePart, Part, Setting, Value};

/// Brings the server's page to life: `root` is what `<body>` begins with.
pub fn hydrate_body(root: impl IntoPart) {
    let Some(body) = document().body() else { return };
    // Effects run as tasks. An executor that is there already serves as well.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let shown = owner.with(|| Cursor::new(body.clone().into(), body.first_child(), true).take(root.into_part()));
    // As long as the page.
    std::mem::forget((owner, shown));
}

/// A part that is in the document. Dropped, it no longer listens and no longer follows; its nodes stay.
enum Shown {
    /// One node, what it listens to and follows, and what is in it.
    Node {
        node: Node,
        _alive: Option<Box<Alive>>,
    },
    Many(Vec<Shown>),
    Live(RenderEffect<Option<Shown>>),
    Each(RenderEffect<Option<List>>),
}

#[derive(Default)]
struct Alive {
    children: Vec<Shown>,
    effects: Vec<RenderEffect<Setting>>,
    listeners: Vec<Listener>,
}

struct Listener {
    node: Node,
    event: String,
    handle: Closure<dyn FnMut(web_sys::Event)>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A listener that cannot be removed is gone already.
        let _ = self.node.remove_event_listener_with_callback(&self.event, self.handle.as_ref().unchecked_ref());
    }
}

/// The items of a list, and the comment that ends it.
struct List {
    items: Vec<Item>,
    end: Node,
}

struct Item {
    key: String,
    shown: Shown,
    _owner: Owner,
}

impl Shown {
    fn is(node: Node) -> Self {
        Self::Node { node, _alive: None }
    }

    /// Its outermost nodes, in order: at least one.
    fn nodes(&self) -> Vec<Node> {
        match self {
            Self::Node { node, .. } => vec![node.clone()],
            Self::Many(parts) => parts.iter().flat_map(Self::nodes).collect(),
            Self::Live(effect) => {
                effect.with_value_mut(|shown| shown.as_ref().map(Self::nodes)).flatten().unwrap_or_default()
            }
            Self::Each(effect) => {
                effect.with_value_mut(|list| list.as_ref().map(List::nodes)).flatten().unwrap_or_default()
            }
        }
    }
}

impl List {
    fn nodes(&self) -> Vec<Node> {
        self.items.iter().flat_map(|item| item.shown.nodes()).chain([self.end.clone()]).collect()
    }
}

/// A place among the children of `parent`: before `next`.
#[derive(Clone)]
struct Cursor {
    parent: Node,
    next: Rc<RefCell<Option<Node>>>,
    /// Whether nodes that are there may be kept.
    adopt: bool,
}

impl Cursor {
    fn new(parent: Node, next: Option<Node>, adopt: bool) -> Self {
        Self { parent, next: Rc::new(RefCell::new(next)), adopt }
    }

    /// Shows `part` here, and moves behind it.
    fn take(&self, part: Part) -> Shown {
        match part {
            Part::Nothing => self.comment(),
            Part::Kept => self.kept(),
            Part::Text(text) if text.is_empty() => self.comment(),
            Part::Text(text) => Shown::is(self.text(&text)),
            Part::Many(parts) if parts.is_empty() => self.comment(),
            Part::Many(parts) => Shown::Many(parts.into_iter().map(|part| self.take(part)).collect()),
            Part::Element(element) => self.element(*element),
            Part::Live(make) => self.live(make),
            Part::Each(items) => self.each(items),
        }
    }

    fn at(&self) -> Option<Node> {
        self.next.borrow().clone()
    }

    /// The node that may be kept for what comes now.
    fn found(&self) -> Option<Node> {
        self.at().filter(|_| self.adopt)
    }

    fn step(&self, behind: &Node) {
        *self.next.borrow_mut() = behind.next_sibling();
    }

    fn insert(&self, node: &Node) {
        // `next` is a child of `parent`, or nothing.
        let _ = self.parent.insert_before(node, self.at().as_ref());
    }

    fn kept(&self) -> Shown {
        let Some(node) = self.found() else { return self.comment() };
        self.step(&node);
        Shown::is(node)
    }

    fn comment(&self) -> Shown {
        let node = match self.found() {
            Some(node) if node.node_type() == Node::COMMENT_NODE => node,
            _ => {
                let node: Node = document().create_comment("").into();
                self.insert(&node);
                node
            }
        };
        self.step(&node);
        Shown::is(node)
    }

    /// Texts that follow one another are one node in the server's HTML: what is too long is cut.
    fn text(&self, text: &str) -> Node {
        let node = match self.found().map(JsCast::dyn_into::<web_sys::Text>) {
            Some(Ok(node)) => {
                let found = node.data();
                if found != text {
                    let length = text.encode_utf16().count() as u32;
                    if !(found.starts_with(text) && node.split_text(length).is_ok()) {
                        node.set_data(text);
                    }
                }
                node.into()
            }
            _ => {
                let node: Node = document().create_text_node(text).into();
                self.insert(&node);
                node
            }
        };
        self.step(&node);
        node
    }

    fn element(&self, mut element: Element) -> Shown {
        let found = self.found().and_then(|node| node.dyn_into::<web_sys::Element>().ok());
        let found = found.filter(|node| node.local_name() == element.tag);
        let new = found.is_none();
        let Some(node) = found.or_else(|| self.create(element.tag)) else { return self.comment() };

        let mut alive = Alive::default();
        let class = element.class_value().map(|class| ("class", class));
        let attributes: Vec<_> = class.into_iter().chain(element.attributes).collect();
        if !new {
            attribute::forget(&node, &attributes);
        }
        for (name, value) in attributes {
            let node = node.clone();
            follow(value, &mut alive, move |setting| attribute::set(&node, name, setting));
        }
        let inside = Self::new(node.clone().into(), node.first_child(), true);
        alive.children = element.children.into_iter().map(|child| inside.take(child)).collect();
        inside.clear(None);
        // After the children: the value of a `<select>` is one of its options.
        for (name, value) in element.properties {
            let node = node.clone();
            follow(value, &mut alive, move |setting| attribute::set_property(&node, name, setting));
        }
        for (event, handle) in element.listeners {
            let handle = Closure::wrap(handle);
            let listener = Listener { node: node.clone().into(), event: event.into_owned(), handle };
            // Adding a listener fails for no name of an event.
            let _ = node.add_event_listener_with_callback(&listener.event, listener.handle.as_ref().unchecked_ref());
            alive.listeners.push(listener);
        }
        if new {
            self.insert(&node);
        }
        self.step(&node);
        if let Some(node_ref) = element.node_ref {
            node_ref.set(Some(node.clone()));
        }
        Shown::Node { node: node.into(), _alive: Some(Box::new(alive)) }
    }

    /// In the name space of the parent; `<svg>` begins its own.
    fn create(&self, tag: &str) -> Option<web_sys::Element> {
        let outer = self.parent.dyn_ref::<web_sys::Element>().and_then(web_sys::Element::namespace_uri);
        let space = if tag == "svg" { Some("http://www.w3.org/2000/svg".to_owned()) } else { outer };
        document().create_element_ns(space.as_deref(), tag).ok()
    }

    fn live(&self, make: Box<dyn Fn() -> Part>) -> Shown {
        let mut first = Some(self.clone());
        Shown::Live(RenderEffect::new(move |before: Option<Option<Shown>>| {
            let part = make();
            let Some(shown) = before.flatten() else { return first.take().map(|cursor| cursor.take(part)) };
            let nodes = shown.nodes();
            let (Some(start), Some(last)) = (nodes.first(), nodes.last()) else { return Some(shown) };
            let Some(parent) = start.parent_node() else { return Some(shown) };
            let cursor = Self::new(parent, Some(start.clone()), true);
            let end = last.next_sibling();
            // What was shown must no longer listen when what comes now begins to.
            drop(shown);
            let shown = cursor.take(part);
            cursor.clear(end.as_ref());
            Some(shown)
        }))
    }

    fn each(&self, items: Items) -> Shown {
        let mut first = Some(self.clone());
        let owner = Owner::current().unwrap_or_default();
        Shown::Each(RenderEffect::new(move |before: Option<Option<List>>| {
            let wanted = items();
            untrack(|| match before.flatten() {
                None => first.take().map(|cursor| {
                    let items = cursor.items(wanted, HashMap::new(), &owner);
                    let Shown::Node { node: end, .. } = cursor.comment() else { unreachable!("a comment is a node") };
                    List { items, end }
                }),
                Some(list) => Some(list.changed(wanted, &owner)),
            })
        }))
    }

    /// Shows the items, those of `kept` as they are.
    fn items(&self, wanted: Vec<(String, MakePart)>, mut kept: HashMap<String, Item>, owner: &Owner) -> Vec<Item> {
        let show = |(key, make): (String, MakePart)| match kept.remove(&key) {
            Some(item) => {
                for node in item.shown.nodes() {
                    if self.at().as_ref() != Some(&node) {
                        self.insert(&node);
                    }
                    self.step(&node);
                }
                item
            }
            None => {
                let owner = owner.with(Owner::new);
                let shown = owner.with(|| self.take(make()));
                Item { key, _owner: owner, shown }
            }
        };
        wanted.into_iter().map(show).collect()
    }

    /// Removes what stands between here and `end`.
    fn clear(&self, end: Option<&Node>) {
        while let Some(node) = self.at().filter(|node| Some(node) != end) {
            self.step(&node);
            remove(&node);
        }
    }
}

impl List {
    fn changed(self, wanted: Vec<(String, MakePart)>, owner: &Owner) -> Self {
        let Self { items, end } = self;
        let Some(parent) = end.parent_node() else { return Self { items, end } };
        let keys: HashSet<&str> = wanted.iter().map(|(key, _)| key.as_str()).collect();
        let (kept, gone): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| keys.contains(item.key.as_str()));
        let start = kept.iter().flat_map(|item| item.shown.nodes()).next();
        let gone_nodes: Vec<Node> = gone.iter().flat_map(|item| item.shown.nodes()).collect();
        drop(gone);
        gone_nodes.iter().for_each(remove);
        let kept = kept.into_iter().map(|item| (item.key.clone(), item)).collect();
        let cursor = Cursor::new(parent, start.or_else(|| Some(end.clone())), false);
        Self { items: cursor.items(wanted, kept, owner), end }
    }
}

/// Follows a value: `apply` at once, and again each time it changes.
fn follow(value: Value, alive: &mut Alive, apply: impl Fn(&Setting) + 'static) {
    match value {
        Value::Fixed(setting) => apply(&setting),
        Value::Live(make) => alive.effects.push(RenderEffect::new(move |before: Option<Setting>| {
            let setting = make();
            if before.as_ref() != Some(&setting) {
                apply(&setting);
            }
            setting
        })),
    }
}

fn remove(node: &Node) {
    if let Some(parent) = node.parent_node() {
        // It is a child of its parent.
        let _ = parent.remove_child(node);
    }
}
