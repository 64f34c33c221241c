//! What is said on a serial console, and what is made of the answers. Pure: bytes in, bytes out.
//!
//! ```text
//! newline ─► login: ─ user ─► Password: ─ password, once ─► shell
//!         ─► shell prompt (somebody left it open) ────────► shell, lent
//!         ─► nothing ─ is it a loop of ours? ─ exit ─► from the start
//! ```
//!
//! Nothing that the guest wrote is repeated in an error: a hostile one could have kept the password and say it there.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use model::step::word;

use super::super::{
    exec::{ExecOutput, OUTPUT},
    login::Login,
};

/// A line typed at a terminal is cut at 4095 bytes (termios(3)); these stay far below.
const LINE: usize = 720;
/// Only the end of what was heard counts, in bytes.
const TAIL: usize = 4096;
/// Nobody answers a newline: it is sent once more, then it is tried whether a loop of ours is there, then given up.
const AGAIN: Duration = Duration::from_secs(2);
const POKE: Duration = Duration::from_secs(6);
const GIVE_UP: Duration = Duration::from_secs(12);
/// A login takes its time on a guest without KVM.
const SLOW: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("nothing on the serial console answers")]
    Mute,
    #[error("the serial console shows neither a login nor a shell")]
    Unknown,
    #[error("the serial console refuses this user and password")]
    Refused,
    #[error("what answers on the serial console is no POSIX shell with base64 and head")]
    NoShell,
    #[error("this user is not root, and sudo does not make it root")]
    NotRoot,
    #[error("something else wrote to the serial console in the middle of the answer")]
    Garbled,
    #[error("a program printed more than {OUTPUT} bytes")]
    TooMuch,
    #[error("the shell on the serial console does not answer")]
    Late,
    #[error("the serial console was closed")]
    Closed,
}

impl Trouble {
    /// Whatever else is said there will come to nothing too.
    pub fn is_silence(&self) -> bool {
        !matches!(self, Self::Garbled | Self::TooMuch)
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Wait,
    Say(Vec<u8>),
    /// There is a shell. `lent` if it was there before.
    Shell {
        lent: bool,
    },
    Fail(Trouble),
}

/// From a newline to a shell.
pub struct Greeting<'a> {
    login: &'a Login,
    /// What a shell prints that was poked.
    marker: &'a str,
    stage: Stage,
    heard: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Newline {
        again: bool,
    },
    Poked,
    /// The password prompt of somebody who went away was answered by an empty line.
    Dismissed,
    User,
    Password,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prompt {
    Nothing,
    Login,
    Password,
    Shell,
    Other,
}

impl<'a> Greeting<'a> {
    pub const START: &'static [u8] = b"\r";

    /// `marker` is random.
    pub fn new(login: &'a Login, marker: &'a str) -> Self {
        Self { login, marker, stage: Stage::Newline { again: false }, heard: Vec::new() }
    }

    pub fn hear(&mut self, bytes: &[u8]) {
        self.heard.extend_from_slice(bytes);
        let cut = self.heard.len().saturating_sub(TAIL);
        self.heard.drain(..cut);
    }

    /// Nothing has been heard for a moment, or for this long since something was said or heard.
    pub fn quiet(&mut self, silence: Duration) -> Act {
        let prompt = prompt(&self.heard);
        match (self.stage, prompt) {
            (Stage::Newline { .. } | Stage::Poked | Stage::Dismissed, Prompt::Login) => {
                self.say(Stage::User, self.login.user())
            }
            (Stage::Newline { .. }, Prompt::Password) => self.say(Stage::Dismissed, ""),
            (Stage::Newline { .. } | Stage::Dismissed, Prompt::Shell) => Act::Shell { lent: true },
            (Stage::Poked, _) if says(&self.heard, self.marker) => self.say(Stage::Newline { again: true }, "exit"),
            (Stage::Newline { again: false }, _) if silence >= AGAIN => self.say(Stage::Newline { again: true }, ""),
            (Stage::Newline { again: true }, _) if silence >= POKE => {
                let poke = print_marker(self.marker);
                self.say(Stage::Poked, &poke)
            }
            (Stage::Newline { .. } | Stage::Poked | Stage::Dismissed, _) if silence >= GIVE_UP => {
                Act::Fail(if self.heard.is_empty() { Trouble::Mute } else { Trouble::Unknown })
            }
            (Stage::User, Prompt::Password) => self.say(Stage::Password, self.login.password().expose()),
            // A user without a password.
            (Stage::User, Prompt::Shell) | (Stage::Password, Prompt::Shell) => Act::Shell { lent: false },
            (Stage::User, Prompt::Login) if !self.is_echo() => Act::Fail(Trouble::Refused),
            // Never twice.
            (Stage::Password, Prompt::Login | Prompt::Password) => Act::Fail(Trouble::Refused),
            (Stage::User | Stage::Password, _) if silence >= SLOW => Act::Fail(Trouble::Unknown),
            _ => Act::Wait,
        }
    }

