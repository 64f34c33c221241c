use model::{
    Mac, RpFilter,
    observed::{Attachment, ChannelMark, Marks, NicMark},
    wire::Sealed,
};
use proptest::prelude::*;

use super::*;

const RUNNING: Status = Status { state: DomainState::Running, active: true, persistent: true, autostart: false };

fn q35(ports: u32, devices: &str, channel: &str, metadata: &str) -> String {
    let ports: String = (1..=ports)
        .map(|port| {
            format!(
                "<controller type='pci' index='{port}' model='pcie-root-port'><target chassis='{port}'/>\
                 <address type='pci' bus='0x00' slot='0x02' function='0x{port:x}'/></controller>"
            )
        })
        .collect();
    format!(
        "<domain type='qemu'><name>node1</name><uuid>u</uuid><title>A &lt;node&gt;</title>\
         <metadata><other:x xmlns:other='https://example.org'/>{metadata}</metadata><devices>\
         <controller type='pci' index='0' model='pcie-root'/>{ports}{devices}{channel}</devices></domain>"
    )
}

const NIC: &str = "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='mybr0'/>\
                   <address type='pci' bus='0x01' slot='0x00'/></interface>";
const CHANNEL: &str = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>\
                       <address type='virtio-serial' controller='0' bus='0' port='1'/></channel>";

#[test]
fn joins_both_definitions() {
    let live = q35(4, NIC, CHANNEL, "");
    let config = q35(4, "", "", "");
    let domain = read(RUNNING, Some(&live), Some(&config)).expect("a domain");
    assert_eq!((domain.name.as_str(), domain.title.as_deref()), ("node1", Some("A <node>")));
    assert_eq!(domain.agent, AgentChannel::Connected);
    assert!(!domain.agent_config && !domain.virtio_serial);
    assert_eq!(domain.free_slots, Some(3));
    assert_eq!(domain.nics[0].live, Some(Attachment::Bridge { bridge: "mybr0".to_owned() }));
    assert_eq!(domain.nics[0].config, None);
}

#[test]
fn a_domain_that_is_off_has_no_connected_agent() {
    let off = Status { state: DomainState::Off, active: false, ..RUNNING };
    let domain = read(off, None, Some(&q35(1, NIC, CHANNEL, ""))).expect("a domain");
    assert_eq!(domain.agent, AgentChannel::Disconnected);
    assert_eq!(domain.free_slots, Some(0));
    assert!(domain.nics[0].live.is_none() && domain.nics[0].config.is_some());
    let domain = read(off, None, Some(&q35(0, "", "", ""))).expect("a domain");
    assert_eq!(domain.agent, AgentChannel::Missing);
}

#[test]
fn the_channel_of_either_definition_is_known_and_whether_one_could_be_plugged_in() {
    let serial = "<controller type='virtio-serial' index='0'/>";
    let (without, with) = (q35(1, serial, "", ""), q35(1, serial, CHANNEL, ""));
    let domain = read(RUNNING, Some(&without), Some(&with)).expect("a domain");
    assert_eq!(domain.agent, AgentChannel::Missing);
    assert!(domain.agent_config && domain.virtio_serial);
}

#[test]
fn machines_without_pci_express_have_no_such_limit() {
    let xml = "<domain><name>old</name><devices><controller type='pci' index='0' model='pci-root'/></devices></domain>";
    assert_eq!(read(RUNNING, Some(xml), None).expect("a domain").free_slots, None);
}

#[test]
fn ports_that_cannot_be_plugged_into_are_not_free() {
    let port = "<controller type='pci' index='9' model='pcie-root-port'><target hotplug='off'/></controller>";
    assert_eq!(read(RUNNING, Some(&q35(2, port, "", "")), None).expect("a domain").free_slots, Some(2));
}

#[test]
fn marks_come_back() {
    let marks = Marks {
        nics: [(
            Mac([0x52, 0x54, 0, 0, 0, 1]),
            NicMark::Found {
                attachment: Attachment::Network { network: "a<b>&'\"".to_owned() },
                model: None,
                link_up: true,
                mtu: None,
                addresses: Vec::new(),
            },
        )]
        .into(),
        routes: Vec::new(),
        mtus: [(Mac([0x52, 0x54, 0, 0, 0, 1]), 1400)].into(),
        rp_filters: [(Mac([0x52, 0x54, 0, 0, 0, 1]), RpFilter::Loose)].into(),
        dhcp: [Mac([0x52, 0x54, 0, 0, 0, 1])].into(),
        accept_ra: [(Mac([0x52, 0x54, 0, 0, 0, 1]), 0)].into(),
        ip_forward: Some(false),
        autostart: Some(false),
        channel: Some(ChannelMark::Made),
        dns: Some(vec!["10.0.0.9".parse().expect("an address")]),
        hostname: None,
        files: true,
    };
    // libvirt puts our prefix and namespace on the element that it was given.
    let text = marks::build(&marks)
        .expect("XML")
        .expect("an element")
        .replace("<marks>", &format!("<bridgehead:marks xmlns:bridgehead='{}'>", marks::NAMESPACE));
    let text = text.replace("</marks>", "</bridgehead:marks>");
    assert_eq!(read(RUNNING, Some(&q35(0, "", "", &text)), None).expect("a domain").marks, Sealed::of(&marks));
    assert_eq!(marks::build(&Marks::default()), Ok(None));
}

#[test]
fn foreign_metadata_is_no_mark() {
    let text = format!("<b:marks xmlns:b='{}'>rubbish</b:marks>", marks::NAMESPACE);
    assert!(read(RUNNING, Some(&q35(0, "", "", &text)), None).expect("a domain").marks.is_empty());
}

#[test]
fn control_characters_do_not_get_through() {
    let xml = "<domain><name>a&#9;b</name><title>x\u{202e}y</title></domain>";
    let domain = read(RUNNING, Some(xml), None).expect("a domain");
    assert_eq!((domain.name.as_str(), domain.title.as_deref()), ("ab", Some("xy")));
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,300}", at in 0usize..2000) {
        let whole = q35(3, NIC, CHANNEL, "<m xmlns='https://bridgehead.dev/domain/1'>{}</m>");
        let at = at.min(whole.len());
        prop_assume!(whole.is_char_boundary(at));
        let _ = read(RUNNING, Some(&text), None);
        let _ = read(RUNNING, Some(&format!("{}{text}{}", &whole[..at], &whole[at..])), Some(&whole));
    }
}
