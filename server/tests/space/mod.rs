//! Network namespaces that stand for the host and its guests: each has a process of its own in it, and ends with it. The
//! machine's own is never touched.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use model::{
    Mac, Observed,
    observed::{
        AgentChannel, Attachment, Domain, DomainState, GuestFacts, GuestInterface, GuestPolicy, GuestRoute, Nic,
    },
    topology::MAIN,
    wire::Sealed,
};
use nix::sched::{CloneFlags, setns};

/// How long an answer may take; nobody here is far away.
const PATIENCE: Duration = Duration::from_secs(1);

pub struct Space {
    pub name: String,
    /// Ends when its input does: with the test, however that ends.
    holder: Child,
}

impl Drop for Space {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

impl Space {
    pub fn new(name: &str) -> Self {
        let script = "ip link set lo up && echo ready && exec cat";
        let mut holder = Command::new("unshare")
            .args(["--net", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n", "{name}");
        let space = Self { name: name.to_owned(), holder };
        assert_ne!(namespace("self"), namespace(&space.pid()), "{name} is in the namespace of the machine");
        space
    }

    pub fn pid(&self) -> String {
        self.holder.id().to_string()
    }

    /// A program in it, with its arguments in one string; what it printed.
    pub fn run(&self, line: &str) -> String {
        self.run_with(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub fn run_with(&self, words: &[&str]) -> String {
        let output = self.command(words).output().expect("the program runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {words:?}: {errors}", self.name);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.pid(), "-n"]).args(words).stdin(Stdio::null());
        command
    }

    /// Sets a file below `/proc/sys/net`: it shows that of whoever opens it.
    pub fn set(&self, setting: &str, value: &str) {
        let path = format!("/proc/sys/net/{setting}");
        self.inside(move || std::fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}")));
    }

    /// Runs something on a thread that is in this namespace.
    fn inside<T: Send>(&self, run: impl FnOnce() -> T + Send) -> T {
        let pid = self.pid();
        thread::scope(|scope| {
            let inside = scope.spawn(move || {
                let file = File::open(format!("/proc/{pid}/ns/net")).expect("the namespace");
                setns(file, CloneFlags::CLONE_NEWNET).expect("entered");
                run()
            });
            inside.join().expect("it ends")
        })
    }

    /// Whether an echo comes back.
    pub fn pings(&self, to: Ipv4Addr, interface: Option<&str>) -> bool {
        let to = to.to_string();
        let mut words = vec!["ping", "-n", "-q", "-c", "1", "-W", "1"];
        words.extend(interface.into_iter().flat_map(|name| ["-I", name]));
        words.push(&to);
        self.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("ping runs").success()
    }

    /// Whether a connection can be opened.
    pub fn connects(&self, to: SocketAddr) -> bool {
        self.inside(move || TcpStream::connect_timeout(&to, PATIENCE).is_ok())
    }

    /// Listens for as long as what comes back lives: the kernel opens connections, nobody has to accept them.
    pub fn listen(&self, port: u16) -> TcpListener {
        self.inside(move || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("a free port"))
    }

    /// What the program sees of this namespace, libvirt left out.
    pub fn observe(&self) -> Observed {
        let printed = self.run_with(&[
            "env",
            "LIBVIRT_DEFAULT_URI=test:///default",
            env!("CARGO_BIN_EXE_bridgehead"),
            "observe",
            "--json",
        ]);
        let mut observed: Observed = serde_json::from_str(&printed).expect("an observation");
        observed.domains.clear();
        observed.networks.clear();
        observed.guests.clear();
        observed
    }
}

fn namespace(pid: &str) -> PathBuf {
    std::fs::read_link(format!("/proc/{pid}/ns/net")).expect("the name of the namespace")
}

/// Makes of a namespace a guest of the host: its interfaces are NICs, whose taps are the host's ends of veths, called by the
/// guest's name and the interface's.
pub fn tell(observed: &mut Observed, guest: &Space) {
    let inside = guest.observe();
    let links = || inside.links.values().filter(|link| !link.loopback);
    let nic = |name: &str, mac: Mac| Nic {
        mac,
        live: Some(Attachment::Other { kind: "ethernet".to_owned() }),
        config: None,
        model: None,
        tap: Some(format!("{}{name}", guest.name)),
        alias: None,
        link_up: true,
        mtu: None,
    };
    let domain = Domain {
        name: guest.name.clone(),
        state: DomainState::Running,
        agent: AgentChannel::Connected,
        nics: links().filter_map(|link| Some(nic(&link.name, link.mac?))).collect(),
        ..Domain::default()
    };
    let named = |index: Option<u32>| index.and_then(|index| inside.links.get(&index)).map(|link| link.name.clone());
    let routes = |table: u32| -> Vec<GuestRoute> {
        let routes = inside.routes.iter().filter(|route| route.table == table && route.kind == "unicast");
        let told = routes.map(|route| GuestRoute {
            destination: route.destination,
            via: route.gateway,
            interface: named(route.link),
            metric: route.metric,
            protocol: Some(route.protocol.clone()),
            source: route.source,
        });
        told.collect()
    };
    let rules = (*inside.rules).clone().unwrap_or_default();
    let tables = rules.iter().filter_map(|rule| rule.table).filter(|table| *table != MAIN);
    let further = tables.map(|table| (table, routes(table))).collect();
    let on = |name: &str| inside.sysctls.get(name).map(|value| value != "0");
    let all = inside.sysctls.get("net.ipv4.conf.all.rp_filter").and_then(|value| value.parse().ok());
    let facts = GuestFacts {
        interfaces: links()
            .map(|link| GuestInterface {
                name: link.name.clone(),
                mac: link.mac,
                up: Some(link.up),
                addresses: link.addresses.iter().map(|address| address.net).collect(),
                mtu: Some(link.mtu),
                rp_filter: link.rp_filter,
                dhcp: false,
                accept_ra: None,
            })
            .collect(),
        routes: Some(routes(MAIN)),
        policy: Sealed::of(&Some(GuestPolicy { rules: rules.clone(), routes: further })),
        ip_forward: on("net.ipv4.ip_forward"),
        ip6_forward: on("net.ipv6.conf.all.forwarding"),
        rp_filter_all: all,
        tables: Some(inside.tables.values().cloned().collect()),
        ..GuestFacts::default()
    };
    observed.domains.insert(guest.name.clone(), domain);
    observed.guests.insert(guest.name.clone(), facts);
}
