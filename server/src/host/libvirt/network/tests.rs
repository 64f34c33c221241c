use proptest::prelude::*;

use super::*;

const DEFAULT: &str = "<network connections='2'><name>default</name><uuid>u</uuid>\
  <forward mode='nat'><nat><port start='1024' end='65535'/></nat></forward><bridge name='virbr0' stp='on' delay='0'/>\
  <domain name='lab'/><ip address='192.168.122.1' netmask='255.255.255.0'><dhcp>\
  <range start='192.168.122.2' end='192.168.122.254'/>\
  <host mac='52:54:00:00:00:01' name='node1' ip='192.168.122.20'/></dhcp></ip>\
  <ip family='ipv6' address='fd00::1' prefix='64'/></network>";

#[test]
fn reads_a_network() {
    let network = read(Status { active: true, ..Status::default() }, DEFAULT).expect("a network");
    assert_eq!(network.bridge.as_deref(), Some("virbr0"));
    assert_eq!(network.forward.as_deref(), Some("nat"));
    assert_eq!(network.domain.as_deref(), Some("lab"));
    assert_eq!(network.subnets.len(), 2);
    assert_eq!(network.subnets[0].address.to_string(), "192.168.122.1/24");
    assert_eq!(network.subnets[0].ranges[0].end.to_string(), "192.168.122.254");
    assert_eq!(network.subnets[0].hosts[0].name.as_deref(), Some("node1"));
    assert_eq!(network.subnets[1].address.to_string(), "fd00::1/64");
}

#[test]
fn reads_whose_it_is_and_what_its_dnsmasq_is_told() {
    let told = |options: &str, mark: &str| {
        let xml = format!(
            "<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><name>a</name>\
             <metadata><x:served xmlns:x='{mark}'/></metadata>{options}</network>"
        );
        let network = read(Status::default(), &xml).expect("a network");
        (network.ours, network.options)
    };
    let options = "<dnsmasq:options><dnsmasq:option value='dhcp-option=3'/><dnsmasq:option/></dnsmasq:options>";
    assert_eq!(told(options, "https://bridgehead.dev/network/1"), (true, vec!["dhcp-option=3".to_owned()]));
    assert_eq!(told("<options><option value='a'/></options>", "https://example.org/1"), (false, Vec::new()));
    let many = format!("<dnsmasq:options>{}</dnsmasq:options>", "<dnsmasq:option value='a'/>".repeat(1000));
    assert_eq!(told(&many, "").1.len(), OPTIONS);
}

#[test]
fn an_isolated_network_forwards_nothing() {
    let network = read(Status::default(), "<network><name>a</name></network>").expect("a network");
    assert_eq!((network.forward, network.bridge), (None, None));
    let network = read(Status::default(), "<network><name>a</name><forward dev='eno1'/></network>").expect("a network");
    assert_eq!(network.forward.as_deref(), Some("nat"));
}

#[test]
fn a_prefix_may_follow_from_the_class() {
    let xml = "<network><name>a</name><ip address='10.1.2.3'/><ip address='bad'/></network>";
    let network = read(Status::default(), xml).expect("a network");
    assert_eq!(network.subnets.iter().map(|subnet| subnet.address.to_string()).collect::<Vec<_>>(), ["10.1.2.3/8"]);
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}", at in 0usize..600) {
        let at = at.min(DEFAULT.len());
        let _ = read(Status::default(), &text);
        let _ = read(Status::default(), &format!("{}{text}{}", &DEFAULT[..at], &DEFAULT[at..]));
    }
}
