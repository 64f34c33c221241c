//! The HTML document around the application.

use base64::{Engine, engine::general_purpose::STANDARD};
use leptos::prelude::Owner;
use model::wire;

use crate::{
    INITIAL, Initial,
    app::App,
    texts::Texts,
    view::{self, IntoPart},
};

const STYLE: &str = "/style.css";
const THEME: &str = "/theme.js";
const HYDRATE: &str = "/hydrate.js";
const SCRIPT: &str = "/pkg/app.js";
/// Of [the second module](crate::later): how it is loaded.
const LATER: &str = "/pkg/later.js";
const WASM: &str = "/pkg/app_bg.wasm";
const ICON: &str = "/icon.svg";

/// How static files are named in this build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assets {
    /// Put before each name, e.g. `/1a2b3c`, so that files may be cached for good.
    pub folder: String,
}

impl Assets {
    fn of(&self, path: &str) -> String {
        format!("{}{path}", self.folder)
    }
}

/// The whole document. The application is the first thing in its body: hydration begins there.
pub fn render(initial: Initial, assets: &Assets) -> String {
    let texts = Texts::of(initial.language);
    let escaped = |text: &str| {
        let mut html = String::new();
        view::escape(text, &mut html);
        html
    };
    let title = match initial.observed.host.hostname.as_str() {
        "" => "Bridgehead".to_owned(),
        name => format!("{} · Bridgehead", escaped(name)),
    };
    let theme = initial.theme.attribute().map(|theme| format!(" data-theme=\"{theme}\"")).unwrap_or_default();
    let bytes = STANDARD.encode(wire::encode(&initial));
    let mut body = String::new();
    Owner::new().with(|| view::write(App { initial }.into_part(), &mut body));
    format!(
        r#"<!DOCTYPE html>
<html lang="{language}"{theme}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="{style}">
<link rel="icon" type="image/svg+xml" href="{icon}">
<link rel="modulepreload" href="{script}">
<link rel="modulepreload" href="{later}">
<link rel="preload" href="{wasm}" as="fetch" type="application/wasm" crossorigin="anonymous">
<script src="{theme_script}"></script>
<script type="module" src="{hydrate}" data-script="{script}" data-wasm="{wasm}" id="hydrate"></script>
</head>
<body>{body}<script type="application/octet-stream" id="{INITIAL}">{bytes}</script></body>
</html>
"#,
        language = texts.language.tag(),
        style = assets.of(STYLE),
        icon = assets.of(ICON),
        script = assets.of(SCRIPT),
        later = assets.of(LATER),
        wasm = assets.of(WASM),
        theme_script = assets.of(THEME),
        hydrate = assets.of(HYDRATE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_carries_what_it_shows() {
        let mut initial = Initial {
            observed: Default::default(),
            document: Default::default(),
            language: model::Language::Chinese,
            theme: crate::Theme::Dark,
            logged_in: false,
            now_ms: 1_900_000_000_000,
        };
        std::sync::Arc::make_mut(&mut initial.observed).host.hostname = "</script>".to_owned();
        let page = render(initial.clone(), &Assets::default());
        let (_, rest) = page.split_once(&format!("id=\"{INITIAL}\">")).expect("the element");
        let (text, _) = rest.split_once('<').expect("its end");
        let bytes = STANDARD.decode(text).expect("base64");
        assert_eq!(wire::decode(&bytes), Some(initial));
    }
}
