//! Drafts that say whether guests and networks start with the host.
//!
//! What is so already gets no entry, and what is to be the opposite of what the committed document says loses its entry: so
//! that an entry, when it goes, gives back what was there before it.

use crate::{Cluster, Observed, cluster::Network, name::NetworkName, note::Subject};

/// What is known of one guest or network.
struct Said {
    is: bool,
    committed: Option<bool>,
    draft: Option<bool>,
}

/// Whether a guest or a network will start with the host, as the draft has it. `None` if there is none of that name, or
/// none with a definition that could.
pub fn starts(observed: &Observed, committed: &Cluster, draft: &Cluster, subject: &Subject) -> Option<bool> {
    let Said { is, committed, draft } = said(observed, committed, draft, subject)?;
    Some(draft.or(committed.map(|said| !said)).unwrap_or(is))
}

/// With this guest or network to start with the host, or not.
#[must_use]
pub fn set(observed: &Observed, committed: &Cluster, draft: &Cluster, subject: &Subject, on: bool) -> Cluster {
    let Some(said) = said(observed, committed, draft, subject) else { return draft.clone() };
    let wanted = match said.committed {
        Some(said) => said == on,
        None => said.is != on,
    };
    let autostart = wanted.then_some(on);
    match subject {
        Subject::Guest(name) => {
            let Ok(name) = name.parse() else { return draft.clone() };
            draft.with_guest(&name, |guest| guest.autostart = autostart)
        }
        Subject::Network(name) => {
            let Ok(name) = name.parse() else { return draft.clone() };
            edit_network(draft, &name, |network| network.autostart = autostart)
        }
        _ => draft.clone(),
    }
}

/// With an edited entry of a network; one that says nothing is none.
#[must_use]
pub fn edit_network(draft: &Cluster, name: &NetworkName, edit: impl FnOnce(&mut Network)) -> Cluster {
    let blank = Network { name: name.clone(), autostart: None, put_back: false };
    let mut edited = draft.clone();
    let mut network = draft.network(name).cloned().unwrap_or_else(|| blank.clone());
    edited.networks.retain(|network| network.name != *name);
    edit(&mut network);
    if network != blank {
        edited.networks.push(network);
    }
    edited
}

fn said(observed: &Observed, committed: &Cluster, draft: &Cluster, subject: &Subject) -> Option<Said> {
    match subject {
        Subject::Guest(name) => {
            let domain = observed.domains.get(name).filter(|domain| domain.persistent)?;
            let says = |cluster: &Cluster| cluster.guest(name).and_then(|guest| guest.autostart);
            Some(Said { is: domain.autostart, committed: says(committed), draft: says(draft) })
        }
        Subject::Network(name) => {
            let network = observed.networks.get(name).filter(|network| network.persistent)?;
            let says = |cluster: &Cluster| cluster.network(name).and_then(|network| network.autostart);
            Some(Said { is: network.autostart, committed: says(committed), draft: says(draft) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::Domain;

    #[test]
    fn a_button_that_is_pressed_twice_has_changed_nothing() {
        let mut observed = Observed::default();
        let domain = Domain { name: "node1".to_owned(), persistent: true, ..Domain::default() };
        observed.domains.insert("node1".to_owned(), domain);
        let node1 = Subject::Guest("node1".to_owned());
        let nothing = Cluster::default();
        let on = set(&observed, &nothing, &nothing, &node1, true);
        assert_eq!(starts(&observed, &nothing, &on, &node1), Some(true));
        assert_eq!(set(&observed, &nothing, &on, &node1, false), nothing);

        // The same once it is committed and so.
        observed.domains.values_mut().for_each(|domain| domain.autostart = true);
        let off = set(&observed, &on, &on, &node1, false);
        assert_eq!((starts(&observed, &on, &off, &node1), &off), (Some(false), &nothing));
        assert_eq!(set(&observed, &on, &off, &node1, true), on);
        assert_eq!(starts(&observed, &on, &on, &Subject::Guest("gone".to_owned())), None);
    }
}
