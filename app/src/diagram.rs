//! The picture: rails, cards and sockets are HTML, cables are one SVG layer beneath them. What stands where is computed
//! by `model::diagram`; here it is only drawn.

mod cable;
mod camera;
mod canvas;
mod card;
mod drag;
mod host;
mod outside;
mod rail;
mod socket;
mod survival;

pub use canvas::Canvas;
