use proptest::prelude::*;

use super::*;

const DOMAIN: &str = r#"<domain type='kvm' id='3'>
  <name>node1</name>
  <devices>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <source network='default' portid='5a0d' bridge='virbr0'/>
      <target dev='vnet0'/>
      <model type='virtio'/>
      <driver name='vhost' queues='4'/>
      <alias name='net0'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
    <interface type='bridge'>
      <mac address='52:54:00:00:00:02'/>
      <source bridge='mybr0'/>
      <link state='down'/>
      <mtu size='1400'/>
    </interface>
    <interface type='user'>
      <mac address='52:54:00:00:00:03'/>
    </interface>
  </devices>
</domain>"#;

fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, last])
}

fn bridge(name: &str) -> Attachment {
    Attachment::Bridge { bridge: name.to_owned() }
}

fn definition(mac: Mac, attachment: Attachment) -> NicDefinition {
    NicDefinition { mac, attachment, model: Some("virtio".to_owned()), link_up: true, mtu: None }
}

fn read_all(text: &str) -> Vec<Interface> {
    interfaces(parse(text).expect("XML").root_element())
}

#[test]
fn reads_interfaces() {
    let found = read_all(DOMAIN);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].attachment, Attachment::Network { network: "default".to_owned() });
    assert_eq!((found[0].tap.as_deref(), found[0].alias.as_deref()), (Some("vnet0"), Some("net0")));
    assert!(found[0].link_up && !found[1].link_up);
    assert_eq!(found[1].mtu, Some(1400));
    assert_eq!(found[2].attachment, Attachment::Other { kind: "user".to_owned() });
}

#[test]
fn builds_an_interface() {
    let mut nic = definition(mac(9), bridge("mybr0"));
    let text = build(&nic).expect("XML");
    assert_eq!(
        text,
        "<interface type=\"bridge\"><mac address=\"52:54:00:00:00:09\"/><source bridge=\"mybr0\"/>\
         <model type=\"virtio\"/></interface>"
    );
    nic.link_up = false;
    nic.mtu = Some(9000);
    let text = build(&nic).expect("XML");
    assert!(text.ends_with("<mtu size=\"9000\"/><link state=\"down\"/></interface>"), "{text}");
}

#[test]
fn refuses_kinds_that_are_not_ours() {
    let nic = definition(mac(9), Attachment::Other { kind: "vhostuser".to_owned() });
    assert_eq!(build(&nic), Err(XmlError::Kind("vhostuser".to_owned())));
}

#[test]
fn moves_and_keeps_the_rest() {
    let edit = edit(DOMAIN, &definition(mac(1), bridge("mybr0"))).expect("XML").expect("the NIC");
    assert_eq!(
        edit.after,
        edit.before
            .replace("type='network'", "type='bridge'")
            .replace("<source network='default' portid='5a0d' bridge='virbr0'/>", "<source bridge=\"mybr0\"/>")
    );
    assert!(edit.after.contains("<driver name='vhost' queues='4'/>"));
}

#[test]
fn puts_a_cable_in_and_out() {
    let mut nic = definition(mac(1), Attachment::Network { network: "default".to_owned() });
    nic.link_up = false;
    let out = edit(DOMAIN, &nic).expect("XML").expect("the NIC");
    assert!(out.after.contains("<mac address='52:54:00:00:00:01'/><link state=\"down\"/>"), "{}", out.after);
    assert!(out.after.contains("portid='5a0d'"), "a source that stays is left as it was");
    let mut nic = definition(mac(2), bridge("mybr0"));
    nic.mtu = Some(1400);
    let back = edit(DOMAIN, &nic).expect("XML").expect("the NIC");
    assert!(!back.after.contains("<link") && back.after.contains("<mtu size='1400'/>"), "{}", back.after);
}

#[test]
fn joins_by_mac_and_in_order() {
    let live = read_all(DOMAIN);
    let mut config = live.clone();
    config[0].attachment = bridge("other");
    config.remove(1);
    config.push(Interface { mac: mac(7), ..live[1].clone() });
    let nics = join(live, config);
    assert_eq!(nics.iter().map(|nic| nic.mac).collect::<Vec<_>>(), [mac(1), mac(2), mac(3), mac(7)]);
    assert_eq!(nics[0].config, Some(bridge("other")));
    assert!(nics[1].config.is_none() && nics[3].live.is_none());
}

#[test]
fn a_missing_nic_is_none() {
    assert!(edit(DOMAIN, &definition(mac(8), bridge("b"))).expect("XML").is_none());
    assert!(extract(DOMAIN, mac(8)).expect("XML").is_none());
    assert_eq!(alias(DOMAIN, mac(1)).expect("XML"), Some(Some("net0".to_owned())));
}

proptest! {
    #[test]
    fn hostile_names_come_back_or_are_refused(name in "\\PC{0,40}", model in proptest::option::of(".{0,10}")) {
        let mut nic = definition(mac(1), bridge(&name));
        nic.model = model;
        if let Ok(text) = build(&nic) {
            let document = parse(&text).expect("what we write is XML");
            prop_assert_eq!(attribute(document.root_element(), "source", "bridge"), Some(name.as_str()));
        }
        if let Ok(Some(edit)) = edit(DOMAIN, &nic) {
            let document = parse(&edit.after).expect("what we write is XML");
            prop_assert_eq!(attribute(document.root_element(), "source", "bridge"), Some(name.as_str()));
        }
    }

    #[test]
    fn an_edited_nic_reads_as_wanted(up: bool, mtu in proptest::option::of(68u32..65536), which in 1u8..4) {
        let nic = NicDefinition { mtu, link_up: up, ..definition(mac(which), bridge("br7")) };
        let edit = edit(DOMAIN, &nic);
        let after = edit.expect("XML").expect("the NIC").after;
        let found = read(parse(&after).expect("XML").root_element());
        // A kind without a source has no place where ours could go in: it is refused elsewhere.
        if which < 3 {
            let found = found.expect("an interface");
            prop_assert_eq!((found.attachment, found.link_up, found.mtu), (bridge("br7"), up, mtu));
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,200}", cut in 0usize..1200) {
        let cut = (0..=cut.min(DOMAIN.len())).rev().find(|at| DOMAIN.is_char_boundary(*at)).unwrap_or(0);
        for text in [text.clone(), format!("{}{text}{}", &DOMAIN[..cut], &DOMAIN[cut..])] {
            let _ = edit(&text, &definition(mac(1), bridge("b")));
            let _ = extract(&text, mac(1));
            if let Ok(document) = parse(&text) {
                let _ = interfaces(document.root_element());
            }
        }
    }
}