    fn say(&mut self, stage: Stage, text: &str) -> Act {
        self.stage = stage;
        self.heard.clear();
        Act::Say(format!("{text}\r").into_bytes())
    }

    /// Whether no line has ended since the user was typed.
    fn is_echo(&self) -> bool {
        !self.heard.contains(&b'\n')
    }
}

fn prompt(heard: &[u8]) -> Prompt {
    let text = plain(heard);
    let last = text.rsplit(['\n', '\r']).next().unwrap_or_default().trim().to_lowercase();
    let asks = last.ends_with([':', '：']);
    if last.is_empty() {
        Prompt::Nothing
    } else if asks && (last.contains("password") || last.contains("密码")) {
        Prompt::Password
    } else if asks && !last.starts_with("last ") && (last.contains("login") || last.contains("登录")) {
        Prompt::Login
    } else if last.ends_with(['#', '$', '%', '>']) {
        Prompt::Shell
    } else {
        Prompt::Other
    }
}

/// Without the sequences that colour a terminal (ECMA-48), and without other control characters but line ends.
fn plain(heard: &[u8]) -> String {
    let text = String::from_utf8_lossy(heard);
    let mut plain = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                Some('[') => drop(rest.by_ref().find(|c| ('@'..='~').contains(c))),
                Some(']') => drop(rest.by_ref().find(|c| matches!(c, '\u{7}' | '\\'))),
                _ => {}
            },
            '\n' | '\r' => plain.push(c),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

/// Whether a shell has printed this marker: what was typed holds it in two halves.
pub fn says(heard: &[u8], marker: &str) -> bool {
    after(&String::from_utf8_lossy(heard), marker).is_some_and(|rest| rest.contains(" ."))
}

/// What follows the marker.
pub fn after<'t>(heard: &'t str, marker: &str) -> Option<&'t str> {
    heard.split_once(marker).map(|(_, rest)| rest)
}

/// A command that sets `m` to this marker, without holding it.
pub fn set_marker(marker: &str) -> String {
    let (first, second) = marker.split_at(marker.len() / 2);
    format!("m={first};m=${{m}}{second}")
}

fn print_marker(marker: &str) -> String {
    format!("{};printf '%s .\\n' \"$m\"", set_marker(marker))
}

/// In whatever shell there is: goes on in a POSIX shell, which says with which user id.
pub const SHELL: &str = " exec sh";
pub const LENT_SHELL: &str = " sh";

pub fn prepare(marker: &str) -> String {
    format!(" unset HISTFILE;stty -echo;PS1=;PS2=;{};printf '%s %s .\\n' \"$m\" \"$(id -u)\"", set_marker(marker))
}

/// The number that follows the marker.
pub fn number(heard: &[u8], marker: &str) -> Option<u32> {
    let text = String::from_utf8_lossy(heard);
    let (number, _) = after(&text, marker)?.split_once(" .")?;
    number.trim().parse().ok()
}

pub fn try_sudo(marker: &str) -> String {
    format!(" sudo -n true 2>/dev/null;s=$?;{};printf '%s %s .\\n' \"$m\" \"$s\"", set_marker(marker))
}

