//! The HTML document around the application.

use leptos::prelude::*;

use crate::{Initial, app::App, paths, texts::Texts};

/// The element that carries [`Initial`] as JSON.
pub(crate) const INITIAL: &str = "initial";

/// How static files are named in this build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assets {
    /// Put behind each name, e.g. `?v=1a2b3c`, so that files may be cached for good.
    pub version: String,
}

impl Assets {
    fn of(&self, path: &str) -> String {
        format!("{path}{}", self.version)
    }
}

/// The whole document. `<App/>` is the first child of the body: hydration begins there.
pub fn shell(initial: Initial, assets: &Assets) -> impl IntoView + use<> {
    let texts = Texts::of(initial.language);
    let theme = initial.theme.attribute();
    // `<` could end the script element.
    let json = serde_json::to_string(&initial).unwrap_or_default().replace('<', "\\u003c");
    let title = match initial.observed.host.hostname.as_str() {
        "" => "Bridgehead".to_owned(),
        name => format!("{name} · Bridgehead"),
    };
    let script = assets.of(paths::SCRIPT);
    let wasm = assets.of(paths::WASM);
    view! {
        <!DOCTYPE html>
        <html lang=texts.language.tag() data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{title}</title>
                <link rel="stylesheet" href=assets.of(paths::STYLE)/>
                <link rel="icon" type="image/svg+xml" href=assets.of(paths::ICON)/>
                <link rel="modulepreload" href=script.clone()/>
                <link rel="preload" href=wasm.clone() r#as="fetch" type="application/wasm" crossorigin="anonymous"/>
                <script src=assets.of(paths::THEME)></script>
                <script type="module" src=assets.of(paths::HYDRATE) data-script=script data-wasm=wasm id="hydrate"></script>
            </head>
            <body>
                <App initial/>
                <script type="application/json" id=INITIAL inner_html=json></script>
            </body>
        </html>
    }
}

/// The document as text, for a response of type `text/html`.
#[cfg(feature = "ssr")]
pub fn render(initial: Initial, assets: &Assets) -> String {
    let owner = Owner::new();
    owner.with(|| shell(initial, assets).to_html())
}
