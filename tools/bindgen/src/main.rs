//! Makes of a linked WebAssembly library what a browser loads: `bindgen LIBRARY FOLDER`.
//!
//! ```text
//! app.wasm ─ split ─┬─► main ─ bind ─► app.js, app_bg.wasm
//!                   └────────────────► later.js, split_later.wasm
//! ```
//!
//! What only a function marked `#[wasm_split(later)]` can reach becomes a module of its own, see `later` in crate `app`.
//! The library must be linked with `--emit-relocs`: without it nobody knows who reaches what.
//!
//! The same as the programs `wasm-split-cli` and `wasm-bindgen`. The latter is of a version of its own that must equal the
//! crate's, and pulls in a test runner's HTTP client and server. Here Cargo.lock decides all.

use std::{env::args, error::Error, fs, path::Path};

use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::{Options, transform};

/// The scripts import each other by these names.
const MAIN: &str = "./app.js";
const LATER: &str = "./later.js";

fn main() -> Result<(), Box<dyn Error>> {
    let (Some(library), Some(folder)) = (args().nth(1), args().nth(2)) else {
        return Err("usage: bindgen LIBRARY FOLDER".into());
    };
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let main = folder.join("app.wasm");

    let linked = fs::read(library)?;
    let mut options = Options::new(&linked);
    options.output_dir = folder;
    options.main_out_path = &main;
    options.main_module = MAIN;
    options.link_name = LATER;
    transform(options)?;

    Bindgen::new()
        .input_path(&main)
        .web(true)?
        .typescript(false)
        // The second module is linked to the first one's memory, table and stack.
        .keep_lld_exports(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)?;
    fs::remove_file(main)?;
    Ok(())
}
