//! Maps, sets and orders that take little code.
//!
//! `collect` makes a map by sorting what it gets, and both it and `sort_by` are code of their own for each type: three
//! kilobytes each time, which the browser has to download before the picture is live. What it runs until then gathers by
//! these functions; the rest may do as it likes.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// Of several pairs with one key, the last stays.
pub(crate) fn map<K: Ord, V>(pairs: impl Iterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

pub(crate) fn set<T: Ord>(items: impl Iterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// Sorts; what is equal stays in its order.
pub fn sort_by<T>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let order = order(items.len(), &|a, b| compare(&items[a], &items[b]));
    let mut taken: Vec<Option<T>> = std::mem::take(items).into_iter().map(Some).collect();
    items.extend(order.into_iter().filter_map(|at| taken[at].take()));
}

pub fn sort_by_key<T, K: Ord>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

/// The places of `count` things in their order.
fn order(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| compare(*a, *b));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_and_leaves_equals_in_their_order() {
        let mut words = vec!["pear", "fig", "kiwi", "apple", "nut"];
        sort_by_key(&mut words, |word| word.len());
        assert_eq!(words, ["fig", "nut", "pear", "kiwi", "apple"]);
        sort_by(&mut words, |a, b| b.cmp(a));
        assert_eq!(words, ["pear", "nut", "kiwi", "fig", "apple"]);
    }

    #[test]
    fn the_last_of_a_key_stays() {
        assert_eq!(map([(2, 'a'), (1, 'b'), (2, 'c')].into_iter()), [(1, 'b'), (2, 'c')].into());
        assert_eq!(set([2, 1, 2].into_iter()), [1, 2].into());
    }
}
