//! A guest's serial console: bytes both ways, by libvirt's stream.
//!
//! Each console that is open has a connection of its own, so that it holds nobody up. What the guest writes is handed over
//! by the thread of libvirt's events; if nobody takes it in time, the console is closed rather than memory filled.

use std::{
    ffi::{c_int, c_void},
    time::Duration,
};

use tokio::sync::mpsc::{self, error::TrySendError};
use virt::error::ErrorNumber;
use virt_sys as sys;

use super::{Libvirt, blocking, connection::Connection, error::Error, read::lookup};

/// Opening, writing and closing are answered by libvirtd itself, at once.
const LIMIT: Duration = Duration::from_secs(10);
/// What is read at a time, in bytes, and how many such pieces may wait to be taken.
const PIECE: usize = 4096;
const PIECES: usize = 1024;

/// An open console. Dropped, it is closed.
pub struct Console {
    doing: String,
    heard: mpsc::Receiver<Vec<u8>>,
    stream: std::sync::Arc<Stream>,
}

impl Libvirt {
    /// Opens the first console of a running guest. Somebody else on it is [`Error::Busy`]. `uuid` says which guest is
    /// meant by the name; another one is [`Error::NotFound`].
    pub async fn open_console(&self, guest: &str, uuid: &str) -> Result<Console, Error> {
        let doing = format!("open the console of guest {guest}");
        let (inside, name, uuid, uri) = (doing.clone(), guest.to_owned(), uuid.to_owned(), self.inner.uri.clone());
        blocking(&doing, LIMIT, move || {
            let connection = Connection::open(uri.as_deref())?;
            let domain = lookup(&connection, &inside, &name)?;
            let refuse = |error: virt::error::Error| match error.code() {
                ErrorNumber::OperationInvalid if domain.is_active() == Ok(false) => {
                    Error::GuestOff { doing: inside.clone() }
                }
                // The code that libvirt has for this, and for nothing else that this call does.
                ErrorNumber::OperationFailed => Error::Busy {
                    doing: inside.clone(),
                    message: "the console is in use by somebody else (virsh console?)".to_owned(),
                },
                _ => Error::from_virt(&inside, &error),
            };
            if domain.get_uuid_string().map_err(refuse)? != uuid {
                let message = "another guest has this name now".to_owned();
                return Err(Error::NotFound { doing: inside.clone(), message });
            }
            let (speaker, heard) = mpsc::channel(PIECES);
            let stream = Stream::new(connection).map_err(refuse)?;
            // SAFETY: both pointers are valid for the call, which keeps none of them but the stream's, by a reference.
            let opened = unsafe {
                sys::virDomainOpenConsole(
                    domain.as_ptr(),
                    std::ptr::null(),
                    stream.pointer,
                    sys::VIR_DOMAIN_CONSOLE_SAFE,
                )
            };
            if opened < 0 {
                return Err(refuse(virt::error::Error::last_error()));
            }
            stream.listen(speaker).map_err(refuse)?;
            Ok(Console { doing: inside.clone(), heard, stream: std::sync::Arc::new(stream) })
        })
        .await
    }
}

impl Console {
    /// What the guest wrote next; `None` once the console is closed at the other end.
    pub async fn hear(&mut self) -> Option<Vec<u8>> {
        self.heard.recv().await
    }

    /// Types these bytes.
    pub async fn say(&self, bytes: &[u8]) -> Result<(), Error> {
        let (stream, doing, bytes) = (std::sync::Arc::clone(&self.stream), self.doing.clone(), bytes.to_vec());
        blocking(&self.doing, LIMIT, move || stream.send(&doing, &bytes)).await
    }

    pub async fn close(self) {
        let doing = self.doing.clone();
        let closed = blocking(&doing, LIMIT, move || {
            drop(self);
            Ok(())
        });
        if let Err(error) = closed.await {
            tracing::debug!(%error, "closing a console");
        }
    }
}

/// A stream of libvirt that never blocks, and the connection that it lives on.
struct Stream {
    pointer: sys::virStreamPtr,
    _connection: Connection,
}

