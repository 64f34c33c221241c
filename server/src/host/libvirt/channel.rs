//! The guest agent's `<channel>` of a domain: found, plugged in and taken out.

use model::{channel, observed::AgentChannel};
use roxmltree::Node;

use super::{
    Libvirt,
    error::Error,
    read::xml,
    write::{CONFIG, LIVE, definitions, failed},
    xml::{XmlError, attribute, child, children, parse},
};

impl Libvirt {
    /// Gives a guest the channel, where it lacks it: in the running machine, in its persistent definition, or both (then both
    /// or neither).
    pub async fn attach_channel(&self, guest: &str, live: bool, config: bool) -> Result<(), Error> {
        let doing = format!("attach the agent's channel to guest {guest}");
        self.change(doing, guest, move |doing, domain| {
            let mut lacking = 0;
            for definition in definitions(live, config) {
                if extract(&xml(domain, doing, definition.xml)?).map_err(|error| Error::xml(doing, error))?.is_none() {
                    lacking |= definition.affect;
                }
            }
            if lacking != 0 {
                domain.attach_device_flags(channel::ELEMENT, lacking).map_err(|error| failed(doing, domain, &error))?;
            }
            Ok(())
        })
        .await
    }

    /// Takes the channel from a guest, where it has it, and waits until a running one has let go of it; the persistent
    /// definition is changed only then.
    pub async fn detach_channel(&self, guest: &str, live: bool, config: bool) -> Result<(), Error> {
        let doing = format!("detach the agent's channel from guest {guest}");
        // Before asking, or the answer could be missed.
        let removals = self.removals();
        let alias = self.take_out(&doing, guest, live, LIVE).await?;
        if live {
            let has = |domain: &model::observed::Domain| domain.agent != AgentChannel::Missing;
            self.await_release(&doing, guest, has, alias.as_deref(), removals).await?;
        }
        self.take_out(&doing, guest, config, CONFIG).await.map(drop)
    }

    /// From one definition, by its own text there: libvirt compares the socket's path too. Gives the device's alias.
    async fn take_out(&self, doing: &str, guest: &str, wanted: bool, affect: u32) -> Result<Option<String>, Error> {
        if !wanted {
            return Ok(None);
        }
        self.change(doing.to_owned(), guest, move |doing, domain| {
            let (live, config) = (affect == LIVE, affect == CONFIG);
            let mut alias = None;
            for definition in definitions(live, config) {
                let found = extract(&xml(domain, doing, definition.xml)?).map_err(|error| Error::xml(doing, error))?;
                if let Some(found) = found {
                    domain.detach_device_flags(&found.text, affect).map_err(|error| failed(doing, domain, &error))?;
                    alias = found.alias;
                }
            }
            Ok(alias)
        })
        .await
    }
}

/// The channel below a `<domain>`.
pub fn find<'a, 'input>(domain: Node<'a, 'input>) -> Option<Node<'a, 'input>> {
    let devices = child(domain, "devices")?;
    children(devices, "channel").find(|it| attribute(*it, "target", "name") == Some(channel::NAME))
}

/// Whether there is something that a channel can be plugged into.
pub fn has_controller(domain: Node<'_, '_>) -> bool {
    let serial = |controller: Node<'_, '_>| controller.attribute("type") == Some("virtio-serial");
    child(domain, "devices").is_some_and(|devices| children(devices, "controller").any(serial))
}

struct Found {
    text: String,
    /// libvirt's name of the device; live only.
    alias: Option<String>,
}

fn extract(domain: &str) -> Result<Option<Found>, XmlError> {
    let document = parse(domain)?;
    Ok(find(document.root_element()).and_then(|node| {
        let text = domain.get(node.range())?.to_owned();
        Some(Found { text, alias: attribute(node, "alias", "name").map(str::to_owned) })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agents_channel_is_found_among_others_with_its_alias() {
        let other = "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>";
        let own = "<channel type='unix'><source mode='bind' path='/run/a'/>\
                   <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/><alias name='channel1'/></channel>";
        let text = format!("<domain><devices>{other}{own}</devices></domain>");
        let found = extract(&text).expect("XML").expect("a channel");
        assert_eq!((found.text.as_str(), found.alias.as_deref()), (own, Some("channel1")));
        assert!(extract(&text.replace(own, "")).expect("XML").is_none());
    }

    #[test]
    fn what_libvirt_is_to_make_is_what_is_found() {
        let text = format!("<domain><devices>{}</devices></domain>", channel::ELEMENT);
        assert_eq!(extract(&text).expect("XML").map(|found| found.text).as_deref(), Some(channel::ELEMENT));
    }
}
