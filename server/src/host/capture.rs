//! Captures on links of the host, by libpcap: begun together, bounded, and over when they are dropped.
//!
//! A bridge shows what only crosses it as long as it is promiscuous, which each capture asks for and the kernel takes back
//! with its socket.

use std::{
    os::fd::{AsRawFd, BorrowedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pcap::{Active, Capture, Error, Linktype};

/// Of each frame that many bytes are kept: the headers of IPv6 and TCP are within them.
const LENGTH: i32 = 128;
/// Of each link that many frames.
const FRAMES: usize = 1000;
/// The kernel's buffer for each link, in bytes.
const BUFFER: i32 = 1 << 20;
/// Milliseconds after which a capture sees that it is over.
const LOOK: u16 = 50;

/// What came by a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Since 1970.
    pub at: Duration,
    pub link: String,
    /// Its beginning.
    pub bytes: Vec<u8>,
}

/// Captures that run.
pub struct Captures {
    over: Arc<AtomicBool>,
    running: Vec<(String, JoinHandle<Vec<Frame>>)>,
    /// Links that cannot be captured on, and why.
    pub failed: Vec<String>,
}

impl Captures {
    /// On Ethernet links, of frames that fit a filter as pcap-filter(7) has it. Blocks for some milliseconds a link.
    pub fn begin(links: &[String], filter: &str) -> Self {
        let mut captures = Self { over: Arc::default(), running: Vec::new(), failed: Vec::new() };
        for link in links {
            match open(link, filter) {
                Ok(capture) => {
                    let (over, name) = (Arc::clone(&captures.over), link.clone());
                    let thread = thread::spawn(move || read(capture, &name, &over));
                    captures.running.push((link.clone(), thread));
                }
                Err(reason) => captures.failed.push(format!("{link}: {reason}")),
            }
        }
        captures
    }

    /// Their links.
    pub fn links(&self) -> impl Iterator<Item = &String> {
        self.running.iter().map(|(link, _)| link)
    }

    /// All that they saw. Blocks until the last frames are read.
    pub fn end(mut self) -> Vec<Frame> {
        self.over.store(true, Ordering::Relaxed);
        let running = std::mem::take(&mut self.running);
        running.into_iter().flat_map(|(_, thread)| thread.join().unwrap_or_default()).collect()
    }
}

impl Drop for Captures {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn open(link: &str, filter: &str) -> Result<Capture<Active>, String> {
    let capture = Capture::from_device(link)
        .map(|device| device.promisc(true).snaplen(LENGTH).buffer_size(BUFFER).immediate_mode(true))
        .and_then(Capture::open);
    // One that blocks waits for a frame, whatever its timeout says.
    let capture = capture.and_then(Capture::setnonblock);
    let mut capture = capture.map_err(|error| error.to_string())?;
    if capture.get_datalink() != Linktype::ETHERNET {
        return Err("it is not Ethernet".to_owned());
    }
    capture.filter(filter, true).map_err(|error| error.to_string())?;
    Ok(capture)
}

fn read(mut capture: Capture<Active>, link: &str, over: &AtomicBool) -> Vec<Frame> {
    let mut frames = Vec::new();
    while frames.len() < FRAMES {
        let last = over.load(Ordering::Relaxed);
        match capture.next_packet() {
            Ok(packet) => {
                let (seconds, micros) = (packet.header.ts.tv_sec, packet.header.ts.tv_usec);
                let at = Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
                    + Duration::from_micros(u64::try_from(micros).unwrap_or_default());
                frames.push(Frame { at, link: link.to_owned(), bytes: packet.data.to_vec() });
            }
            // What came before it was over has been read.
            Err(Error::TimeoutExpired) if last => break,
            Err(Error::TimeoutExpired) => wait(&capture),
            Err(_) => break,
        }
    }
    frames
}

/// Until there may be a frame to read, or it is time to look whether it is over.
fn wait(capture: &Capture<Active>) {
    // SAFETY: the descriptor is the capture's, which lives longer than this.
    let fd = unsafe { BorrowedFd::borrow_raw(capture.as_raw_fd()) };
    // Whatever it says, the capture is read again.
    let _ = poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::from(LOOK));
}
