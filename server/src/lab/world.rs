//! The inside of a lab: builds the world around itself, then lives as long as the dashboard or the command.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::{
        fd::{FromRawFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::Command,
    thread,
    time::Instant,
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::signal::{SigHandler, Signal, signal},
};
use virt::{connect::Connect, domain::Domain};
use virt_sys as sys;

use super::{
    agent, console,
    dashboard::{self, Dashboard, Login},
    disk, domain,
    error::LabError,
    image::Image,
    libvirtd, mounts, network, outside,
    process::path,
    say,
    session::namespace,
    spec::{Guest, Spec},
};
use crate::host::guest::ssh::Files;

/// Where the dashboard of `lab run` listens, in the world.
const INSIDE: &str = "127.0.0.1:3000";

pub fn main(spec: &Spec) -> Result<u8, LabError> {
    let passed_on = spec.listen_fd.map(take).transpose()?;
    require_fresh(spec)?;
    mounts::replace(&spec.state)?;
    outside::build()?;
    network::set_trap(spec.forward_policy)?;
    say("own network: host 10.0.0.1 on eno1, outside world 10.0.0.9");
    libvirtd::start()?;
    libvirtd::start_default(&libvirtd::connect()?)?;
    say("libvirtd answers, network default on virbr0");
    let listener = match passed_on {
        Some(listener) => listener,
        None => TcpListener::bind(INSIDE).map_err(LabError::io(format!("listen on {INSIDE}")))?.into(),
    };
    let mut dashboard = Dashboard::start(spec, listener)?;
    // As its service does at a start of the host: what guests plug into is there before they start.
    let login = dashboard.wait()?;
    start_guests(spec)?;
    match &spec.command {
        Some(command) => run(spec, command, &login),
        None => {
            let link = format!("{}/?token={}\n", login.url, login.token);
            std::io::stdout().write_all(link.as_bytes()).map_err(LabError::io("print the dashboard's address"))?;
            say("ready; Ctrl-C ends it");
            Err(dashboard.end())
        }
    }
}

/// The inherited socket, kept from all that is started here but the dashboard.
fn take(fd: i32) -> Result<OwnedFd, LabError> {
    // SAFETY: the process on the machine opened this descriptor for us, and nothing else here uses it.
    let listener = unsafe { OwnedFd::from_raw_fd(fd) };
    let taken = fcntl(&listener, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    taken.map(|_| listener).map_err(LabError::os("take over the dashboard's socket"))
}

/// A world is built in namespaces of its own, or not at all.
fn require_fresh(spec: &Spec) -> Result<(), LabError> {
    for (kind, machine) in ["net", "mnt"].iter().zip(&spec.machine) {
        if namespace(kind)? == *machine {
            return Err(LabError::NotFresh(format!("this is the machine's own {kind} namespace")));
        }
    }
    // A new network namespace has no route, whatever links the kernel puts into each.
    let routes = fs::read_to_string("/proc/net/route").map_err(LabError::io("read /proc/net/route"))?;
    if routes.lines().count() > 1 {
        return Err(LabError::NotFresh("this network namespace has routes".to_owned()));
    }
    Ok(())
}

/// Starts the guests in their order, so that ids and taps are the same in each lab; returns when each has an address and
/// its agent answers, or asks for a login if it has none.
fn start_guests(spec: &Spec) -> Result<(), LabError> {
    let started = Instant::now();
    let connection = libvirtd::connect()?;
    let key = key(spec)?;
    for (index, guest) in spec.guests.0.iter().enumerate() {
        let name = &guest.name;
        let disk = disk::of(&spec.state, guest);
        let xml = domain::xml(guest, index, &spec.image, disk.as_deref(), &key);
        let xml = xml.map_err(LabError::io(format!("describe the guest {name}")))?;
        let domain = match known(&connection, name, &spec.image) {
            Some(domain) => domain,
            None => {
                Domain::define_xml(&connection, &xml).map_err(LabError::libvirt(format!("define the guest {name}")))?
            }
        };
        // libvirtd starts by itself what is marked for it.
        if !domain.is_active().map_err(LabError::libvirt(format!("look at the guest {name}")))? {
            domain.create().map_err(LabError::libvirt(format!("start the guest {name}")))?;
        }
    }
    thread::scope(|scope| {
        let threads: Vec<_> =
            spec.guests.0.iter().map(|guest| scope.spawn(move || wait_for_guest(guest, started))).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

/// The key of the dashboard, if any guest is to let it in.
fn key(spec: &Spec) -> Result<String, LabError> {
    if !spec.guests.0.iter().any(|guest| guest.system.has_ssh()) {
        return Ok(String::new());
    }
    Files::of(&dashboard::state(spec)).authorized().map_err(LabError::io("make the dashboard's key"))
}

/// A guest as the last lab on this folder left it, if it still starts from the same image.
fn known(connection: &Connect, name: &str, image: &Image) -> Option<Domain> {
    let domain = Domain::lookup_by_name(connection, name).ok()?;
    let xml = domain.get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE).ok()?;
    let same = |file: &Path| xml.contains(&*file.to_string_lossy());
    (same(&image.kernel) && same(&image.initramfs)).then_some(domain)
}

fn wait_for_guest(guest: &Guest, started: Instant) -> Result<(), LabError> {
    let name = &guest.name;
    let until = started + guest.system.patience();
    // Its own connection: libvirtd serves five requests at a time on each.
    let mut connection = libvirtd::connect()?;
    let domain = agent::find(&connection, name)?;
    if guest.system.has_agent() {
        let address = agent::wait_for_address(&domain, name, until)?;
        say(&format!("{name} answers at {address}"));
    } else {
        let address = console::wait_for_login(&domain, name, until)?;
        say(&format!("{name} asks for a login, and was leased {address}"));
    }
    drop(domain);
    connection.close().map(drop).map_err(LabError::libvirt("close the connection to libvirtd"))
}

/// Runs the command in the world; its status as a shell would give it.
fn run(spec: &Spec, command: &[String], login: &Login) -> Result<u8, LabError> {
    let Some((program, arguments)) = command.split_first() else { return Ok(0) };
    // Ctrl-C is for the command. Before now it would have ended the lab.
    let ignore = |name| {
        // SAFETY: no handler is installed.
        unsafe { signal(name, SigHandler::SigIgn) }.map_err(LabError::os("ignore Ctrl-C")).map(drop)
    };
    ignore(Signal::SIGINT)?;
    ignore(Signal::SIGQUIT)?;
    let mut child = Command::new(program);
    child
        .args(arguments)
        .env("PATH", path())
        .env("BRIDGEHEAD_URL", &login.url)
        .env("BRIDGEHEAD_TOKEN", &login.token)
        .env("BRIDGEHEAD_LAB", &spec.state);
    // SAFETY: signal(2) is async-signal-safe, and no handler is installed.
    unsafe {
        child.pre_exec(|| {
            signal(Signal::SIGINT, SigHandler::SigDfl)?;
            signal(Signal::SIGQUIT, SigHandler::SigDfl)?;
            Ok(())
        });
    }
    match child.status() {
        Ok(status) => {
            let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
            Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
        }
        Err(error) => {
            say(&format!("cannot start `{program}`: {error}"));
            Ok(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
        }
    }
}
