//! Changes to domains: plugging NICs in, moving them, taking them out; our marks.

use std::time::Duration;

use model::{Mac, observed::Marks, step::NicDefinition};
use tokio::{sync::broadcast, time::Instant};
use virt::{connect::Connect, domain::Domain, error::ErrorNumber, network::Network};
use virt_sys as sys;

use super::{
    Libvirt, domain,
    error::Error,
    events::{LibvirtEvent, Removal},
    marks, nic,
    read::{lookup, xml},
};

/// libvirt waits for a lock on a domain for 30 s before it gives up.
pub(super) const LIMIT: Duration = Duration::from_secs(45);
/// How long a guest may take to let go of a device. PCI Express's own hot-plug blinks for 5 s first.
const RELEASE: Duration = Duration::from_secs(20);

pub(super) const LIVE: u32 = sys::VIR_DOMAIN_AFFECT_LIVE;
pub(super) const CONFIG: u32 = sys::VIR_DOMAIN_AFFECT_CONFIG;

impl Libvirt {
    /// Plugs a new NIC in: in the running guest, in its persistent definition, or both (then both or neither).
    pub async fn attach_nic(&self, guest: &str, nic: &NicDefinition, live: bool, config: bool) -> Result<(), Error> {
        let doing = format!("attach NIC {} to guest {guest}", nic.mac);
        let text = nic::build(nic).map_err(|error| Error::xml(&doing, error))?;
        let mac = nic.mac;
        self.change(doing, guest, move |doing, domain| {
            for flags in definitions(live, config) {
                if nic::extract(&xml(domain, doing, flags.xml)?, mac)
                    .map_err(|error| Error::xml(doing, error))?
                    .is_some()
                {
                    return Err(Error::Exists { doing: doing.to_owned() });
                }
            }
            domain.attach_device_flags(&text, impact(live, config)).map_err(|error| {
                // libvirt has no code of its own for this: an internal error, and a machine that has no slot left.
                if live && error.code() == ErrorNumber::InternalError && is_full(domain, doing) {
                    return Error::OutOfSlots { doing: doing.to_owned() };
                }
                failed(doing, domain, &error)
            })?;
            Ok(())
        })
        .await
    }

