//! A guest's domain XML.

use std::io;

use model::mac::Mac;
use quick_xml::{Writer, events::BytesText};

use super::{accelerator::Accelerator, image::Image};

/// Sockets for NICs plugged in later. Two more are taken by the first NIC and the serial ports.
const SPARE: usize = 6;

/// The first NIC of each guest, stable over all labs.
pub fn mac(index: usize) -> Mac {
    let offset = 0x10 + index;
    Mac([0x52, 0x54, 0x00, 0x12, 0x22 + (offset >> 8) as u8, offset as u8])
}

pub fn xml(name: &str, index: usize, image: &Image) -> io::Result<String> {
    let kind = match image.accelerator {
        Accelerator::Kvm => "kvm",
        Accelerator::Emulation => "qemu",
    };
    let mut writer = Writer::new(Vec::new());
    writer.create_element("domain").with_attribute(("type", kind)).write_inner_content(|w| {
        text(w, "name", name)?;
        w.create_element("memory").with_attribute(("unit", "MiB")).write_text_content(BytesText::new("128"))?;
        text(w, "vcpu", "1")?;
        w.create_element("os").write_inner_content(|w| {
            w.create_element("type")
                .with_attributes([("arch", "x86_64"), ("machine", "q35")])
                .write_text_content(BytesText::new("hvm"))?;
            text(w, "kernel", &image.kernel.to_string_lossy())?;
            text(w, "initrd", &image.initramfs.to_string_lossy())?;
            text(w, "cmdline", &image.command_line(name))?;
            Ok(())
        })?;
        w.create_element("features").write_inner_content(|w| w.create_element("acpi").write_empty().map(drop))?;
        text(w, "on_reboot", "restart")?;
        w.create_element("devices").write_inner_content(|w| devices(w, name, index))?;
        Ok(())
    })?;
    String::from_utf8(writer.into_inner()).map_err(io::Error::other)
}

fn devices(w: &mut Writer<Vec<u8>>, name: &str, index: usize) -> io::Result<()> {
    let controller = |w: &mut Writer<Vec<u8>>, index: usize, model: &str| {
        w.create_element("controller")
            .with_attributes([("type", "pci"), ("index", index.to_string().as_str()), ("model", model)])
            .write_empty()
            .map(drop)
    };
    controller(w, 0, "pcie-root")?;
    for port in 1..=SPARE + 2 {
        controller(w, port, "pcie-root-port")?;
    }
    for (kind, model) in [("usb", "none"), ("virtio-serial", "virtio")] {
        w.create_element("controller").with_attributes([("type", kind), ("model", model)]).write_empty()?;
    }
    w.create_element("interface").with_attribute(("type", "network")).write_inner_content(|w| {
        w.create_element("mac").with_attribute(("address", mac(index).to_string().as_str())).write_empty()?;
        w.create_element("source").with_attribute(("network", "default")).write_empty()?;
        w.create_element("model").with_attribute(("type", "virtio")).write_empty().map(drop)
    })?;
    w.create_element("serial").with_attribute(("type", "pty")).write_inner_content(|w| {
        let log = format!("/var/log/libvirt/{name}-console.log");
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

    #[test]
    fn is_well_formed_whatever_the_folder_is_called() {
        let text = xml("master", 0, &image()).expect("XML");
        let document = roxmltree::Document::parse(&text).expect("well-formed");
        let kernel = document.descendants().find(|node| node.has_tag_name("kernel")).expect("a kernel");
        assert_eq!(kernel.text(), Some("/a/<b>&'\"/vmlinuz"));
    }

    #[test]
    fn macs_differ() {
        assert_eq!(mac(0).to_string(), "52:54:00:12:22:10");
        assert_eq!(mac(2).to_string(), "52:54:00:12:22:12");
        assert_eq!(mac(255).to_string(), "52:54:00:12:23:0f");
    }
}
