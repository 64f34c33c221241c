//! Against kernel and nft themselves, in a namespace of our own, with a libvirt that is not there.

use std::time::Duration;

use model::{Observed, event::Patch, observed::SourceState};
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

use super::*;
use crate::host::kernel::netns::{inside, ip, run};

async fn started() -> Watch {
    Watch::start(Host::open(Some("qemu+unix:///system?socket=/nonexistent".to_owned())).expect("a host")).await
}

async fn until(watch: &Watch, what: &str, holds: impl FnMut(&Arc<Observed>) -> bool) -> Arc<Observed> {
    let mut changes = watch.changes();
    let waited = tokio::time::timeout(Duration::from_secs(5), changes.wait_for(holds)).await;
    Arc::clone(&*waited.unwrap_or_else(|_| panic!("{what} was never observed")).expect("the watch lives"))
}

fn follow(followed: &mut Observed, patches: &mut Receiver<Arc<Patch>>) {
    loop {
        match patches.try_recv() {
            Ok(patch) => Patch::clone(&patch).apply(followed),
            Err(TryRecvError::Empty) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
#[ignore = "needs root in a network namespace"]
fn patches_lead_to_what_is_observed() {
    inside(|| async {
        let watch = started().await;
        let (before, mut patches) = watch.subscribe();
        let mut followed = Observed::clone(&before);
        assert_eq!(before.sources[&Source::Kernel], SourceState::Answers);
        assert_eq!(before.sources[&Source::Firewall], SourceState::Answers);
        assert!(matches!(before.sources[&Source::Libvirt], SourceState::Silent { .. }));

        ip("link add br0 type bridge");
        ip("link add v0 type veth peer name v1");
        ip("link set v0 master br0 up");
        ip("addr add 192.0.2.1/24 dev br0");
        ip("link set br0 up");
        run("nft", &["add", "table", "inet", "elsewhere"]);
        std::fs::write("/proc/sys/net/ipv4/conf/v0/rp_filter", "2").expect("a sysctl");
        let after = until(&watch, "all that was made", |observed| {
            observed.link("br0").is_some_and(|link| link.up && !link.addresses.is_empty())
                && observed.link("v0").is_some_and(|link| link.port.is_some() && link.rp_filter == Some(2))
                && observed.tables.contains_key("inet elsewhere")
                && observed.routes.iter().any(|route| route.destination.to_string() == "192.0.2.0/24")
        })
        .await;
        assert!(after.generation > before.generation);

        ip("link del br0");
        ip("link del v0");
        run("nft", &["delete", "table", "inet", "elsewhere"]);
        until(&watch, "the end of it", |observed| {
            observed.links.len() == before.links.len() && observed.tables.is_empty() && observed.routes == before.routes
        })
        .await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        follow(&mut followed, &mut patches);
        assert_eq!(followed, *watch.observed());
        assert_eq!(followed, *watch.refresh(&[]).await);
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn neighbours_do_not_raise_the_generation() {
    inside(|| async {
        ip("link add br0 type bridge");
        ip("addr add 192.0.2.1/24 dev br0");
        ip("link set br0 up");
        let watch = started().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (before, mut patches) = watch.subscribe();
        ip("neigh add 192.0.2.9 lladdr 52:54:00:00:00:09 dev br0 nud permanent");
        let after =
            until(&watch, "the neighbour", |observed| observed.neighbours.len() > before.neighbours.len()).await;
        assert_eq!(after.generation, before.generation);
        let patch = patches.recv().await.expect("a patch");
        assert_eq!(patch.generation, before.generation);
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn a_flood_is_batched() {
    inside(|| async {
        let watch = started().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        ip("link add first type bridge");
        until(&watch, "the first", |observed| observed.link("first").is_some()).await;

        let (before, mut patches) = watch.subscribe();
        let batch: String = (0..200).map(|index| format!("link add b{index} type bridge\n")).collect();
        let file = std::env::temp_dir().join(format!("bridgehead-test-{}", std::process::id()));
        std::fs::write(&file, batch).expect("written");
        let path = file.to_str().expect("a path").to_owned();
        tokio::task::spawn_blocking(move || run("ip", &["-batch", &path])).await.expect("200 bridges");
        std::fs::remove_file(file).expect("removed");
        let after = until(&watch, "the last", |observed| observed.link("b199").is_some()).await;
        let mut followed = Observed::clone(&before);
        let mut count = 0;
        while let Ok(patch) = patches.try_recv() {
            Patch::clone(&patch).apply(&mut followed);
            count += 1;
        }
        assert!(count < 60, "{count} patches for one flood");
        assert_eq!(followed.links.len(), after.links.len());
    });
}
