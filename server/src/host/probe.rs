//! One packet really sent, from a guest or from the host, and whether it was answered.

use std::{net::IpAddr, process::Stdio, time::Duration};

use model::explain::{Origin, Probe};
use tokio::{
    net::{TcpStream, UdpSocket},
    process::Command,
    time::timeout,
};

use super::{Host, guest, libvirt::clean};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(2);
/// How long the program that asks may take, all in all.
const PROGRAM: Duration = Duration::from_secs(8);
/// Bytes kept of what it prints.
const SAID: usize = 2000;

/// What a probe came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub answered: bool,
    /// What the program printed, or what went wrong.
    pub said: String,
}

impl Host {
    /// Sends it, and waits for its answer. From outside nothing can be sent.
    pub async fn probe(&self, from: &Origin, probe: Probe, to: IpAddr) -> Result<Reply, String> {
        match from {
            Origin::Guest { guest, interface } => {
                let reach = self.reach().ok_or("libvirt does not answer")?;
                let argv = argv(probe, to, interface.as_deref());
                let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
                let output = guest::run(&reach, guest, &argv, PROGRAM).await.map_err(|error| error.to_string())?;
                Ok(reply(output.status == 0, &output.stdout, &output.stderr))
            }
            Origin::Host => match probe {
                Probe::Echo => ping(to).await,
                Probe::Tcp { port } => Ok(connect(to, port).await),
                Probe::Udp { port } => send(to, port).await.map_err(|error| error.to_string()),
            },
            Origin::Outside { .. } => Err("nothing can be sent from outside".to_owned()),
        }
    }
}

/// Programs that every system has: ping(8), nc(1).
fn argv(probe: Probe, to: IpAddr, interface: Option<&str>) -> Vec<String> {
    let (to, seconds) = (to.to_string(), ANSWER.as_secs().to_string());
    let mut words: Vec<String> = match probe {
        Probe::Echo => ["ping", "-n", "-c", "1", "-W", &seconds].map(str::to_owned).into(),
        Probe::Tcp { .. } => ["nc", "-w", &seconds].map(str::to_owned).into(),
        Probe::Udp { .. } => ["nc", "-u", "-w", &seconds].map(str::to_owned).into(),
    };
    if let (Probe::Echo, Some(interface)) = (probe, interface) {
        words.extend(["-I".to_owned(), interface.to_owned()]);
    }
    words.push(to);
    if let Probe::Tcp { port } | Probe::Udp { port } = probe {
        words.push(port.to_string());
    }
    words
}

fn reply(answered: bool, stdout: &[u8], stderr: &[u8]) -> Reply {
    let text = [stdout, stderr].map(String::from_utf8_lossy).concat();
    Reply { answered, said: clean(text.trim(), SAID) }
}

async fn ping(to: IpAddr) -> Result<Reply, String> {
    let argv = argv(Probe::Echo, to, None);
    let run = Command::new(&argv[0]).args(&argv[1..]).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(PROGRAM, run).await.map_err(|_| "ping does not end")?.map_err(|error| error.to_string())?;
    Ok(reply(output.status.success(), &output.stdout, &output.stderr))
}

async fn connect(to: IpAddr, port: u16) -> Reply {
    match timeout(ANSWER, TcpStream::connect((to, port))).await {
        Ok(Ok(_)) => Reply { answered: true, said: "connected".to_owned() },
        Ok(Err(error)) => Reply { answered: false, said: error.to_string() },
        Err(_) => Reply { answered: false, said: format!("no answer within {} s", ANSWER.as_secs()) },
    }
}

async fn send(to: IpAddr, port: u16) -> std::io::Result<Reply> {
    let any: IpAddr = if to.is_ipv6() { "::".parse() } else { "0.0.0.0".parse() }.map_err(std::io::Error::other)?;
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect((to, port)).await?;
    socket.send(b"\n").await?;
    Ok(match timeout(ANSWER, socket.recv(&mut [0; 1])).await {
        Ok(Ok(_)) => Reply { answered: true, said: "answered".to_owned() },
        Ok(Err(error)) => Reply { answered: false, said: error.to_string() },
        Err(_) => Reply { answered: false, said: format!("no answer within {} s", ANSWER.as_secs()) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(probe: Probe, interface: Option<&str>) -> String {
        argv(probe, IpAddr::from([10, 0, 0, 9]), interface).join(" ")
    }

    #[test]
    fn a_probe_is_an_argument_vector() {
        assert_eq!(line(Probe::Echo, None), "ping -n -c 1 -W 2 10.0.0.9");
        assert_eq!(line(Probe::Echo, Some("eth0; reboot")), "ping -n -c 1 -W 2 -I eth0; reboot 10.0.0.9");
        assert_eq!(argv(Probe::Echo, IpAddr::from([10, 0, 0, 9]), Some("eth0; reboot"))[7], "eth0; reboot");
        assert_eq!(line(Probe::Tcp { port: 443 }, None), "nc -w 2 10.0.0.9 443");
        assert_eq!(line(Probe::Udp { port: 53 }, None), "nc -u -w 2 10.0.0.9 53");
    }

    #[tokio::test]
    async fn the_host_asks_by_itself() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
        let port = listener.local_addr().expect("its address").port();
        let home = IpAddr::from([127, 0, 0, 1]);
        assert!(connect(home, port).await.answered);
        drop(listener);
        let refused = connect(home, port).await;
        assert!(!refused.answered && refused.said.contains("refused"), "{refused:?}");
        let nobody = send(home, port).await.expect("it is sent");
        assert!(!nobody.answered, "{nobody:?}");
    }
}
