//! What `ssh` is told, word by word. Names of files are relative: it runs in the folder where they are.

use std::net::IpAddr;

use model::step::word;

/// Bridgehead's own key; its public half has `.pub` behind it.
pub const KEY: &str = "key";
/// What `ssh` ends with when there was no connection, or it broke.
pub const NO_CONNECTION: i64 = 255;

/// None of it depends on anybody's configuration, nothing is asked, nothing is forwarded.
const OPTIONS: [&str; 22] = [
    "BatchMode=yes",
    "CanonicalizeHostname=no",
    "CheckHostIP=no",
    "ClearAllForwardings=yes",
    "ConnectTimeout=5",
    "ConnectionAttempts=1",
    "ControlMaster=auto",
    "ControlPersist=60",
    "EscapeChar=none",
    "ForwardAgent=no",
    "GlobalKnownHostsFile=/dev/null",
    "HashKnownHosts=no",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "LogLevel=ERROR",
    "PermitLocalCommand=no",
    "PreferredAuthentications=publickey",
    "ProxyCommand=none",
    "RequestTTY=no",
    // A guest that has lost its network is given up on, and not waited for.
    "ServerAliveCountMax=2",
    "ServerAliveInterval=5",
    "UpdateHostKeys=no",
];

/// Where `-o HostKeyAlias` and the files of one guest get their name from, whatever address it is reached at.
pub fn alias(uuid: &str) -> String {
    format!("bridgehead-{uuid}")
}

/// The file of the guest's pinned host key.
pub fn known(uuid: &str) -> String {
    format!("known-{uuid}")
}

/// The socket of the connection that programs share.
pub fn socket(uuid: &str) -> String {
    format!("to-{uuid}")
}

/// The arguments of an `ssh` that runs this command line. A host key is taken as it comes only if none is `pinned`.
pub fn ssh(uuid: &str, pinned: bool, user: &str, address: IpAddr, line: &str) -> Vec<String> {
    let mut words: Vec<String> = ["-F", "/dev/null", "-i", KEY, "-T", "-a", "-x"].map(str::to_owned).to_vec();
    let mut option = |option: String| words.extend(["-o".to_owned(), option]);
    OPTIONS.iter().for_each(|it| option((*it).to_owned()));
    option(format!("StrictHostKeyChecking={}", if pinned { "yes" } else { "accept-new" }));
    option(format!("UserKnownHostsFile={}", known(uuid)));
    option(format!("HostKeyAlias={}", alias(uuid)));
    option(format!("ControlPath={}", socket(uuid)));
    words.extend(["-l".to_owned(), user.to_owned(), "--".to_owned(), address.to_string(), line.to_owned()]);
    words
}

/// The arguments of an `ssh` that ends the connection that programs share.
pub fn exit(uuid: &str) -> Vec<String> {
    let path = format!("ControlPath={}", socket(uuid));
    ["-F", "/dev/null", "-o", &path, "-O", "exit", "--", "guest"].map(str::to_owned).to_vec()
}

/// The command line for the guest's login shell, which `ssh` hands over as one text. Programs of root are found; whoever
/// is not root becomes so without being asked; and 255 stays what `ssh` says itself.
pub fn line(user: &str, argv: &[&str]) -> String {
    let program: Vec<String> = argv.iter().map(|it| word(it)).collect();
    let root = if user == "root" { "" } else { "sudo -n -- " };
    let script = format!(
        "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH; {root}{} || exit $(($? == 255 ? 254 : $?))",
        program.join(" ")
    );
    format!("exec sh -c {}", word(&script))
}

/// Whether it can be a user's name, and is no option of anybody's (useradd(8)).
pub fn is_user(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (1..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(fits)
}

/// Whether it is a UUID as libvirt writes it: files are named by it.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// The keys in a file of known hosts, or as `ssh-keyscan` prints them: type and base64.
pub fn keys(text: &str) -> Vec<(&str, &str)> {
    text.lines().filter_map(key_of).collect()
}

fn key_of(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace().filter(|_| !line.starts_with('#'));
    let (_host, kind, key) = (words.next()?, words.next()?, words.next()?);
    Some((kind, key))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const UUID: &str = "0b1c7e2a-6f3c-4f0e-9a55-0f2b4f1e9c11";

    #[test]
    fn nothing_but_what_is_said_here_counts() {
        let words = ssh(UUID, true, "root", "192.168.122.7".parse().expect("an address"), "exec true");
        assert_eq!(words[..4], ["-F", "/dev/null", "-i", "key"]);
        let tail = ["-l", "root", "--", "192.168.122.7", "exec true"];
        assert_eq!(words[words.len() - 5..], tail);
        let options: Vec<&str> = words.windows(2).filter(|pair| pair[0] == "-o").map(|pair| pair[1].as_str()).collect();
        for option in [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "UserKnownHostsFile=known-0b1c7e2a-6f3c-4f0e-9a55-0f2b4f1e9c11",
            "HostKeyAlias=bridgehead-0b1c7e2a-6f3c-4f0e-9a55-0f2b4f1e9c11",
            "ControlPath=to-0b1c7e2a-6f3c-4f0e-9a55-0f2b4f1e9c11",
        ] {
            assert!(options.contains(&option), "{option}");
        }
        assert!(options.iter().all(|option| !option.contains(' ')), "{options:?}");
    }

    #[test]
    fn a_key_is_taken_as_it_comes_once() {
        let strict = |pinned| ssh(UUID, pinned, "root", "::1".parse().expect("an address"), "true").join(" ");
        assert!(strict(false).contains("StrictHostKeyChecking=accept-new"));
        assert!(!strict(true).contains("accept-new"));
    }

    /// As a login shell reads it.
    fn run(line: &str) -> (Option<i32>, String) {
        let output = Command::new("sh").args(["-c", line]).output().expect("a shell");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    }

    #[test]
    fn words_arrive_as_they_were() {
        let hostile = ["a b", "it's", "$(echo hit)", "`echo hit`", "\"", "\\", "*", ";", "-n", "", "a\nb"];
        let mut argv = vec!["printf", "<%s>"];
        argv.extend(hostile);
        let expected: String = hostile.iter().map(|word| format!("<{word}>")).collect();
        assert_eq!(run(&line("root", &argv)), (Some(0), expected));
    }

    #[test]
    fn a_status_arrives_as_it_was_but_that_of_ssh_itself() {
        for (status, seen) in [(0, 0), (2, 2), (254, 254), (255, 254)] {
            assert_eq!(run(&line("root", &["sh", "-c", &format!("exit {status}")])).0, Some(seen));
        }
    }

    #[test]
    fn others_than_root_become_root() {
        assert!(line("debian", &["id", "-u"]).contains("sudo -n -- id -u ||"));
        assert!(!line("root", &["id", "-u"]).contains("sudo"));
    }

    #[test]
    fn a_user_is_no_option_and_no_command() {
        for name in ["root", "debian", "_x", "a.b-c_9"] {
            assert!(is_user(name), "{name}");
        }
        for name in ["", "-oProxyCommand=x", "a b", "a;b", "a@b", "ä", "9", &"a".repeat(33)] {
            assert!(!is_user(name), "{name}");
        }
    }

    #[test]
    fn keys_are_read_from_either_program() {
        let text =
            "# 10.0.0.1:22 SSH-2.0-x\nbridgehead-1 ssh-ed25519 AAAAC3\nbridgehead-1 ssh-rsa AAAAB3 note\n\nodd\n";
        assert_eq!(keys(text), [("ssh-ed25519", "AAAAC3"), ("ssh-rsa", "AAAAB3")]);
    }
}
