//! The pure middle of Bridgehead: what was observed, what the operator wants, what that means and how it is drawn.
//!
//! Everything here is a function of its arguments: no clock, no randomness, no IO. It compiles for the server and for
//! WebAssembly, so the browser previews a plan with the very code that the server applies.
//!
//! ```text
//! Observed ─► Topology ─► Diagram
//!     ├──────── explain ─► what would become of a packet, hop by hop
//!     └──────┬─ check ─► notes
//! Cluster ───┴─ plan ──► steps, undo, promises
//!     ├──────── export ─► files of other programs
//!     └──────── survival: what becomes of each object at a reboot
//! ```

pub mod address;
pub mod autostart;
pub mod channel;
pub mod check;
pub mod cluster;
pub mod dhcp;
pub mod diagram;
pub mod draft;
pub mod drift;
pub mod event;
pub mod explain;
pub mod export;
pub mod firewall;
pub mod gateway;
pub mod gather;
pub mod hand;
pub mod language;
pub mod lease;
pub mod mac;
pub mod name;
pub mod nic;
pub mod note;
pub mod observed;
pub mod persist;
pub mod plan;
mod pool;
pub mod problem;
pub mod promise;
pub mod proof;
mod resolve;
pub mod resolver;
pub mod rp_filter;
pub mod step;
pub mod survival;
#[cfg(feature = "toml")]
pub mod timer;
pub mod topology;
pub mod trace;
pub mod wire;

pub use cluster::Cluster;
pub use language::Language;
pub use mac::Mac;
pub use observed::Observed;
pub use rp_filter::RpFilter;
pub use topology::Topology;
