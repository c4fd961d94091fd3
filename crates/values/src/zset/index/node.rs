//! A node of the index: a leaf with slots or a branch with children.

use super::{Slot, Way};
use crate::cache;

/// The most slots of a leaf.
const MAX_SLOTS: usize = 128;
/// The most children of a branch.
const MAX_CHILDREN: usize = 32;
/// How many slots a leaf grows by.
const GROWTH: usize = 16;

/// A leaf or a branch.
#[derive(Debug, Clone)]
pub enum Node {
    /// Slots in order.
    Leaf(Vec<Slot>),
    /// Nodes in order, all equally deep.
    Branch(Vec<Child>),
}

/// A node as its parent knows it.
#[derive(Debug, Clone)]
pub struct Child {
    first: Slot,
    count: u32,
    node: Node,
}

impl Default for Node {
    fn default() -> Self {
        Self::Leaf(Vec::new())
    }
}

impl Child {
    /// The parent's part of a node that is not empty.
    pub fn new(node: Node) -> Self {
        Self { first: node.first(), count: node.count(), node }
    }

    fn insert(&mut self, slot: Slot, way: &Way<impl Fn(Slot) -> bool>) -> Option<Self> {
        let right = self.node.insert(slot, way);
        self.first = self.node.first();
        self.count = self.count + 1 - right.as_ref().map_or(0, |right| right.count);
        right
    }

    fn remove(&mut self, way: &Way<impl Fn(Slot) -> bool>) -> Slot {
        let removed = self.node.remove(way);
        self.count -= 1;
        if self.count > 0 {
            self.first = self.node.first();
        }
        removed
    }
}

/// The child where the walk goes on: the last one that begins before the place. Where that is a leaf, the cache is asked for all of it,
/// since a search waits for one line after another.
#[inline]
fn child_on(children: &[Child], way: &Way<impl Fn(Slot) -> bool>) -> usize {
    let at = way.place(children, |child| child.first).saturating_sub(1);
    if let Node::Leaf(slots) = &children[at].node {
        cache::ask_for_all(slots);
    }
    at
}

/// Where to split a full node that grows at `at` of its `len`: at the end that it grows at, so that what comes in order fills
/// its nodes, or else in the middle.
fn split_place(at: usize, len: usize) -> usize {
    if at == 0 || at == len { at } else { len / 2 }
}

impl Node {
    fn first(&self) -> Slot {
        match self {
            Self::Leaf(slots) => slots[0],
            Self::Branch(children) => children[0].first,
        }
    }

    fn count(&self) -> u32 {
        match self {
            Self::Leaf(slots) => slots.len() as u32,
            Self::Branch(children) => children.iter().map(|child| child.count).sum(),
        }
    }

    /// How many slots come before the place where `way` leads.
    pub fn place(&self, way: &Way<impl Fn(Slot) -> bool>) -> usize {
        let (mut node, mut before) = (self, 0);
        loop {
            match node {
                Self::Leaf(slots) => return before + way.place(slots, |&slot| slot),
                Self::Branch(children) => {
                    let at = child_on(children, way);
                    before += children[..at].iter().map(|child| child.count as usize).sum::<usize>();
                    node = &children[at].node;
                }
            }
        }
    }

    /// The leaf that holds the slot of that rank, and the slot's place in it.
    pub fn leaf(&self, mut rank: usize) -> (&[Slot], usize) {
        let mut node = self;
        loop {
            match node {
                Self::Leaf(slots) => return (slots, rank),
                Self::Branch(children) => {
                    let mut at = 0;
                    while rank >= children[at].count as usize {
                        rank -= children[at].count as usize;
                        at += 1;
                    }
                    node = &children[at].node;
                }
            }
        }
    }

    /// Puts `slot` where `way` leads. Answers the right half, if the node had to be split.
    pub fn insert(&mut self, slot: Slot, way: &Way<impl Fn(Slot) -> bool>) -> Option<Child> {
        match self {
            Self::Leaf(slots) => {
                let at = way.place(slots, |&slot| slot);
                insert_slot(slots, at, slot)
            }
            Self::Branch(children) => {
                let at = child_on(children, way);
                let right = children[at].insert(slot, way)?;
                insert_child(children, at + 1, right)
            }
        }
    }

    /// Removes the slot before the place where `way` leads.
    pub fn remove(&mut self, way: &Way<impl Fn(Slot) -> bool>) -> Slot {
        match self {
            Self::Leaf(slots) => slots.remove(slot_before(slots, way)),
            Self::Branch(children) => {
                let at = child_on(children, way);
                let removed = children[at].remove(way);
                join_if_small(children, at);
                removed
            }
        }
    }

