//! Who logs in to a guest. The password is kept from logs, errors and whatever is derived.

use std::{fmt, sync::Arc};

/// The most of either, in bytes.
const USER: usize = 64;
const PASSWORD: usize = 256;

/// A user and password for one guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    user: String,
    password: Secret,
    /// Of the domain that it was given for: another one may come to have the name.
    uuid: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct BadLogin {
    /// `user` or `password`.
    pub field: &'static str,
    pub reason: &'static str,
}

/// A text that never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Login {
    pub fn new(user: &str, password: &str, uuid: &str) -> Result<Self, BadLogin> {
        let check = |field, text: &str, most| {
            let bad = |reason| Err(BadLogin { field, reason });
            match text {
                "" => bad("it is empty"),
                _ if text.len() > most => bad("it is too long"),
                _ if text.chars().any(char::is_control) => bad("it has a control character"),
                _ => Ok(()),
            }
        };
        check("user", user, USER)?;
        // `login -f` is not asked for.
        if user.starts_with('-') || user.contains(char::is_whitespace) {
            return Err(BadLogin { field: "user", reason: "it is no name of a user" });
        }
        check("password", password, PASSWORD)?;
        Ok(Self { user: user.to_owned(), password: Secret(password.into()), uuid: uuid.to_owned() })
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    pub fn password(&self) -> &Secret {
        &self.password
    }

    pub fn uuid(&self) -> &str {
        &self.uuid
    }
}

impl Secret {
    /// For whoever must have it: a password prompt, and the store.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_show_itself() {
        let login = Login::new("root", "hunter2", "u").expect("a login");
        assert!(!format!("{login:?}").contains("hunter2"));
        assert_eq!(login.password().expose(), "hunter2");
    }

    #[test]
    fn what_a_terminal_would_take_for_more_is_refused() {
        let long = "x".repeat(257);
        for (user, password, field) in [
            ("", "x", "user"),
            ("a b", "x", "user"),
            ("-froot", "x", "user"),
            ("root\r", "x", "user"),
            ("root", "", "password"),
            ("root", "a\nb", "password"),
            ("root", "\u{3}", "password"),
            ("root", long.as_str(), "password"),
        ] {
            assert_eq!(Login::new(user, password, "u").expect_err("refused").field, field, "{user:?} {password:?}");
        }
    }
}
