//! The order of the members of a big sorted set: a B+-tree of slots that knows how many slots lie below each branch.
//!
//! ```text
//!            [ first, count | first, count ]            branch: children with their least slot and how many slots they hold
//!             /                     \
//!    [ slot slot slot ]      [ slot slot ]              leaf: slots in order
//! ```
//!
//! A slot is the number of a member in the member table and the upper half of its score, so that most comparisons are made without
//! a look at the member. What the order is, the caller says: each walk is led by a [`Way`].
//!
//! Invariant: all leaves are equally deep, and no node is empty but a root that is a leaf.
//! Invariant: `first` and `count` of a child are those of the node below it.
//! Invariant: a leaf has room for at most `GROWTH` slots more than it holds, or it has lost slots since it last grew or split.

mod iter;
mod node;
mod way;

pub use iter::Iter;
use node::{Child, Node};
pub use way::Way;

/// A member as the index knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The upper half of its score, see [`hint`].
    pub hint: u32,
    /// Its number in the member table.
    pub id: u32,
}

/// The upper half of a score, so that a larger hint means a larger score. Both zeros have the same one.
#[inline]
pub fn hint(score: f64) -> u32 {
    let bits = (score + 0.0).to_bits();
    let ordered = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    (ordered >> 32) as u32
}

/// Slots in order.
#[derive(Debug, Clone)]
pub struct Index {
    root: Node,
    len: usize,
}

impl Default for Index {
    fn default() -> Self {
        Self { root: Node::Leaf(Vec::new()), len: 0 }
    }
}

impl Index {
    /// How many slots there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many slots come before the place where `way` leads.
    pub fn place(&self, way: &Way<impl Fn(Slot) -> bool>) -> usize {
        self.root.place(way)
    }

    /// Puts `slot` where `way` leads.
    pub fn insert(&mut self, slot: Slot, way: &Way<impl Fn(Slot) -> bool>) {
        self.len += 1;
        if let Some(right) = self.root.insert(slot, way) {
            let left = Child::new(std::mem::take(&mut self.root));
            self.root = Node::Branch(vec![left, right]);
        }
    }

    /// Removes the slot before the place where `way` leads. There is one.
    pub fn remove(&mut self, way: &Way<impl Fn(Slot) -> bool>) -> Slot {
        self.len -= 1;
        let removed = self.root.remove(way);
        while let Some(only) = self.root.take_only_child() {
            self.root = only;
        }
        removed
    }

    /// Gives the slot before the place where `way` leads another number. There is one.
    pub fn renumber(&mut self, id: u32, way: &Way<impl Fn(Slot) -> bool>) {
        self.root.renumber(id, way);
    }

    /// The slots of these ranks, from either end. Ranks that are not there are left out.
    pub fn range(&self, ranks: std::ops::Range<usize>) -> Iter<'_> {
        Iter::new(self, ranks)
    }

    /// The leaf that holds the slot of that rank, and the slot's place in it.
    fn leaf(&self, rank: usize) -> (&[Slot], usize) {
        self.root.leaf(rank)
    }

    /// Bytes of memory on the heap.
    pub fn memory_bytes(&self) -> usize {
        self.root.memory_bytes()
    }

    /// How many allocations it has.
    pub fn allocations(&self) -> usize {
        self.root.nodes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kvark_base::random::Random;

    #[test]
    fn hints_order_as_scores_do() {
        let scores = [f64::NEG_INFINITY, f64::MIN, -1.5, -1.0, -1e-300, 0.0, 5e-324, 1e-300, 1.0, 1e300, f64::INFINITY];
        for pair in scores.windows(2) {
            assert!(hint(pair[0]) <= hint(pair[1]), "{pair:?}");
        }
        assert_eq!(hint(-0.0), hint(0.0));
        assert!(hint(-1.0) < hint(1.0) && hint(f64::NEG_INFINITY) < hint(f64::MIN) && hint(1.0) < hint(2.0));
    }

    /// Numbers `0..` stand for themselves. Eight of them share a hint.
    fn slot(number: u32) -> Slot {
        Slot { hint: number / 8, id: !number }
    }

    fn number(slot: Slot) -> u32 {
        !slot.id
    }

    /// The way to behind that number.
    fn upto(wanted: u32) -> Way<impl Fn(Slot) -> bool> {
        Way::among(wanted / 8, move |other| {
            assert_eq!(other.hint, wanted / 8);
            number(other) <= wanted
        })
    }

    fn check(index: &Index, model: &[u32], random: &mut Random) {
        assert_eq!(index.len(), model.len());
        index.root.check();
        let (a, b) = (random.below(model.len() as u64 + 3) as usize, random.below(model.len() as u64 + 3) as usize);
        let expected = model.get(a.min(model.len())..b.min(model.len())).unwrap_or(&[]);
        let numbers: Vec<u32> = index.range(a..b).map(number).collect();
        assert_eq!(numbers, expected);
        let mut backwards: Vec<u32> = index.range(a..b).rev().map(number).collect();
        backwards.reverse();
        assert_eq!(backwards, expected);
        let probe = random.below(10_000) as u32;
        let place = model.partition_point(|&number| number <= probe);
        assert_eq!(index.place(&upto(probe)), place);
        assert_eq!(index.place(&Way::behind(|slot| number(slot) <= probe)), place);
    }

    #[test]
    fn it_agrees_with_a_sorted_list_whatever_happens() {
        for seed in 0..6 {
            let mut random = Random::from_seed(seed);
            let (mut index, mut model) = (Index::default(), Vec::<u32>::new());
            for round in 0..12_000 {
                let grows = (round / 3_000) % 2 == 0;
                let number = if seed % 2 == 0 { random.below(10_000) as u32 } else { round as u32 };
                match model.binary_search(&number) {
                    Err(at) if grows => {
                        model.insert(at, number);
                        index.insert(slot(number), &upto(number));
                    }
                    _ if !model.is_empty() => {
                        let at = if seed > 3 { 0 } else { random.below(model.len() as u64) as usize };
                        let number = model.remove(at);
                        assert_eq!(index.remove(&upto(number)), slot(number));
                    }
                    _ => {}
                }
                if round % 50 == 0 {
                    check(&index, &model, &mut random);
                }
            }
        }
    }

    #[test]
    fn a_slot_gets_another_number_wherever_it_is() {
        let mut index = Index::default();
        for number in 0..1000 {
            index.insert(slot(number), &upto(number));
        }
        let was = |slot: Slot| slot.id.min(number(slot));
        for wanted in 0..1000 {
            index.renumber(wanted, &Way::among(wanted / 8, |slot| was(slot) <= wanted));
        }
        index.root.check();
        assert!(index.range(0..1000).map(|slot| slot.id).eq(0..1000));
    }

    #[test]
    fn slots_that_come_in_order_fill_their_leaves() {
        for descending in [false, true] {
            let mut index = Index::default();
            for number in 0..100_000 {
                let number = if descending { 100_000 - number } else { number };
                index.insert(slot(number), &upto(number));
            }
            let bytes_each = index.memory_bytes() as f64 / 100_000.0;
            assert!(bytes_each < 9.0, "{bytes_each}");
        }
    }

    #[test]
    fn slots_that_come_in_any_order_take_ten_bytes_each() {
        let (mut index, mut random) = (Index::default(), Random::from_seed(1));
        for _ in 0..100_000 {
            let number = random.next_u64() as u32;
            index.insert(slot(number), &upto(number));
        }
        let bytes_each = index.memory_bytes() as f64 / 100_000.0;
        assert!(bytes_each < 10.0, "{bytes_each}");
    }
}
