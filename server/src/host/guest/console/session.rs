//! One login on a serial console: from the login prompt to a shell that runs programs, and out again.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::{
    super::{
        error::Error,
        exec::{ExecOutput, OUTPUT},
        login::Login,
    },
    Run,
    talk::{self, Act, Greeting, Trouble},
};
use crate::host::libvirt::{self, Libvirt};

/// A prompt is one if nothing follows it for so long.
const QUIET: Duration = Duration::from_millis(300);
/// Logging in, all of it.
const LOGIN: Duration = Duration::from_secs(90);
/// What a shell does by itself.
const ANSWER: Duration = Duration::from_secs(15);
/// How long a program may take to end after Ctrl-C.
const END: Duration = Duration::from_secs(3);
/// More than this is not kept of what was heard, in bytes: both outputs in base64 with their line ends.
const HEARD: usize = OUTPUT * 3;
/// The same before a word that a shell says by itself, which is looked for again with each piece that arrives.
const SAID: usize = 64 << 10;
/// So many pieces may be heard before a shell is quiet.
const SETTLING: usize = 200;
const INTERRUPT: &[u8] = b"\x03";
const GIVE_UP: &[u8] = b"\x03\rexit\r";

/// What ends a conversation.
#[derive(Debug)]
pub enum Fault {
    Libvirt(libvirt::Error),
    Trouble(Trouble),
    /// `ended` by Ctrl-C.
    Slow {
        seconds: u64,
        ended: bool,
    },
}

impl From<libvirt::Error> for Fault {
    fn from(error: libvirt::Error) -> Self {
        Self::Libvirt(error)
    }
}

impl Fault {
    pub fn told(self, doing: &str) -> Error {
        let doing = doing.to_owned();
        match self {
            Self::Libvirt(error) => Error::Libvirt(error),
            Self::Trouble(trouble) => Error::Console { doing, trouble },
            Self::Slow { seconds, .. } => Error::Slow { doing, seconds },
        }
    }
}

/// A shell of root's on an open console, which reads commands.
pub struct Session {
    console: libvirt::Console,
    heard: Vec<u8>,
    pub used: Instant,
    /// There is a shell, which is not to be left behind.
    entered: bool,
}

impl Session {
    pub async fn open(guest: &str, login: &Login, libvirt: &Libvirt) -> Result<Self, Fault> {
        let console = libvirt.open_console(guest, login.uuid()).await?;
        let mut session = Self { console, heard: Vec::new(), used: Instant::now(), entered: false };
        let entered = timeout(LOGIN, session.enter(login)).await.unwrap_or(Err(Fault::Trouble(Trouble::Late)));
        match entered {
            Ok(()) => Ok(session),
            Err(fault) => {
                session.give_up().await;
                Err(fault)
            }
        }
    }

    /// Out of whatever this is.
    async fn give_up(self) {
        if self.entered {
            self.console.say(GIVE_UP).await.ok();
        }
        self.console.close().await;
    }

    async fn enter(&mut self, login: &Login) -> Result<(), Fault> {
        let lent = self.greet(login).await?;
        self.entered = true;
        self.say(if lent { talk::LENT_SHELL } else { talk::SHELL }).await?;
        // It may throw away what is typed before it reads.
        self.settle().await?;
        let shell = |_| Fault::Trouble(Trouble::NoShell);
        let id = marker();
        self.say(&talk::prepare(&id)).await?;
        let uid = self.until(ANSWER, |heard| talk::number(heard, &id)).await.map_err(shell)?;
        let ready = marker();
        if uid == 0 {
            self.say(&talk::read_commands(&ready, None)).await?;
        } else {
            self.become_root(login, &ready).await?;
        }
        self.until(ANSWER, |heard| talk::says(heard, &ready).then_some(())).await.map_err(|fault| match uid {
            0 => shell(fault),
            _ => Fault::Trouble(Trouble::NotRoot),
        })?;
        let defined = marker();
        self.say(&talk::define(&defined)).await?;
        self.until(ANSWER, |heard| talk::says(heard, &defined).then_some(())).await.map_err(shell)
    }

    /// To a shell; whether it was there before.
    async fn greet(&mut self, login: &Login) -> Result<bool, Fault> {
        let marker = marker();
        let mut greeting = Greeting::new(login, &marker);
        self.console.say(Greeting::START).await?;
        let mut since = Instant::now();
        loop {
            match timeout(QUIET, self.console.hear()).await {
                Ok(Some(bytes)) => {
                    greeting.hear(&bytes);
                    since = Instant::now();
                }
                Ok(None) => return Err(Fault::Trouble(Trouble::Closed)),
                Err(_) => match greeting.quiet(since.elapsed()) {
                    Act::Wait => {}
                    Act::Say(bytes) => {
                        self.console.say(&bytes).await?;
                        since = Instant::now();
                    }
                    Act::Shell { lent } => return Ok(lent),
                    Act::Fail(trouble) => return Err(Fault::Trouble(trouble)),
                },
            }
        }
    }

