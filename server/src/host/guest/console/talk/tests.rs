use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::*;

const MARKER: &str = "BH0123456789abcdef01234567";
const MOMENT: Duration = Duration::from_millis(300);

fn login() -> Login {
    Login::new("root", "secret", "uuid").expect("a login")
}

/// What is said when these are heard one after the other, each followed by a moment's quiet.
fn acts(heard: &[&str]) -> Vec<Act> {
    let login = login();
    let mut greeting = Greeting::new(&login, MARKER);
    heard
        .iter()
        .map(|heard| {
            greeting.hear(heard.as_bytes());
            greeting.quiet(MOMENT)
        })
        .collect()
}

fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

#[test]
fn logs_in_as_debian_asks() {
    let acts = acts(&[
        "\r\nDebian GNU/Linux 12 c ttyS0\r\n\r\nc login: ",
        "root\r\nPassword: ",
        "\r\nLinux c 6.1.0-56-cloud-amd64 #1 SMP x86_64\r\n\r\nLast login:",
        " Thu Nov 26 11:00:00 UTC 2026 on ttyS0\r\n",
        "\u{1b}[?2004hroot@c:~# ",
    ]);
    assert_eq!(acts, [say("root\r"), say("secret\r"), Act::Wait, Act::Wait, Act::Shell { lent: false }]);
}

#[test]
fn logs_in_as_alpine_and_fedora_ask() {
    let alpine =
        acts(&["\nWelcome to Alpine Linux 3.20\n\nlocalhost login: ", "root\nPassword: ", "\n\nlocalhost:~# "]);
    assert_eq!(alpine, [say("root\r"), say("secret\r"), Act::Shell { lent: false }]);
    let coloured = acts(&["\u{1b}[1mfedora\u{1b}[0m login: ", "Password: ", "\u{1b}]0;root@f:~\u{7}[root@f ~]# "]);
    assert_eq!(coloured, [say("root\r"), say("secret\r"), Act::Shell { lent: false }]);
}

#[test]
fn takes_a_shell_that_is_there() {
    assert_eq!(acts(&["\r\n/ # "]), [Act::Shell { lent: true }]);
    assert_eq!(acts(&["\r\nme@host:~$ "]), [Act::Shell { lent: true }]);
}

#[test]
fn a_password_is_said_once_and_to_whom_it_is_for() {
    // A password prompt that no login prompt went before.
    assert_eq!(acts(&["\r\nPassword: "]), [say("\r")]);
    assert_eq!(acts(&["\r\nPassword: ", "\r\nPassword: "]), [say("\r"), Act::Wait]);
    assert_eq!(acts(&["x login: ", "Enter your login: "]), [say("root\r"), Act::Wait]);
    // Again and again.
    let greedy = acts(&["x login: ", "root\r\nPassword: ", "\r\nPassword: "]);
    assert_eq!(greedy, [say("root\r"), say("secret\r"), Act::Fail(Trouble::Refused)]);
    let wrong = acts(&["x login: ", "root\r\nPassword: ", "\r\n\r\nLogin incorrect\r\nx login: "]);
    assert_eq!(wrong.last(), Some(&Act::Fail(Trouble::Refused)));
}

#[test]
fn whoever_says_nothing_is_given_up() {
    let login = login();
    let mut greeting = Greeting::new(&login, MARKER);
    assert_eq!(greeting.quiet(MOMENT), Act::Wait);
    assert_eq!(greeting.quiet(AGAIN), say("\r"));
    assert_eq!(greeting.quiet(AGAIN), Act::Wait);
    let Act::Say(poke) = greeting.quiet(POKE) else { panic!("it asks") };
    assert!(!poke.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()), "an echo would be an answer");
    assert_eq!(greeting.quiet(POKE), Act::Wait);
    assert_eq!(greeting.quiet(GIVE_UP), Act::Fail(Trouble::Mute));
}

#[test]
fn a_loop_of_ours_that_was_left_behind_is_ended() {
    let login = login();
    let mut greeting = Greeting::new(&login, MARKER);
    greeting.quiet(AGAIN);
    greeting.quiet(POKE);
    greeting.hear(format!("{MARKER} .\r\n").as_bytes());
    assert_eq!(greeting.quiet(MOMENT), say("exit\r"));
    greeting.hear(b"\r\nc login: ");
    assert_eq!(greeting.quiet(MOMENT), say("root\r"));
}

