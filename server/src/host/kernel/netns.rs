//! Tests in a network namespace of their own.

use std::{fs, future::Future, path::Path, process::Command};

use nix::sched::{CloneFlags, unshare};

/// Runs `test` on a thread of its own, in a new network namespace that ends with it. Children are in it too.
///
/// Refuses to go on unless the namespace is really another than before and nothing but `lo` is in it: whatever a test
/// does, the machine's own network is out of reach.
pub fn inside<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let outcome = std::thread::spawn(move || {
        let before = namespace();
        unshare(CloneFlags::CLONE_NEWNET).expect("a new network namespace (needs root)");
        assert_ne!(before, namespace(), "still in the namespace of the machine");
        let links = run("ip", &["-o", "link"]);
        assert_eq!(links.lines().count(), 1, "a new namespace has only lo: {links}");
        assert!(links.contains(": lo:"), "a new namespace has lo: {links}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(test());
    })
    .join();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

fn namespace() -> std::path::PathBuf {
    fs::read_link(Path::new("/proc/thread-self/ns/net")).expect("the name of the network namespace")
}

/// Runs a command and gives what it printed.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `ip` with its arguments in one string.
pub fn ip(arguments: &str) -> String {
    run("ip", &arguments.split_whitespace().collect::<Vec<_>>())
}
