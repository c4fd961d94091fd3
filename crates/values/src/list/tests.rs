//! A list against a plain sequence, over both forms and every limit.

use kvark_base::random::Random;

use super::*;
use crate::Value;

/// What `list-max-listpack-size` may be: small numbers make many chunks of few values.
const SIZES: [i64; 6] = [1, 3, 20, 0, -1, -2];

fn forms(size: i64) -> Forms {
    let forms = Forms::default();
    forms.list_size.set(size);
    forms
}

fn text_of(random: &mut Random) -> Vec<u8> {
    match random.below(40) {
        0 => vec![b'x'; 9000 + random.below(10) as usize],
        1..8 => vec![b'y'; random.below(900) as usize],
        8..20 => (random.next_u64() as i64 >> random.below(64)).to_string().into_bytes(),
        _ => vec![b'z'; random.below(12) as usize],
    }
}

fn texts(list: &List) -> Vec<Vec<u8>> {
    list.iter().map(|value| value.text(&mut IntBuffer::new()).to_vec()).collect()
}

/// A list, what it should be, and the thresholds that it goes by.
struct Pair {
    list: List,
    model: Vec<Vec<u8>>,
    forms: Forms,
}

impl Pair {
    fn new(size: i64) -> Self {
        Self { list: List::default(), model: Vec::new(), forms: forms(size) }
    }

    fn apply(&mut self, op: Op<'_>) {
        let mut ops = Vec::new();
        op.encode(&mut ops);
        self.list.apply(&mut Reader::new(&ops, "ops"), &self.forms).unwrap();
    }

    fn push(&mut self, end: End, value: &[u8]) {
        self.apply(Op::Push { end, value });
        self.model.insert(if end == End::Front { 0 } else { self.model.len() }, value.to_vec());
    }

    fn pop(&mut self, end: End, n: usize) {
        self.apply(Op::Pop { end, n });
        let n = n.min(self.model.len());
        let start = if end == End::Front { 0 } else { self.model.len() - n };
        self.model.drain(start..start + n);
    }

    fn set(&mut self, index: usize, value: &[u8]) {
        self.apply(Op::Set { index, value });
        if let Some(place) = self.model.get_mut(index) {
            *place = value.to_vec();
        }
    }

    fn insert(&mut self, index: usize, value: &[u8]) {
        self.apply(Op::InsertAt { index, value });
        if index <= self.model.len() {
            self.model.insert(index, value.to_vec());
        }
    }

    fn trim(&mut self, start: usize, len: usize) {
        self.apply(Op::Trim { start, len });
        self.model = self.model.iter().skip(start).take(len).cloned().collect();
    }

    fn remove(&mut self, indexes: &[usize]) {
        let mut ops = Vec::new();
        remove_at(indexes, &mut ops);
        self.list.apply(&mut Reader::new(&ops, "ops"), &self.forms).unwrap();
        let mut index = 0;
        self.model.retain(|_| {
            index += 1;
            !indexes.contains(&(index - 1))
        });
    }

    fn change(&mut self, random: &mut Random) {
        let text = text_of(random);
        let index = random.below(self.model.len() as u64 + 2) as usize;
        let end = if random.chance(1, 2) { End::Front } else { End::Back };
        match random.below(20) {
            0..10 => self.push(end, &text),
            10..12 => self.pop(end, random.below(5) as usize),
            12..14 => self.set(index, &text),
            14..18 => self.insert(index, &text),
            18 => {
                let one_in = 1 + random.below(20);
                let indexes: Vec<usize> = (0..self.model.len() + 2).filter(|_| random.chance(1, one_in)).collect();
                self.remove(&indexes);
            }
            _ if random.chance(1, 10) => self.trim(index, random.below(300) as usize),
            _ => self.trim(random.below(3) as usize, self.model.len()),
        }
    }

    fn check(&self) {
        assert_eq!(texts(&self.list), self.model);
        let backwards: Vec<_> = self.list.iter().rev().collect();
        assert!(backwards.iter().rev().copied().eq(self.list.iter()), "both ways are the same");
        self.check_form();
    }

    fn check_form(&self) {
        let limit = Limit::of(&self.forms);
        match &self.list.0 {
            Form::Packed(chunk) => assert!(limit.allows(chunk.byte_len(), chunk.len())),
            Form::Chunked(chunks) => chunks.check(limit),
        }
    }
}

#[test]
fn it_does_as_a_plain_sequence_does_whatever_its_form() {
    for (seed, size) in SIZES.into_iter().cycle().take(24).enumerate() {
        let (mut random, mut pair) = (Random::from_seed(seed as u64), Pair::new(size));
        for _ in 0..400 {
            pair.change(&mut random);
            pair.check();
        }
    }
}

