//! Writes the JavaScript glue of a WebAssembly library: `bindgen LIBRARY FOLDER`.
//!
//! The same as the program `wasm-bindgen`, which is of a version of its own that must equal the crate's and pulls in
//! a test runner's HTTP client and server. Here Cargo.lock decides both.

use std::{env::args, error::Error};

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let (Some(library), Some(folder)) = (args().nth(1), args().nth(2)) else {
        return Err("usage: bindgen LIBRARY FOLDER".into());
    };
    Bindgen::new()
        .input_path(library)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)?;
    Ok(())
}