    /// Unplugs a NIC. A running guest is asked to let go of it, and this waits until it has; the persistent definition
    /// is changed only then.
    pub async fn detach_nic(&self, guest: &str, nic: &NicDefinition, live: bool, config: bool) -> Result<(), Error> {
        let doing = format!("detach NIC {} from guest {guest}", nic.mac);
        let mac = nic.mac;
        // Before asking, or the answer could be missed.
        let removals = self.removals();
        let alias = self
            .change(doing.clone(), guest, move |doing, domain| {
                if config {
                    present(domain, doing, mac, sys::VIR_DOMAIN_XML_INACTIVE)?;
                }
                if !live {
                    return Ok(None);
                }
                let definition = xml(domain, doing, 0)?;
                let alias = nic::alias(&definition, mac).map_err(|error| Error::xml(doing, error))?.flatten();
                let text = present(domain, doing, mac, 0)?;
                domain.detach_device_flags(&text, LIVE).map_err(|error| failed(doing, domain, &error))?;
                Ok(alias)
            })
            .await?;
        if live {
            let has =
                |domain: &model::observed::Domain| domain.nics.iter().any(|nic| nic.mac == mac && nic.live.is_some());
            self.await_release(&doing, guest, has, alias.as_deref(), removals).await?;
        }
        if config {
            self.change(doing, guest, move |doing, domain| {
                let text = present(domain, doing, mac, sys::VIR_DOMAIN_XML_INACTIVE)?;
                domain.detach_device_flags(&text, CONFIG).map_err(|error| failed(doing, domain, &error))?;
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Moves a NIC to another bridge or network, or its cable in or out, without unplugging it. What else the
    /// definition says of it stays. If the persistent definition refuses, the running guest is put back.
    pub async fn update_nic(&self, guest: &str, nic: &NicDefinition, live: bool, config: bool) -> Result<(), Error> {
        let doing = format!("move NIC {} of guest {guest}", nic.mac);
        let nic = nic.clone();
        self.change(doing, guest, move |doing, domain| {
            let mut edits = Vec::new();
            for flags in definitions(live, config) {
                let edit = nic::edit(&xml(domain, doing, flags.xml)?, &nic);
                let edit = edit.map_err(|error| Error::xml(doing, error))?.ok_or_else(|| missing(doing, nic.mac))?;
                edits.push((flags, edit));
            }
            let mut done: Vec<(Definition, String)> = Vec::new();
            for (flags, edit) in edits {
                if let Err(error) = domain.update_device_flags(&edit.after, flags.affect) {
                    for (flags, before) in done {
                        if let Err(error) = domain.update_device_flags(&before, flags.affect) {
                            tracing::error!(doing, %error, "putting the running guest back");
                        }
                    }
                    return Err(failed(doing, domain, &error));
                }
                done.push((flags, edit.before));
            }
            Ok(())
        })
        .await
    }

    /// Writes our marks to the domain's metadata, live and persistent; removes them if there are none.
    pub async fn set_marks(&self, guest: &str, marks: &Marks) -> Result<(), Error> {
        let doing = format!("note in the metadata of guest {guest} what is ours");
        let text = marks::build(marks).map_err(|error| Error::xml(&doing, error))?;
        self.change(doing, guest, move |doing, domain| {
            let ask = |answer: Result<bool, virt::error::Error>| answer.map_err(|error| failed(doing, domain, &error));
            let flags = impact(ask(domain.is_active())?, ask(domain.is_persistent())?);
            let kind = sys::VIR_DOMAIN_METADATA_ELEMENT as i32;
            match domain.set_metadata(kind, text.as_deref(), Some(marks::PREFIX), Some(marks::NAMESPACE), flags) {
                Ok(_) => Ok(()),
                // There was none to remove.
                Err(error) if text.is_none() && error.code() == ErrorNumber::NoDomainMetadata => Ok(()),
                Err(error) => Err(failed(doing, domain, &error)),
            }
        })
        .await
    }

    /// Whether the guest starts with the host.
    pub async fn set_guest_autostart(&self, guest: &str, on: bool) -> Result<(), Error> {
        let doing = format!("set whether guest {guest} starts with the host");
        self.change(doing, guest, move |doing, domain| {
            domain.set_autostart(on).map(drop).map_err(|error| failed(doing, domain, &error))
        })
        .await
    }

    /// Whether the network starts with the host.
    pub async fn set_network_autostart(&self, network: &str, on: bool) -> Result<(), Error> {
        let doing = format!("set whether network {network} starts with the host");
        let (inside, name) = (doing.clone(), network.to_owned());
        let outcome = self
            .call(doing, LIMIT, move |connect: &Connect| {
                let refuse = |error: virt::error::Error| Error::from_virt(&inside, &error);
                let network = Network::lookup_by_name(connect, &name).map_err(refuse)?;
                network.set_autostart(on).map(drop).map_err(refuse)
            })
            .await;
        self.announce(&LibvirtEvent::Network(network.to_owned()));
        outcome
    }

    /// Runs a change on one domain, then says that it changed: libvirt has no event for an updated device or for the
    /// persistent definition's devices.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        doing: String,
        guest: &str,
        change: impl FnOnce(&str, &Domain) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let name = guest.to_owned();
        let inside = doing.clone();
        let outcome = self
            .call(doing, LIMIT, move |connect: &Connect| {
                let domain = lookup(connect, &inside, &name)?;
                change(&inside, &domain)
            })
            .await;
        self.announce(&LibvirtEvent::Domain(guest.to_owned()));
        outcome
    }

    /// Waits until the running guest no longer has a device, known by its alias.
    pub(super) async fn await_release(
        &self,
        doing: &str,
        guest: &str,
        has: impl Fn(&model::observed::Domain) -> bool,
        alias: Option<&str>,
        mut removals: broadcast::Receiver<Removal>,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + RELEASE;
        loop {
            if !self.read_domain(guest).await?.is_some_and(|domain| has(&domain)) {
                return Ok(());
            }
            let busy = |message: String| Error::Busy { doing: doing.to_owned(), message };
            let ours = |removal: &Removal| removal.domain == guest && Some(removal.alias.as_str()) == alias;
            loop {
                match tokio::time::timeout_at(deadline, removals.recv()).await {
                    Ok(Ok(removal)) if ours(&removal) && removal.done => break,
                    Ok(Ok(removal)) if ours(&removal) => {
                        return Err(busy("the guest refused to let go of it".to_owned()));
                    }
                    Ok(Ok(_)) => {}
                    Ok(Err(broadcast::error::RecvError::Lagged(_))) => break,
                    Ok(Err(broadcast::error::RecvError::Closed)) | Err(_) => {
                        return Err(busy(format!(
                            "the guest was asked to let go of it and did not within {} s; is its system up? It may \
                             still do so; else shut the guest down",
                            RELEASE.as_secs()
                        )));
                    }
                }
            }
        }
    }
}

/// Which definition: how to read it, how to change it.
#[derive(Clone, Copy)]
pub(super) struct Definition {
    pub xml: u32,
    pub affect: u32,
}

pub(super) fn definitions(live: bool, config: bool) -> impl Iterator<Item = Definition> {
    let live = live.then_some(Definition { xml: 0, affect: LIVE });
    let config = config.then_some(Definition { xml: sys::VIR_DOMAIN_XML_INACTIVE, affect: CONFIG });
    live.into_iter().chain(config)
}

fn impact(live: bool, config: bool) -> u32 {
    definitions(live, config).fold(0, |flags, definition| flags | definition.affect)
}

fn present(domain: &Domain, doing: &str, mac: Mac, flags: u32) -> Result<String, Error> {
    nic::extract(&xml(domain, doing, flags)?, mac)
        .map_err(|error| Error::xml(doing, error))?
        .ok_or_else(|| missing(doing, mac))
}

fn missing(doing: &str, mac: Mac) -> Error {
    Error::NotFound { doing: doing.to_owned(), message: format!("it has no NIC {mac}") }
}

fn is_full(found: &Domain, doing: &str) -> bool {
    let status = domain::Status {
        state: model::observed::DomainState::Running,
        active: true,
        persistent: false,
        autostart: false,
    };
    let read = xml(found, doing, 0).ok().and_then(|live| domain::read(status, Some(&live), None).ok());
    read.is_some_and(|domain| domain.free_slots == Some(0))
}

/// `OPERATION_INVALID` is said of a guest that is off, among other things.
pub(super) fn failed(doing: &str, domain: &Domain, error: &virt::error::Error) -> Error {
    if error.code() == ErrorNumber::OperationInvalid && domain.is_active() == Ok(false) {
        return Error::GuestOff { doing: doing.to_owned() };
    }
    Error::from_virt(doing, error)
}
