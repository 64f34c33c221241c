//! Attributes and properties of elements in the document.

use wasm_bindgen::JsValue;

use super::super::part::{Setting, Value};

pub fn set(node: &web_sys::Element, name: &str, setting: &Setting) {
    if node.get_attribute(name).as_deref() != setting.as_deref() {
        // Names are our own, and valid.
        let _ = match setting {
            Some(setting) => node.set_attribute(name, setting),
            None => node.remove_attribute(name),
        };
    }
}

/// `value` is text, everything else (`checked`) is true if it is there.
pub fn set_property(node: &web_sys::Element, name: &str, setting: &Setting) {
    let name = JsValue::from_str(name);
    let value = match setting {
        _ if name != "value" => JsValue::from_bool(setting.is_some()),
        setting => JsValue::from_str(setting.as_deref().unwrap_or_default()),
    };
    if js_sys::Reflect::get(node, &name).ok().as_ref() != Some(&value) {
        // An element without the property keeps what it has.
        let _ = js_sys::Reflect::set(node, &name, &value);
    }
}

/// Removes attributes of what stood here before. `open` belongs to `<dialog>` and `<details>` themselves.
pub fn forget(node: &web_sys::Element, wanted: &[(&str, Value)]) {
    for name in node.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        if name != "open" && !wanted.iter().any(|(wanted, _)| *wanted == name) {
            // It was there a moment ago.
            let _ = node.remove_attribute(&name);
        }
    }
}
