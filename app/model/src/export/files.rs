//! Which files a format has, and what they are made of.

use crate::{
    Cluster, Observed,
    note::Note,
    plan::{plan, steps},
};

use super::{
    Export, File, Format, cloud_init, ifupdown, libvirt, netplan, networkd, networkmanager, nft, plain, shell,
};

/// All that a document says, for a host that has none of it. Refused, with the notes that forbid it, is only a script:
/// of what cannot be planned there are no commands.
pub fn network(observed: &Observed, cluster: &Cluster, format: Format) -> Result<Export, Vec<Note>> {
    let nothing = Cluster::default();
    match format {
        Format::Shell => script(&without(observed, cluster), &nothing, cluster),
        _ => Ok(Export { files: files(observed, cluster, format) }),
    }
}

/// A draft of the document: the script does what its plan would do, all else is as [`network`] would write it then.
pub fn draft(observed: &Observed, committed: &Cluster, draft: &Cluster, format: Format) -> Result<Export, Vec<Note>> {
    match format {
        Format::Shell => script(observed, committed, draft),
        _ => Ok(Export { files: files(&without(observed, committed), draft, format) }),
    }
}

fn script(observed: &Observed, committed: &Cluster, draft: &Cluster) -> Result<Export, Vec<Note>> {
    let plan = plan(observed, committed, draft);
    if plan.is_blocked() {
        return Err(plan.notes);
    }
    let files = if plan.is_empty() { Vec::new() } else { vec![shell::write(observed, &plan)] };
    Ok(Export { files })
}

fn files(observed: &Observed, cluster: &Cluster, format: Format) -> Vec<File> {
    match format {
        Format::Document => vec![File::new("bridgehead.toml", cluster.to_toml())],
        Format::Libvirt => libvirt::write(observed, cluster),
        Format::Nft => nft::write(&steps(&without(observed, cluster), &Cluster::default(), cluster)),
        Format::Netplan => netplan::write(&plain(cluster)),
        Format::Networkd => networkd::write(&plain(cluster)),
        Format::Ifupdown => ifupdown::write(&plain(cluster)),
        Format::NetworkManager => networkmanager::write(&plain(cluster)),
        Format::CloudInit => cloud_init::write(observed, cluster, None, "").files,
        Format::Shell => Vec::new(),
    }
}

/// The host as it would be if all that a document asks for were given back.
fn without(observed: &Observed, cluster: &Cluster) -> Observed {
    let mut bare = observed.clone();
    for step in steps(observed, cluster, &Cluster::default()) {
        step.simulate(&mut bare);
    }
    bare
}
