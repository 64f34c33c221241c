//! What can go wrong between us and libvirt, in the kinds that a caller can act on.

use virt::error::{ErrorDomain, ErrorNumber};

use super::xml::{XmlError, clean};

/// The longest message of libvirt's that is passed on, in characters.
const MESSAGE: usize = 512;

/// `doing` says what was being done to what, e.g. `attach a NIC to guest node1`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The guest, network or NIC is not there (any more).
    #[error("cannot {doing}: {message}")]
    NotFound { doing: String, message: String },
    /// The NIC is there already.
    #[error("cannot {doing}: it has one of this MAC already")]
    Exists { doing: String },
    /// libvirt cannot be reached, or the connection broke.
    #[error("cannot {doing}: no connection to libvirt ({message}); see whether libvirtd is running")]
    NoConnection { doing: String, message: String },
    #[error(
        "cannot {doing}: it has no free PCI slot; unplug a device, or add <controller type='pci' \
         model='pcie-root-port'/> to its definition (virsh edit), which takes effect when it is next started"
    )]
    OutOfSlots { doing: String },
    /// Somebody else has it locked, or the guest does not let go of a device.
    #[error("cannot {doing}: {message}")]
    Busy { doing: String, message: String },
    #[error("cannot {doing}: the guest is off; start it first")]
    GuestOff { doing: String },
    /// libvirt said no, in its own words.
    #[error("cannot {doing}: libvirt refuses: {message}")]
    Refused { doing: String, message: String },
    #[error("cannot {doing}: no answer within {seconds} s")]
    Timeout { doing: String, seconds: u64 },
    /// The guest's agent does not answer, or nobody listens on its channel.
    #[error("cannot {doing}: the guest agent does not answer ({message})")]
    AgentSilent { doing: String, message: String },
    #[error("cannot {doing}: the XML is of no use")]
    Xml {
        doing: String,
        #[source]
        source: XmlError,
    },
}

impl Error {
    /// libvirt's own error, sorted by what a caller can do about it.
    pub(super) fn from_virt(doing: &str, error: &virt::error::Error) -> Self {
        let doing = doing.to_owned();
        let message = words(error.message());
        match error.code() {
            ErrorNumber::NoDomain | ErrorNumber::NoNetwork | ErrorNumber::DeviceMissing => {
                Self::NotFound { doing, message }
            }
            ErrorNumber::OperationTimeout | ErrorNumber::ResourceBusy => Self::Busy { doing, message },
            ErrorNumber::AgentUnresponsive | ErrorNumber::AgentCommandTimeout | ErrorNumber::AgentUnsynced => {
                Self::AgentSilent { doing, message }
            }
            ErrorNumber::NoConnect | ErrorNumber::InvalidConn | ErrorNumber::AuthFailed => {
                Self::NoConnection { doing, message }
            }
            _ if matches!(error.domain(), ErrorDomain::Rpc | ErrorDomain::Remote) => {
                Self::NoConnection { doing, message }
            }
            _ => Self::Refused { doing, message },
        }
    }

    pub(super) fn xml(doing: &str, source: XmlError) -> Self {
        Self::Xml { doing: doing.to_owned(), source }
    }
}

/// libvirt may quote what a guest's agent said, at length.
fn words(message: &str) -> String {
    clean(&message.replace('\n', " "), MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bounded_and_clean() {
        let told = words(&format!("cannot parse json\n\u{1b}[2J{}", "x".repeat(9999)));
        assert!(told.starts_with("cannot parse json [2Jx") && told.len() == MESSAGE, "{told}");
    }
}
