//! What can be shown, as data.

use std::borrow::Cow;

use leptos::{ev::EventDescriptor, prelude::*};
use wasm_bindgen::JsCast;

use super::decimal::decimal;

/// What an attribute says; `None`: it is absent.
pub(super) type Setting = Option<Cow<'static, str>>;

/// Receives the element that is shown.
pub type NodeRef = RwSignal<Option<web_sys::Element>, LocalStorage>;

/// Something to be shown.
pub enum Part {
    Nothing,
    /// One node of the server's, left as it is: what it shows is not to be made yet.
    Kept,
    Text(Cow<'static, str>),
    Element(Box<Element>),
    Many(Vec<Part>),
    /// Made again when a signal that it has read changes. What is the same afterwards stays in the document.
    Live(Box<dyn Fn() -> Part>),
    /// A list whose items stay what they are while their key is in it.
    Each(Items),
}

/// Keys, and how to make the item of each.
pub(super) type Items = Box<dyn Fn() -> Vec<(String, MakePart)>>;

pub(super) type MakePart = Box<dyn FnOnce() -> Part>;

/// `show` for each of `items`, which are told apart by their text. An item is made once.
pub fn each<T, I, P>(items: impl Fn() -> I + 'static, show: impl Fn(T) -> P + Clone + 'static) -> Part
where
    T: ToString + 'static,
    I: IntoIterator<Item = T>,
    P: IntoPart,
{
    Part::Each(Box::new(move || {
        let item = |item: T| {
            let (key, show) = (item.to_string(), show.clone());
            (key, Box::new(move || show(item).into_part()) as MakePart)
        };
        items().into_iter().map(item).collect()
    }))
}

type Handle = Box<dyn FnMut(web_sys::Event)>;

/// An element of HTML or SVG.
pub struct Element {
    pub(super) tag: &'static str,
    pub(super) classes: Vec<(&'static str, Value)>,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) properties: Vec<(&'static str, Value)>,
    pub(super) listeners: Vec<(Cow<'static, str>, Handle)>,
    pub(super) node_ref: Option<NodeRef>,
    pub(super) children: Vec<Part>,
}

impl Element {
    pub fn new(tag: &'static str) -> Self {
        Self {
            tag,
            classes: Vec::new(),
            attributes: Vec::new(),
            properties: Vec::new(),
            listeners: Vec::new(),
            node_ref: None,
            children: Vec::new(),
        }
    }

    pub fn attribute(mut self, name: &'static str, value: impl IntoValue) -> Self {
        self.attributes.push((name, value.into_value()));
        self
    }

    /// Classes, separated by spaces.
    pub fn class(self, names: impl IntoValue) -> Self {
        self.class_if("", names)
    }

    /// A class that is there while `on` is.
    pub fn class_if(mut self, name: &'static str, on: impl IntoValue) -> Self {
        self.classes.push((name, on.into_value()));
        self
    }

    /// A property of the element in the document, `value` or `checked`; none of the server's business.
    pub fn property(mut self, name: &'static str, value: impl IntoValue) -> Self {
        self.properties.push((name, value.into_value()));
        self
    }

    pub fn on<E>(mut self, event: E, mut handle: impl FnMut(E::EventType) + 'static) -> Self
    where
        E: EventDescriptor,
        E::EventType: JsCast,
    {
        self.listeners.push((event.name(), Box::new(move |event| handle(event.unchecked_into()))));
        self
    }

    pub fn node_ref(mut self, node_ref: NodeRef) -> Self {
        self.node_ref = Some(node_ref);
        self
    }

    pub fn child(mut self, child: impl IntoPart) -> Self {
        self.children.push(child.into_part());
        self
    }

    /// All classes as one value: fixed if each of them is.
    pub(super) fn class_value(&mut self) -> Option<Value> {
        let classes = std::mem::take(&mut self.classes);
        if classes.is_empty() {
            return None;
        }
        let live = classes.iter().any(|(_, value)| matches!(value, Value::Live(_)));
        let joined = move || {
            let mut all = String::new();
            for (name, value) in &classes {
                let Some(names) = value.now() else { continue };
                for name in if name.is_empty() { &names } else { *name }.split_whitespace() {
                    if !all.is_empty() {
                        all.push(' ');
                    }
                    all.push_str(name);
                }
            }
            Some(Cow::Owned(all))
        };
        Some(if live { Value::Live(Box::new(joined)) } else { Value::Fixed(joined()) })
    }
}

/// What can stand between tags.
pub trait IntoPart {
    fn into_part(self) -> Part;
}

impl IntoPart for Part {
    fn into_part(self) -> Part {
        self
    }
}

impl IntoPart for Element {
    fn into_part(self) -> Part {
        Part::Element(Box::new(self))
    }
}

impl IntoPart for &'static str {
    fn into_part(self) -> Part {
        Part::Text(self.into())
    }
}

impl IntoPart for String {
    fn into_part(self) -> Part {
        Part::Text(self.into())
    }
}

impl<T: IntoPart> IntoPart for Option<T> {
    fn into_part(self) -> Part {
        self.map_or(Part::Nothing, IntoPart::into_part)
    }
}

impl<T: IntoPart> IntoPart for Vec<T> {
    fn into_part(self) -> Part {
        Part::Many(self.into_iter().map(IntoPart::into_part).collect())
    }
}

impl<F, T> IntoPart for F
where
    F: Fn() -> T + 'static,
    T: IntoPart,
{
    fn into_part(self) -> Part {
        Part::Live(Box::new(move || self().into_part()))
    }
}

impl FromIterator<Part> for Part {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        Self::Many(parts.into_iter().collect())
    }
}

/// The value of an attribute, a class or a property.
pub enum Value {
    Fixed(Setting),
    Live(Box<dyn Fn() -> Setting>),
}

impl Value {
    pub(super) fn now(&self) -> Setting {
        match self {
            Self::Fixed(setting) => setting.clone(),
            Self::Live(setting) => setting(),
        }
    }
}

/// What can be the value of an attribute. `true` is an attribute without a value, `false` and `None` none at all.
pub trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for &'static str {
    fn into_value(self) -> Value {
        Value::Fixed(Some(self.into()))
    }
}

impl IntoValue for String {
    fn into_value(self) -> Value {
        Value::Fixed(Some(self.into()))
    }
}

impl IntoValue for bool {
    fn into_value(self) -> Value {
        Value::Fixed(self.then_some(Cow::Borrowed("")))
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Fixed(None), IntoValue::into_value)
    }
}

impl<F, T> IntoValue for F
where
    F: Fn() -> T + 'static,
    T: IntoValue,
{
    fn into_value(self) -> Value {
        Value::Live(Box::new(move || self().into_value().now()))
    }
}

impl IntoValue for f64 {
    fn into_value(self) -> Value {
        decimal(self).into_value()
    }
}

/// What is written as `to_string` does.
macro_rules! written {
    ($($type:ty),*) => {$(
        impl IntoPart for $type {
            fn into_part(self) -> Part {
                self.to_string().into_part()
            }
        }

        impl IntoValue for $type {
            fn into_value(self) -> Value {
                self.to_string().into_value()
            }
        }
    )*};
}

written!(u8, i32, u32, usize);
