//! `bridgehead ssh-key` and `bridgehead use-ssh`.

use std::net::IpAddr;

use clap::Args;
use model::name::GuestName;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Api, Outcome, block_on, print};

/// Let Bridgehead reach a guest by SSH, where its agent runs no programs. Without that no guest is connected to.
#[derive(Debug, Args)]
pub struct UseSsh {
    guest: GuestName,
    /// Who it logs in as: root, or one that may run sudo without a password.
    #[arg(long, default_value = "root")]
    user: String,
    /// Where the guest is, if that is not to be found out.
    #[arg(long)]
    address: Option<IpAddr>,
    /// Reach it by SSH no longer.
    #[arg(long, conflicts_with_all = ["user", "address", "forget_key"])]
    remove: bool,
    /// Forget the host key that is pinned for it: it was installed anew.
    #[arg(long, conflicts_with_all = ["user", "address"])]
    forget_key: bool,
}

/// Prints the line for `/root/.ssh/authorized_keys` of a guest.
pub fn key() -> Outcome {
    block_on(async {
        let key: Value = Api::find()?.get("ssh").await?;
        print(&format!("{}\n", key["authorized_keys"].as_str().unwrap_or_default()));
        Ok(())
    })
}

pub fn use_ssh(args: UseSsh) -> Outcome {
    block_on(async {
        let api = Api::find()?;
        let path = format!("guests/{}/ssh", args.guest);
        if args.remove {
            return api.delete(&path).await;
        }
        if args.forget_key {
            return api.delete(&format!("{path}/key")).await;
        }
        let wanted = json!({ "user": args.user, "address": args.address });
        let standing: Value = api.ask(Method::PUT, &path, Some(wanted)).await?;
        let text = |key: &str| standing[key].as_str().unwrap_or_default().to_owned();
        if let Some(trouble) = standing["trouble"].as_str() {
            let line = text("authorized_keys");
            return Err(format!(
                "{trouble}\nThe line that lets Bridgehead in, for the user's authorized_keys:\n{line}"
            )
            .into());
        }
        print(&format!(
            "{} is reached by SSH if it has no better way; its host key is {}\n",
            args.guest,
            text("pinned")
        ));
        Ok(())
    })
}