/// The command that reads commands: it has no prompt, no history and no editing, and the kernel's messages stay away from
/// it until it ends. `sudo` as root with a password that is asked for by this word, or without one.
pub fn read_commands(marker: &str, sudo: Option<&str>) -> String {
    let sudo =
        sudo.map(|prompt| if prompt.is_empty() { "sudo -n ".to_owned() } else { format!("sudo -k -p {prompt} ") });
    let script = format!(
        "stty -echo;trap : INT;exec 5>&1;PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin;LC_ALL=C;\
         export PATH LC_ALL;read -r k </proc/sys/kernel/printk;dmesg -n 1 2>/dev/null;{}\
         while IFS= read -r l||[ $? -gt 128 ];do eval \"$l\";done",
        print_marker(marker).replace('\'', "\"") + ";"
    );
    format!(" exec {}sh -c '{script}'", sudo.unwrap_or_default())
}

/// Defines how a command is run: its status, then its outputs, each in base64 with its length before it.
pub fn define(marker: &str) -> String {
    let most = OUTPUT + 1;
    format!(
        "x(){{ e=$({{ o=$({{ eval \"$c\" </dev/null 4>&- 5>&-;printf '%s s %s\\n' \"$m\" \"$?\" >&5; }} 2>&4|head -c {most}|base64);\
         printf '%s o %s %s\\n' \"$m\" \"${{#o}}\" \"$o\" >&5; }} 4>&1|head -c {most}|base64);\
         printf '%s e %s %s\\n%s .\\n' \"$m\" \"${{#e}}\" \"$e\" \"$m\" >&5; }};{}",
        print_marker(marker)
    )
}

/// The end of it: everything as it was.
pub const LEAVE: &str = "echo \"$k\" >/proc/sys/kernel/printk;stty echo;exit";

/// The lines that hand over a command and its input. Each is answered by the marker before the next is typed; the last one
/// runs it.
pub fn lines(argv: &[&str], input: Option<&[u8]>, marker: &str) -> Vec<String> {
    let mut command: Vec<String> = Vec::new();
    if input.is_some() {
        command.push("printf %s \"$i\"|base64 -d|".to_owned());
    }
    command.extend(argv.iter().map(|argument| word(argument)));
    let mut lines = vec![format!("c=;i=;{}", print_marker(marker))];
    let acknowledge = "printf '%s .\\n' \"$m\"";
    let mut hand_over = |name: char, bytes: &[u8]| {
        let text = STANDARD.encode(bytes);
        for piece in text.as_bytes().chunks(LINE) {
            lines.push(format!("{name}=${{{name}}}{};{acknowledge}", String::from_utf8_lossy(piece)));
        }
    };
    hand_over('c', command.join(" ").as_bytes());
    hand_over('i', input.unwrap_or_default());
    lines.push("c=$(printf %s \"$c\"|base64 -d);x".to_owned());
    lines
}

/// The answer to the last of [`lines`], once it is whole.
pub fn answer(heard: &[u8], marker: &str) -> Option<Result<ExecOutput, Trouble>> {
    // Not before the end is there: it may be long, and is looked at again with each piece that arrives.
    let end = format!("{marker} .");
    let tail = heard.get(heard.len().saturating_sub(TAIL)..).unwrap_or_default();
    if !tail.windows(end.len()).any(|window| window == end.as_bytes()) {
        return None;
    }
    Some(read(&String::from_utf8_lossy(heard), marker))
}

fn read(text: &str, marker: &str) -> Result<ExecOutput, Trouble> {
    let mut parts = text.split(marker).skip(1);
    let mut part = |letter: &str| parts.next().and_then(|part| part.strip_prefix(letter)).ok_or(Trouble::Garbled);
    let status = part(" s ")?.trim().parse().map_err(|_| Trouble::Garbled)?;
    let (stdout, stderr) = (decode(part(" o ")?)?, decode(part(" e ")?)?);
    part(" .")?;
    Ok(ExecOutput { status, stdout, stderr })
}

/// `LENGTH BASE64`: the length is that of the text with its line ends, which the terminal has made longer.
fn decode(part: &str) -> Result<Vec<u8>, Trouble> {
    let (length, text) = part.split_once(' ').ok_or(Trouble::Garbled)?;
    let length: usize = length.parse().map_err(|_| Trouble::Garbled)?;
    let text = text.replace('\r', "");
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if text.len() != length {
        return Err(Trouble::Garbled);
    }
    let bytes = STANDARD.decode(text.replace('\n', "")).map_err(|_| Trouble::Garbled)?;
    if bytes.len() > OUTPUT { Err(Trouble::TooMuch) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests;
