//! Against a real libvirtd: libvirt's own test driver here, a lab where one is needed.

use std::{path::Path, time::Instant};

use model::observed::DomainState;
use tokio::{
    io::copy_bidirectional,
    net::{UnixListener, UnixStream},
    sync::Mutex,
};

use super::*;

/// The lab is shared, and so is libvirt's test driver: one test at a time.
pub static LAB: Mutex<()> = Mutex::const_new(());

pub async fn lab() -> Libvirt {
    assert!(
        std::env::var_os("BRIDGEHEAD_URL").is_some(),
        "BRIDGEHEAD_URL is not set: this test changes guests and runs in a lab only; use make test"
    );
    Libvirt::connect(None).await.expect("the lab's libvirtd")
}

#[tokio::test]
async fn reads_the_test_driver() {
    let _held = LAB.lock().await;
    let libvirt = Libvirt::connect(Some("test:///default")).await.expect("libvirt's test driver");
    let facts = libvirt.read().await.expect("facts");
    assert!(facts.domains["test"].nics[0].live.is_some());
    assert_eq!(facts.networks["default"].bridge.as_deref(), Some("virbr0"));
    assert_eq!(libvirt.read_domain("test").await.expect("an answer").expect("the domain"), facts.domains["test"]);
    assert_eq!(libvirt.read_domain("a\0b").await.expect("an answer"), None);
    assert_eq!(libvirt.read_domain("nobody").await.expect("an answer"), None);
    assert_eq!(libvirt.read_network("nothing").await.expect("an answer"), None);
}

#[tokio::test]
async fn hears_of_a_domain_that_stops() {
    let _held = LAB.lock().await;
    let libvirt = Libvirt::connect(Some("test:///default")).await.expect("libvirt's test driver");
    let mut events = libvirt.events();
    libvirt
        .call("stop".to_owned(), READ, |connect| {
            read::lookup(connect, "stop", "test")?.destroy().map_err(|error| Error::from_virt("stop", &error))
        })
        .await
        .expect("stopped");
    let event = tokio::time::timeout(Duration::from_secs(5), events.recv()).await.expect("in time");
    assert_eq!(event, Some(LibvirtEvent::Domain("test".to_owned())));
}

#[tokio::test]
async fn no_libvirtd_is_no_connection() {
    let outcome = Libvirt::connect(Some("qemu+unix:///system?socket=/nonexistent/libvirt-sock")).await;
    let Err(error) = outcome else { panic!("nobody listens there") };
    assert!(matches!(error, Error::NoConnection { .. }), "{error}");
}

#[tokio::test]
#[ignore = "needs a lab: run by make test"]
async fn a_thousand_guests_are_read_at_once() {
    let (_held, libvirt) = (LAB.lock().await, lab().await);
    let before = libvirt.read().await.expect("facts");
    let name = |number: u32| format!("bhtest-{number:04}");
    let define = move |connect: &Connect| {
        for number in 0..1000 {
            let xml = format!(
                "<domain type='qemu'><name>{}</name><memory unit='MiB'>64</memory><os><type machine='q35'>hvm</type></os>\
                 <devices><interface type='network'><source network='default'/><model type='virtio'/></interface>\
                 </devices></domain>",
                name(number)
            );
            virt::domain::Domain::define_xml(connect, &xml).map_err(|error| Error::from_virt("define", &error))?;
        }
        Ok(())
    };
    libvirt.call("define".to_owned(), Duration::from_secs(120), define).await.expect("defined");
    let began = Instant::now();
    let facts = libvirt.read().await.expect("facts");
    let took = began.elapsed();
    let undefine = move |connect: &Connect| {
        for number in 0..1000 {
            let domain = read::lookup(connect, "undefine", &name(number))?;
            domain.undefine().map_err(|error| Error::from_virt("undefine", &error))?;
        }
        Ok(())
    };
    libvirt.call("undefine".to_owned(), Duration::from_secs(120), undefine).await.expect("undefined");
    assert_eq!(facts.domains.len(), before.domains.len() + 1000);
    let domain = &facts.domains["bhtest-0999"];
    assert_eq!((domain.state, domain.nics.len(), domain.persistent), (DomainState::Off, 1, true));
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(libvirt.read().await.expect("facts").domains, before.domains);
}

/// The connection goes through a socket of ours, which ends while libvirtd lives on.
#[tokio::test]
#[ignore = "needs a lab: run by make test"]
async fn hears_that_the_connection_is_lost() {
    let (_held, _libvirt) = (LAB.lock().await, lab().await);
    let path = std::env::temp_dir().join(format!("bridgehead-test-{}.sock", std::process::id()));
    let proxy = tokio::spawn(forward(UnixListener::bind(&path).expect("a socket")));
    let uri = format!("qemu+unix:///system?socket={}", path.display());
    let libvirt = Libvirt::connect(Some(&uri)).await.expect("through the socket");
    let mut events = libvirt.events();
    libvirt.read().await.expect("facts");
    proxy.abort();
    std::fs::remove_file(&path).expect("the socket");
    let event = tokio::time::timeout(Duration::from_secs(5), events.recv()).await.expect("in time");
    assert_eq!(event, Some(LibvirtEvent::Closed));
    let error = libvirt.read().await.expect_err("nobody is there");
    assert!(matches!(error, Error::NoConnection { .. }), "{error}");
}

async fn forward(listener: UnixListener) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((mut ours, _)) = listener.accept().await {
        connections.spawn(async move {
            let mut libvirtd = UnixStream::connect(Path::new("/run/libvirt/libvirt-sock")).await.expect("libvirtd");
            let _ = copy_bidirectional(&mut ours, &mut libvirtd).await;
        });
    }
}