    /// By sudo, with the user's own password if it must: once, and to a prompt of our choice alone.
    async fn become_root(&mut self, login: &Login, ready: &str) -> Result<(), Fault> {
        let asked = marker();
        self.say(&talk::try_sudo(&asked)).await?;
        if self.until(ANSWER, |heard| talk::number(heard, &asked)).await? == 0 {
            return self.say(&talk::read_commands(ready, Some(""))).await;
        }
        // What was typed holds it too, if the terminal shows it: the prompt is at the end.
        let prompt = marker();
        self.say(&talk::read_commands(ready, Some(&prompt))).await?;
        self.until(ANSWER, |heard| heard.ends_with(prompt.as_bytes()).then_some(()))
            .await
            .map_err(|_| Fault::Trouble(Trouble::NotRoot))?;
        self.say(login.password().expose()).await
    }

    /// All but the last line, which is given back.
    pub async fn hand_over(&mut self, order: &Run, marker: &str) -> Result<String, Fault> {
        let argv: Vec<&str> = order.argv.iter().map(String::as_str).collect();
        let mut lines = talk::lines(&argv, order.input.as_deref(), marker);
        let last = lines.pop().unwrap_or_default();
        for line in lines {
            self.say(&line).await?;
            self.until(ANSWER, |heard| talk::says(heard, marker).then_some(())).await?;
        }
        Ok(last)
    }

    pub async fn run(&mut self, line: &str, limit: Duration, marker: &str) -> Result<ExecOutput, Fault> {
        self.say(line).await?;
        let answer = self.until_in(HEARD, limit, |heard| talk::answer(heard, marker)).await;
        self.used = Instant::now();
        match answer {
            Ok(outcome) => outcome.map_err(Fault::Trouble),
            Err(Fault::Trouble(Trouble::Late)) => {
                self.console.say(INTERRUPT).await?;
                let ended = self.until_in(HEARD, END, |heard| talk::answer(heard, marker)).await.is_ok();
                Err(Fault::Slow { seconds: limit.as_secs(), ended })
            }
            Err(fault) => Err(fault),
        }
    }

    /// Types a line. What was heard before it counts no more.
    async fn say(&mut self, line: &str) -> Result<(), Fault> {
        self.heard.clear();
        Ok(self.console.say(format!("{line}\r").as_bytes()).await?)
    }

    /// Listens until what was heard says something.
    async fn until<T>(&mut self, limit: Duration, says: impl FnMut(&[u8]) -> Option<T>) -> Result<T, Fault> {
        self.until_in(SAID, limit, says).await
    }

    async fn until_in<T>(
        &mut self,
        most: usize,
        limit: Duration,
        mut says: impl FnMut(&[u8]) -> Option<T>,
    ) -> Result<T, Fault> {
        let deadline = Instant::now() + limit;
        loop {
            let heard = timeout_at(deadline, self.console.hear()).await;
            let heard = heard.map_err(|_| Fault::Trouble(Trouble::Late))?;
            self.heard.extend(heard.ok_or(Fault::Trouble(Trouble::Closed))?);
            if let Some(said) = says(&self.heard) {
                return Ok(said);
            }
            if self.heard.len() > most {
                return Err(Fault::Trouble(Trouble::Garbled));
            }
        }
    }

    /// Until nothing more is said for a moment.
    async fn settle(&mut self) -> Result<(), Fault> {
        for _ in 0..SETTLING {
            match timeout(QUIET, self.console.hear()).await {
                Ok(Some(_)) => {}
                Ok(None) => return Err(Fault::Trouble(Trouble::Closed)),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Takes what nobody waits for, until the console is closed.
    pub async fn drain(&mut self) {
        while self.console.hear().await.is_some() {}
    }

    /// Logs out. What follows, a new login prompt, shows that it is done.
    pub async fn leave(mut self) {
        if self.say(talk::LEAVE).await.is_ok() {
            timeout(END, self.console.hear()).await.ok();
        }
        self.console.close().await;
    }
}

/// Nobody can know it before.
pub fn marker() -> String {
    let mut bytes = [0_u8; 12];
    #[expect(clippy::expect_used, reason = "without randomness no answer can be told from a forged one")]
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes.iter().fold("BH".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
