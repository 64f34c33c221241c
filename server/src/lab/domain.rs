//! A guest's domain XML.

use std::{io, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use model::mac::Mac;
use quick_xml::{Writer, events::BytesText};

use super::{accelerator::Accelerator, console, image::Image, spec::Guest};

/// Sockets for NICs plugged in later. Two more are taken by the first NIC and the serial ports, one by a disk.
const SPARE: usize = 6;

/// The first NIC of each guest, stable over all labs.
pub fn mac(index: usize) -> Mac {
    let offset = 0x10 + index;
    Mac([0x52, 0x54, 0x00, 0x12, 0x22 + (offset >> 8) as u8, offset as u8])
}

/// With a disk, the guest's system is on it; one that has SSH lets the owner of this public key in.
pub fn xml(guest: &Guest, index: usize, image: &Image, disk: Option<&Path>, key: &str) -> io::Result<String> {
    let name: &str = &guest.name;
    let mut command_line = if disk.is_some() { image.command_line_for_disk(name) } else { image.command_line(name) };
    if guest.system.has_ssh() {
        command_line += &format!(" bridgehead.ssh={}", STANDARD.encode(key));
    }
    let kind = match image.accelerator {
        Accelerator::Kvm => "kvm",
        Accelerator::Emulation => "qemu",
    };
    let mut writer = Writer::new(Vec::new());
    writer.create_element("domain").with_attribute(("type", kind)).write_inner_content(|w| {
        text(w, "name", name)?;
        let memory = guest.system.memory().to_string();
        w.create_element("memory").with_attribute(("unit", "MiB")).write_text_content(BytesText::new(&memory))?;
        text(w, "vcpu", "1")?;
        w.create_element("os").write_inner_content(|w| {
            w.create_element("type")
                .with_attributes([("arch", "x86_64"), ("machine", "q35")])
                .write_text_content(BytesText::new("hvm"))?;
            text(w, "kernel", &image.kernel.to_string_lossy())?;
            text(w, "initrd", &image.initramfs.to_string_lossy())?;
            text(w, "cmdline", &command_line)?;
            Ok(())
        })?;
        w.create_element("features").write_inner_content(|w| w.create_element("acpi").write_empty().map(drop))?;
        text(w, "on_reboot", "restart")?;
        w.create_element("devices").write_inner_content(|w| devices(w, name, index, disk))?;
        Ok(())
    })?;
    String::from_utf8(writer.into_inner()).map_err(io::Error::other)
}

fn devices(w: &mut Writer<Vec<u8>>, name: &str, index: usize, disk: Option<&Path>) -> io::Result<()> {
    let controller = |w: &mut Writer<Vec<u8>>, index: usize, model: &str| {
        w.create_element("controller")
            .with_attributes([("type", "pci"), ("index", index.to_string().as_str()), ("model", model)])
            .write_empty()
            .map(drop)
    };
    controller(w, 0, "pcie-root")?;
    for port in 1..=SPARE + 2 + usize::from(disk.is_some()) {
        controller(w, port, "pcie-root-port")?;
    }
    for (kind, model) in [("usb", "none"), ("virtio-serial", "virtio")] {
        w.create_element("controller").with_attributes([("type", kind), ("model", model)]).write_empty()?;
    }
    if let Some(disk) = disk {
        w.create_element("disk").with_attributes([("type", "file"), ("device", "disk")]).write_inner_content(|w| {
            // What a killed lab leaves of it is what a power cut would.
            w.create_element("driver")
                .with_attributes([("name", "qemu"), ("type", "qcow2"), ("cache", "unsafe")])
                .write_empty()?;
            w.create_element("source").with_attribute(("file", &*disk.to_string_lossy())).write_empty()?;
            w.create_element("target").with_attributes([("dev", "vda"), ("bus", "virtio")]).write_empty().map(drop)
        })?;
    }
    w.create_element("interface").with_attribute(("type", "network")).write_inner_content(|w| {
        w.create_element("mac").with_attribute(("address", mac(index).to_string().as_str())).write_empty()?;
        w.create_element("source").with_attribute(("network", "default")).write_empty()?;
        w.create_element("model").with_attribute(("type", "virtio")).write_empty()?;
        // The first port, where libvirt would put it too: systemd calls it enp1s0, and the systems on disks rely on it.
        w.create_element("address")
            .with_attributes([("type", "pci"), ("domain", "0"), ("bus", "1"), ("slot", "0"), ("function", "0")])
            .write_empty()
            .map(drop)
    })?;
    w.create_element("serial").with_attribute(("type", "pty")).write_inner_content(|w| {
        let log = console::log(name);
        w.create_element("log").with_attributes([("file", log.as_str()), ("append", "off")]).write_empty().map(drop)
    })?;
    w.create_element("channel").with_attribute(("type", "unix")).write_inner_content(|w| {
        w.create_element("target")
            .with_attributes([("type", "virtio"), ("name", "org.qemu.guest_agent.0")])
            .write_empty()
            .map(drop)
    })?;
    w.create_element("memballoon").with_attribute(("model", "none")).write_empty().map(drop)
}

fn text(w: &mut Writer<Vec<u8>>, element: &str, text: &str) -> io::Result<()> {
    w.create_element(element).write_text_content(BytesText::new(text)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        Image {
            kernel: "/a/<b>&'\"/vmlinuz".into(),
            initramfs: "/a/initramfs".into(),
            accelerator: Accelerator::Emulation,
        }
    }

    fn guest(text: &str) -> Guest {
        text.parse().expect("a guest")
    }

    #[test]
    fn a_system_on_a_disk_is_told_where() {
        let text = xml(&guest("node1=netplan"), 1, &image(), Some(Path::new("/a/<b>.qcow2")), "").expect("XML");
        let document = roxmltree::Document::parse(&text).expect("well-formed");
        let find =
            |name: &'static str| document.descendants().find(|node| node.has_tag_name(name)).expect("an element");
        let source = find("disk").children().find(|node| node.has_tag_name("source")).expect("a source");
        assert_eq!(source.attribute("file"), Some("/a/<b>.qcow2"));
        assert_eq!(find("memory").text(), Some("320"));
        let line = find("cmdline").text().expect("a command line");
        for word in ["bridgehead.root=/dev/vda", "root=/dev/vda", "bridgehead.hostname=node1"] {
            assert!(line.split(' ').any(|found| found == word), "{word}: {line}");
        }
        let ports = |text: &str| text.matches("pcie-root-port").count();
        assert_eq!(ports(&text), ports(&xml(&guest("node1"), 1, &image(), None, "").expect("XML")) + 1);
    }

    #[test]
    fn is_well_formed_whatever_the_folder_is_called() {
        let text = xml(&guest("master"), 0, &image(), None, "").expect("XML");
        let document = roxmltree::Document::parse(&text).expect("well-formed");
        let kernel = document.descendants().find(|node| node.has_tag_name("kernel")).expect("a kernel");
        assert_eq!(kernel.text(), Some("/a/<b>&'\"/vmlinuz"));
    }

    #[test]
    fn only_one_that_has_ssh_is_told_the_key() {
        let told = |system: &str| {
            let disk = Some(Path::new("/a/b.qcow2"));
            let text = xml(&guest(&format!("a={system}")), 0, &image(), disk, "restrict ssh-ed25519 A b").expect("XML");
            text.contains(" bridgehead.ssh=cmVzdHJpY3Qgc3NoLWVkMjU1MTkgQSBi<")
        };
        assert!(told("ssh") && told("serial") && !told("networkd"));
    }

    #[test]
    fn macs_differ() {
        assert_eq!(mac(0).to_string(), "52:54:00:12:22:10");
        assert_eq!(mac(2).to_string(), "52:54:00:12:22:12");
        assert_eq!(mac(255).to_string(), "52:54:00:12:23:0f");
    }
}