#[test]
fn ranges_and_indexes_are_found_from_both_ends() {
    for size in SIZES {
        let (mut random, mut pair) = (Random::from_seed(9), Pair::new(size));
        (0..300).for_each(|_| pair.push(End::Back, &text_of(&mut random)));
        for _ in 0..100 {
            let (start, len) = (random.below(310) as usize, random.below(310) as usize);
            let expected: Vec<StringRef> =
                pair.model.iter().skip(start).take(len).map(|text| StringRef::new(text)).collect();
            assert!(pair.list.range(start, len).eq(expected.iter().copied()));
            assert!(pair.list.range(start, len).rev().eq(expected.iter().rev().copied()));
            assert_eq!(pair.list.range(start, len).len(), expected.len());
            assert_eq!(pair.list.get(start), pair.model.get(start).map(|text| StringRef::new(text)));
        }
    }
}

#[test]
fn a_walk_from_both_ends_meets_in_the_middle() {
    let mut pair = Pair::new(4);
    (0..50).for_each(|n: i32| pair.push(End::Back, n.to_string().as_bytes()));
    let (mut walk, mut met) = (pair.list.range(3, 40), Vec::new());
    while let Some(front) = walk.next() {
        met.push(front);
        met.extend(walk.next_back());
    }
    let expected = (0..20).flat_map(|n| [StringRef::Int(3 + n), StringRef::Int(42 - n)]);
    assert!(met.into_iter().eq(expected));
}

#[test]
fn it_is_chunked_when_it_grows_and_packed_when_it_has_shrunk_to_half() {
    let mut pair = Pair::new(10);
    let mut encodings = Vec::new();
    (0..11).for_each(|_| {
        pair.push(End::Back, b"v");
        encodings.push(pair.list.encoding());
    });
    assert_eq!(encodings[9..], ["listpack", "quicklist"]);
    pair.pop(End::Back, 5);
    assert_eq!((pair.list.len(), pair.list.encoding()), (6, "quicklist"));
    pair.pop(End::Front, 1);
    assert_eq!((pair.list.len(), pair.list.encoding()), (5, "listpack"));
}

#[test]
fn a_value_beyond_the_limit_stands_alone() {
    let mut pair = Pair::new(-2);
    [&b"a"[..], b"b"].into_iter().for_each(|value| pair.push(End::Back, value));
    pair.insert(1, &[b'x'; 10_000]);
    pair.check();
    let Form::Chunked(chunks) = &pair.list.0 else { panic!("it is beyond the limit") };
    assert_eq!(chunks.count(), 3);
    pair.set(1, b"small");
    assert_eq!(pair.list.encoding(), "listpack");
}

#[test]
fn it_comes_back_from_its_bytes_and_from_its_history() {
    for size in SIZES {
        let (mut random, mut pair) = (Random::from_seed(3), Pair::new(size));
        (0..200).for_each(|_| pair.change(&mut random));
        let mut bytes = Vec::new();
        pair.list.encode(&mut bytes);
        for other in SIZES {
            let decoded = List::decode(&mut Reader::new(&bytes, "list"), &forms(other)).unwrap();
            assert_eq!(decoded, pair.list);
            let digests = [&decoded, &pair.list].map(|list| {
                let mut all = Vec::new();
                list.each_for_digest(&mut |member| all.extend_from_slice(member));
                all
            });
            assert_eq!(digests[0], digests[1]);
        }
        for cut in 0..bytes.len().min(50) {
            assert!(List::decode(&mut Reader::new(&bytes[..cut], "list"), &forms(size)).is_err());
        }
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let mut random = Random::from_seed(77);
    for _ in 0..3000 {
        let mut pair = Pair::new(SIZES[random.below(6) as usize]);
        (0..random.below(8)).for_each(|_| pair.push(End::Back, b"v"));
        let mut ops: Vec<u8> = (0..random.below(30)).map(|_| random.below(12) as u8).collect();
        if random.chance(1, 3) {
            ops.push(random.next_u64() as u8);
        }
        let _ = pair.list.apply(&mut Reader::new(&ops, "ops"), &pair.forms);
        let _ = List::decode(&mut Reader::new(&ops, "list"), &pair.forms);
        pair.check_form();
    }
}

#[test]
fn a_list_is_small_where_it_stands() {
    assert!(size_of::<List>() <= 16 && size_of::<Value>() <= 32, "{} {}", size_of::<List>(), size_of::<Value>());
}

/// A list's chunks are full and have no more memory than they need: 64 bytes of payload take at most 67.
#[test]
fn a_million_values_take_little_more_than_their_bytes() {
    for end in [End::Front, End::Back] {
        let (mut list, limit) = (List::default(), Limit::of(&Forms::default()));
        (0..100_000).for_each(|_| list.push(end, StringRef::Bytes(&[b'v'; 64]), limit));
        let per_value = list.memory_bytes() as f64 / 100_000.0;
        assert!(per_value < 66.6, "{per_value}");
    }
}
