//! Why a change is refused before it begins.

use std::ops::RangeInclusive;

use model::note::Note;

use super::revert;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("another change is being applied: wait until it has ended")]
    Busy,
    #[error("change {0} is being taken back, for which libvirt has to answer: see whether libvirtd is running")]
    NoLibvirt(u64),
    #[error("the document is at version {current}, this draft was made from version {asked}: load it again")]
    Version { asked: u64, current: u64 },
    #[error("the network has changed since the plan was made, and the plan with it: read the new plan")]
    Generation { based_on: u64, now: u64 },
    #[error("a note blocks the plan")]
    Blocked(Vec<Note>),
    #[error("there is no change to take back")]
    NothingToUndo,
    #[error("the last change was not an undo: there is nothing to do again")]
    NothingToRedo,
    #[error("the network is as the document says: nothing is to be put back")]
    NothingToPutBack,
    #[error("no change waits to be confirmed under the number {0}")]
    NothingToConfirm(u64),
    #[error("only {who}, who asked for the change, can confirm it")]
    NotYours { who: String },
    #[error("the change could cut you off, and cannot be guarded")]
    Unguarded(#[from] revert::ArmError),
    #[error("{seconds} s are no time to confirm a change in: between {} and {} s are", CONFIRM.start(), CONFIRM.end())]
    Hurry { seconds: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seconds in which a change may be asked to be confirmed.
pub const CONFIRM: RangeInclusive<u64> = 5..=3600;