// SAFETY: libvirt's objects have locks of their own and may be used by any thread.
unsafe impl Send for Stream {}
// SAFETY: as above.
unsafe impl Sync for Stream {}

impl Stream {
    fn new(connection: Connection) -> Result<Self, virt::error::Error> {
        // SAFETY: the connection is open; the stream holds a reference on it.
        let pointer = unsafe { sys::virStreamNew(connection.as_ptr(), sys::VIR_STREAM_NONBLOCK) };
        if pointer.is_null() {
            return Err(virt::error::Error::last_error());
        }
        Ok(Self { pointer, _connection: connection })
    }

    /// Hands what arrives to `speaker`, which is dropped at the stream's end.
    fn listen(&self, speaker: mpsc::Sender<Vec<u8>>) -> Result<(), virt::error::Error> {
        let events = sys::VIR_STREAM_EVENT_READABLE | sys::VIR_STREAM_EVENT_ERROR | sys::VIR_STREAM_EVENT_HANGUP;
        let opaque: *mut Option<mpsc::Sender<Vec<u8>>> = Box::into_raw(Box::new(Some(speaker)));
        // SAFETY: libvirt gives `opaque` to `arrived` alone, one call at a time, and at last to `forget`.
        let added = unsafe {
            sys::virStreamEventAddCallback(self.pointer, events as c_int, Some(arrived), opaque.cast(), Some(forget))
        };
        if added < 0 {
            let error = virt::error::Error::last_error();
            // SAFETY: it was not taken, and comes from `Box::into_raw` above.
            drop(unsafe { Box::from_raw(opaque) });
            return Err(error);
        }
        Ok(())
    }

    fn send(&self, doing: &str, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            // SAFETY: the buffer is valid for its length and only read.
            let sent = unsafe { sys::virStreamSend(self.pointer, bytes.as_ptr().cast(), bytes.len()) };
            match usize::try_from(sent) {
                Ok(sent) if sent > 0 => bytes = bytes.get(sent..).unwrap_or_default(),
                _ if sent == -1 => return Err(Error::from_virt(doing, &virt::error::Error::last_error())),
                _ => {
                    let message = "it takes no more input".to_owned();
                    return Err(Error::Busy { doing: doing.to_owned(), message });
                }
            }
        }
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the stream is valid until it is freed here, last of all; what was never added or opened is an error
        // that changes nothing.
        unsafe {
            sys::virStreamEventRemoveCallback(self.pointer);
            sys::virStreamAbort(self.pointer);
            sys::virStreamFree(self.pointer);
        }
    }
}

/// On the thread of libvirt's events.
unsafe extern "C" fn arrived(stream: sys::virStreamPtr, _events: c_int, opaque: *mut c_void) {
    // SAFETY: it is what `listen` gave, and nobody else uses it meanwhile.
    let speaker = unsafe { &mut *opaque.cast::<Option<mpsc::Sender<Vec<u8>>>>() };
    let mut buffer = [0_u8; PIECE];
    loop {
        // SAFETY: the buffer is valid for its length.
        let read = unsafe { sys::virStreamRecv(stream, buffer.as_mut_ptr().cast(), buffer.len()) };
        let piece = usize::try_from(read).ok().and_then(|length| buffer.get(..length));
        let taken = match (piece, &*speaker) {
            (Some(piece), Some(speaker)) if !piece.is_empty() => speaker.try_send(piece.to_vec()),
            // Nothing for now; so it is said of a stream that would block.
            _ if read == -2 => return,
            // The end, an error, or nobody listens.
            _ => Err(TrySendError::Closed(Vec::new())),
        };
        if taken.is_err() {
            *speaker = None;
            // SAFETY: the stream is valid, and may be changed within its callback.
            unsafe { sys::virStreamEventUpdateCallback(stream, 0) };
            return;
        }
    }
}

unsafe extern "C" fn forget(opaque: *mut c_void) {
    // SAFETY: it comes from `Box::into_raw` in `listen`, and libvirt calls this once.
    drop(unsafe { Box::from_raw(opaque.cast::<Option<mpsc::Sender<Vec<u8>>>>()) });
}
