//! What a plan notes in a domain, and what it may forget.

use std::collections::BTreeSet;

use crate::{
    Mac,
    observed::{Marks, NicMark, RouteMark},
    step::Step,
};

/// Marks of one guest: as they are, with what this plan adds, and without what it gives back.
pub struct MarksPlan {
    was: Marks,
    /// Noted before anything changes.
    pub plus: Marks,
    /// Forgotten at the end.
    pub last_nics: BTreeSet<Mac>,
    pub last_routes: Vec<RouteMark>,
    pub last_mtus: BTreeSet<Mac>,
    pub last_filters: BTreeSet<Mac>,
    pub last_dhcp: BTreeSet<Mac>,
    pub last_accept_ra: BTreeSet<Mac>,
    pub last_forward: bool,
    pub last_autostart: bool,
    pub last_channel: bool,
    pub last_dns: bool,
    pub last_hostname: bool,
    pub last_files: bool,
}

impl MarksPlan {
    pub fn new(was: Marks) -> Self {
        Self {
            plus: was.clone(),
            was,
            last_nics: BTreeSet::new(),
            last_routes: Vec::new(),
            last_mtus: BTreeSet::new(),
            last_filters: BTreeSet::new(),
            last_dhcp: BTreeSet::new(),
            last_accept_ra: BTreeSet::new(),
            last_forward: false,
            last_autostart: false,
            last_channel: false,
            last_dns: false,
            last_hostname: false,
            last_files: false,
        }
    }

    pub fn note(&mut self, mac: Mac, mark: NicMark) {
        self.plus.nics.entry(mac).or_insert(mark);
    }

    pub fn note_route(&mut self, mark: RouteMark) {
        if !self.plus.routes.contains(&mark) {
            self.plus.routes.push(mark);
        }
    }

    /// The step before everything and the step after it, where there is anything to write.
    pub fn steps(self, guest: &str) -> (Option<Step>, Option<Step>) {
        let mut last = self.plus.clone();
        last.nics.retain(|mac, _| !self.last_nics.contains(mac));
        last.routes.retain(|mark| !self.last_routes.contains(mark));
        last.mtus.retain(|mac, _| !self.last_mtus.contains(mac));
        last.rp_filters.retain(|mac, _| !self.last_filters.contains(mac));
        last.dhcp.retain(|mac| !self.last_dhcp.contains(mac));
        last.accept_ra.retain(|mac, _| !self.last_accept_ra.contains(mac));
        if self.last_forward {
            last.ip_forward = None;
        }
        if self.last_autostart {
            last.autostart = None;
        }
        if self.last_channel {
            last.channel = None;
        }
        if self.last_dns {
            last.dns = None;
        }
        if self.last_hostname {
            last.hostname = None;
        }
        if self.last_files {
            last.files = false;
        }
        let step = |marks: &Marks, was: &Marks| {
            let (guest, marks, was) = (guest.to_owned(), marks.clone(), was.clone());
            (marks != was).then(|| Step::SetMarks { guest, marks: Box::new(marks), was: Box::new(was) })
        };
        (step(&self.plus, &self.was), step(&last, &self.plus))
    }
}