    /// Gives the slot before the place where `way` leads another number.
    pub fn renumber(&mut self, id: u32, way: &Way<impl Fn(Slot) -> bool>) {
        match self {
            Self::Leaf(slots) => {
                let at = slot_before(slots, way);
                slots[at].id = id;
            }
            Self::Branch(children) => {
                let at = child_on(children, way);
                let child = &mut children[at];
                child.node.renumber(id, way);
                child.first = child.node.first();
            }
        }
    }

    /// The child of a branch that has no other.
    pub fn take_only_child(&mut self) -> Option<Self> {
        match self {
            Self::Branch(children) if children.len() == 1 => children.pop().map(|child| child.node),
            _ => None,
        }
    }

    /// How much of itself it uses: slots or children, and the most it can have.
    fn fill(&self) -> (usize, usize) {
        match self {
            Self::Leaf(slots) => (slots.len(), MAX_SLOTS),
            Self::Branch(children) => (children.len(), MAX_CHILDREN),
        }
    }

    /// Appends what is in `right`, which is equally deep.
    fn append(&mut self, right: Self) {
        match (self, right) {
            (Self::Leaf(slots), Self::Leaf(more)) => {
                slots.reserve_exact(more.len());
                slots.extend(more);
            }
            (Self::Branch(children), Self::Branch(more)) => children.extend(more),
            _ => unreachable!("all leaves are equally deep"),
        }
    }

    /// Bytes of memory on the heap.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Leaf(slots) => slots.capacity() * size_of::<Slot>(),
            Self::Branch(children) => {
                let own = children.capacity() * size_of::<Child>();
                own + children.iter().map(|child| child.node.memory_bytes()).sum::<usize>()
            }
        }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        match self {
            Self::Leaf(_) => 1,
            Self::Branch(children) => 1 + children.iter().map(|child| child.node.nodes()).sum::<usize>(),
        }
    }
}

/// The slot of a leaf before the place where `way` leads.
fn slot_before(slots: &[Slot], way: &Way<impl Fn(Slot) -> bool>) -> usize {
    way.place(slots, |&slot| slot) - 1
}

fn insert_slot(slots: &mut Vec<Slot>, at: usize, slot: Slot) -> Option<Child> {
    if slots.len() < MAX_SLOTS {
        if slots.len() == slots.capacity() {
            slots.reserve_exact(GROWTH);
        }
        slots.insert(at, slot);
        return None;
    }
    let middle = split_place(at, slots.len());
    let mut right = slots.split_off(middle);
    slots.shrink_to(middle + GROWTH);
    let (half, at) = if at < middle || middle == 0 { (slots, at) } else { (&mut right, at - middle) };
    half.reserve_exact(GROWTH);
    half.insert(at, slot);
    Some(Child::new(Node::Leaf(right)))
}

fn insert_child(children: &mut Vec<Child>, at: usize, child: Child) -> Option<Child> {
    if children.len() < MAX_CHILDREN {
        children.insert(at, child);
        return None;
    }
    let middle = split_place(at, children.len());
    let mut right = children.split_off(middle);
    if at < middle {
        children.insert(at, child)
    } else {
        right.insert(at - middle, child)
    }
    Some(Child::new(Node::Branch(right)))
}

/// Joins the child at `at` with a neighbour when it fills less than a quarter of itself and both fit into one.
fn join_if_small(children: &mut Vec<Child>, at: usize) {
    let (len, max) = children[at].node.fill();
    if len >= max / 4 || children.len() == 1 {
        return;
    }
    let left = at.saturating_sub(1);
    if children[left].node.fill().0 + children[left + 1].node.fill().0 <= max {
        let right = children.remove(left + 1);
        children[left].node.append(right.node);
        children[left] = Child::new(std::mem::take(&mut children[left].node));
    }
}

#[cfg(test)]
impl Node {
    /// Asserts the invariants; answers how deep it is.
    pub fn check(&self) -> usize {
        let Self::Branch(children) = self else { return 1 };
        assert!(!children.is_empty() && children.len() <= MAX_CHILDREN);
        let check = |child: &Child| {
            assert_eq!((child.first, child.count), (child.node.first(), child.node.count()));
            assert!(child.node.fill().0 > 0 && child.node.fill().0 <= MAX_SLOTS);
            child.node.check()
        };
        let depths: Vec<usize> = children.iter().map(check).collect();
        assert!(depths.iter().all(|&depth| depth == depths[0]), "{depths:?}");
        depths[0] + 1
    }
}