#[test]
fn reads_an_answer_only_when_it_is_whole() {
    let whole = format!("{MARKER} s 3\r\n{MARKER} o 4 aGkK\r\n{MARKER} e 0 \r\n{MARKER} .\r\n");
    let output = ExecOutput { status: 3, stdout: b"hi\n".to_vec(), stderr: Vec::new() };
    assert_eq!(answer(whole.as_bytes(), MARKER), Some(Ok(output)));
    for cut in 0..whole.len() - 4 {
        assert_eq!(answer(&whole.as_bytes()[..cut], MARKER), None, "{cut}");
    }
}

#[test]
fn a_message_in_the_middle_is_noticed() {
    let message = "[   12.345678] virtio_net virtio3 eth1: renamed\r\n";
    for broken in [
        format!("{MARKER} s 0\r\n{message}{MARKER} o 4 aGkK\r\n{MARKER} e 0 \r\n{MARKER} .\r\n"),
        format!("{MARKER} s 0\r\n{MARKER} o 8 aGk{message}KaGkK\r\n{MARKER} e 0 \r\n{MARKER} .\r\n"),
        format!("{MARKER} s 0\r\n{MARKER} o 4 aGkKaGkK\r\n{MARKER} e 0 \r\n{MARKER} .\r\n"),
        format!("{MARKER} s 0\r\n{MARKER} e 0 \r\n{MARKER} .\r\n"),
        format!("{MARKER} s \r\n{MARKER} .\r\n"),
    ] {
        assert_eq!(answer(broken.as_bytes(), MARKER), Some(Err(Trouble::Garbled)), "{broken}");
    }
}

#[test]
fn no_line_is_longer_than_a_terminal_takes() {
    let argument = "'".repeat(5000);
    let mut lines = lines(&["echo", &argument], Some(&[7; 9000]), MARKER);
    lines.extend([prepare(MARKER), try_sudo(MARKER), read_commands(MARKER, Some(MARKER)), define(MARKER)]);
    for line in lines {
        assert!(line.len() <= 1000, "{} bytes: {line}", line.len());
        assert!(!line.contains(MARKER) || line.contains("sudo -k -p"), "an echo would be an answer: {line}");
        assert!(!line.chars().any(char::is_control));
    }
}

/// What is run, what it reads, what it leaves behind.
type Program = (&'static [&'static str], Option<&'static [u8]>, ExecOutput);

/// Every shell that the machine has, fed as a terminal would.
#[test]
fn shells_do_what_they_are_told() {
    let scripts: [Program; 3] = [
        (
            &["cat"],
            Some(b"a'b\"c\n\xff\0"),
            ExecOutput { status: 0, stdout: b"a'b\"c\n\xff\0".to_vec(), stderr: Vec::new() },
        ),
        (
            &["printf", "%s|%s", "a b", "$HOME'\n"],
            None,
            ExecOutput { status: 0, stdout: b"a b|$HOME'\n".to_vec(), stderr: Vec::new() },
        ),
        (
            &["sh", "-c", "echo no >&2; exit 3"],
            None,
            ExecOutput { status: 3, stdout: Vec::new(), stderr: b"no\n".to_vec() },
        ),
    ];
    let mut tried = 0;
    for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
        let Ok(mut child) = Command::new(shell[0])
            .args(&shell[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
        else {
            continue;
        };
        tried += 1;
        let mut typed = vec!["exec 5>&1".to_owned(), define(MARKER)];
        let markers: Vec<String> = (0..scripts.len()).map(|nth| format!("BH{nth}x{nth}y{nth}")).collect();
        for ((argv, input, _), marker) in scripts.iter().zip(&markers) {
            typed.extend(lines(argv, *input, marker));
        }
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all((typed.join("\n") + "\n").as_bytes()).expect("typed");
        drop(stdin);
        let heard = child.wait_with_output().expect("an end").stdout;
        let text = String::from_utf8(heard).expect("text");
        for ((argv, _, expected), marker) in scripts.iter().zip(&markers) {
            // What acknowledges the lines before it is left out.
            let begin = text.find(&format!("{marker} s ")).unwrap_or_else(|| panic!("{shell:?} ran {argv:?}: {text}"));
            let output = answer(&text.as_bytes()[begin..], marker).expect("whole").expect("in order");
            assert_eq!(&output, expected, "{shell:?} {argv:?}");
        }
    }
    assert!(tried > 0, "no shell to try");
}
