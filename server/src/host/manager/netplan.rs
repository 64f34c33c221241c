//! netplan: it writes files for the others, named after the ids in its own.

use model::observed::{Manager, ManagerKind};

use super::Found;

pub const FOLDER: &str = "etc/netplan";

/// The claim on what netplan calls `id`. Where several files name it, somebody else's comes before ours.
pub fn manager(id: &str, files: &[Found]) -> Manager {
    let claim = |file: &Found| Manager { kind: ManagerKind::Netplan, file: Some(file.path.clone()) };
    let mut claims: Vec<_> = files.iter().filter(|file| names(&file.text, id)).map(claim).collect();
    claims.sort_by_key(Manager::is_ours);
    claims.into_iter().next().unwrap_or(Manager { kind: ManagerKind::Netplan, file: None })
}

/// Whether a line of this YAML begins with the key `id`.
fn names(yaml: &str, id: &str) -> bool {
    let quote = ['"', '\''];
    yaml.lines().any(|line| {
        let key = line.trim_start().trim_start_matches(quote).strip_prefix(id);
        key.is_some_and(|rest| rest.trim_start_matches(quote).trim_start().starts_with(':'))
    })
}
