//! Against a real libvirtd, in a lab.

use std::{path::PathBuf, process::Command};

use model::{Observed, observed::SourceState};
use tokio::{
    io::copy_bidirectional,
    net::{UnixListener, UnixStream},
    task::JoinSet,
};

use super::*;

const LIBVIRTD: &str = "/run/libvirt/libvirt-sock";

/// A socket that leads to libvirtd until it is dropped: then every connection breaks, as if libvirtd had died.
struct Door(#[expect(dead_code, reason = "ends the task when dropped")] JoinSet<()>);

impl Door {
    fn open(path: &PathBuf) -> Self {
        std::fs::remove_file(path).ok();
        let listener = UnixListener::bind(path).expect("a socket");
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                connections.spawn(async move {
                    let mut server = UnixStream::connect(LIBVIRTD).await.expect("libvirtd's socket");
                    copy_bidirectional(&mut client, &mut server).await.ok();
                });
            }
        });
        Self(task)
    }
}

fn virsh(arguments: &[&str]) {
    assert!(Command::new("virsh").args(arguments).status().expect("virsh runs").success(), "virsh {arguments:?}");
}

async fn until(watch: &Watch, what: &str, holds: impl FnMut(&Arc<Observed>) -> bool) -> Arc<Observed> {
    let mut changes = watch.changes();
    let waited = tokio::time::timeout(Duration::from_secs(60), changes.wait_for(holds)).await;
    Arc::clone(&*waited.unwrap_or_else(|_| panic!("{what} was never observed")).expect("the watch lives"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a lab: run by make test"]
async fn a_libvirtd_that_goes_is_silent_and_is_found_when_it_comes_back() {
    assert!(std::env::var_os("BRIDGEHEAD_URL").is_some(), "BRIDGEHEAD_URL is not set: this test runs in a lab only");
    let path = std::env::temp_dir().join(format!("bridgehead-door-{}", std::process::id()));
    let door = Door::open(&path);
    let uri = format!("qemu+unix:///system?socket={}", path.display());
    let watch = Watch::start(Host::open(Some(uri)).expect("a host")).await;
    let spoke = until(&watch, "a guest that speaks", |observed| {
        observed.guests.values().any(|facts| facts.trouble.is_none() && !facts.interfaces.is_empty())
    })
    .await;
    assert!(!spoke.networks["default"].leases.is_empty());

    let file = path.with_extension("xml");
    std::fs::write(&file, "<network><name>watched</name></network>").expect("written");
    virsh(&["net-define", file.to_str().expect("a path")]);
    std::fs::remove_file(file).expect("removed");
    until(&watch, "a network that was defined", |observed| observed.networks.contains_key("watched")).await;
    virsh(&["net-undefine", "watched"]);
    until(&watch, "its end", |observed| !observed.networks.contains_key("watched")).await;

    drop(door);
    let silent = until(&watch, "silence", |observed| {
        matches!(observed.sources.get(&Source::Libvirt), Some(SourceState::Silent { .. }))
    })
    .await;
    assert_eq!(silent.domains, spoke.domains, "the last facts stay");
    assert_eq!(silent.sources[&Source::Kernel], SourceState::Answers);

    let _door = Door::open(&path);
    until(&watch, "libvirt again", |observed| observed.sources[&Source::Libvirt] == SourceState::Answers).await;
    std::fs::remove_file(path).expect("removed");
}
