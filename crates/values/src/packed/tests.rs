use std::collections::VecDeque;

use kvark_base::random::Random;

use super::{Packed, Place};
use crate::StringRef;

fn string(text: &[u8]) -> StringRef<'_> {
    StringRef::new(text)
}

fn texts<'a>(items: impl Iterator<Item = StringRef<'a>>) -> Vec<Vec<u8>> {
    items.map(|item| item.text(&mut itoa::Buffer::new()).to_vec()).collect()
}

/// Strings about each length where the head or the tail takes another byte, and integers of each length.
fn random_text(random: &mut Random) -> Vec<u8> {
    if random.chance(1, 2) {
        let number = random.next_u64() as i64 >> random.below(64);
        return number.to_string().into_bytes();
    }
    let around = [0, 2, 62, 126, 8190, 16_380];
    let lengths = if random.chance(1, 20) { 6 } else { 4 };
    let len = around[random.below(lengths) as usize] + random.below(4);
    (0..len).map(|_| b'a' + random.below(2) as u8).collect()
}

#[test]
fn it_does_as_a_plain_sequence_does() {
    for seed in 0..40 {
        let mut random = Random::from_seed(seed);
        let (mut packed, mut model) = (Packed::new(), VecDeque::new());
        for _ in 0..200 {
            change(&mut packed, &mut model, &mut random);
            same(&packed, &model, seed);
        }
    }
}

fn change(packed: &mut Packed, model: &mut VecDeque<Vec<u8>>, random: &mut Random) {
    let (text, index) = (random_text(random), random.below(model.len() as u64 + 1) as usize);
    match random.below(12) {
        0..3 => {
            packed.insert(index, string(&text));
            model.insert(index, text);
        }
        3 => {
            packed.push(string(&text));
            model.push_back(text);
        }
        4 if index < model.len() => {
            packed.replace_at(packed.place(index).unwrap(), string(&text));
            model[index] = text;
        }
        5 => {
            let count = random.below(4) as usize;
            packed.remove(index, count);
            model.drain(index..(index + count).min(model.len()));
        }
        6 => {
            let mut tail = packed.split_off(index);
            tail.append(packed);
            tail.shrink_to_fit();
            *packed = tail;
            model.rotate_left(index);
        }
        7 if index == 0 => {
            *packed = Packed::with_room(string(&text), random.below(300) as usize, random.below(300) as usize);
            *model = VecDeque::from([text]);
        }
        7 => {
            let odd = |len: usize| len % 2 == 1;
            packed.retain(|item| odd(item.text_len()));
            model.retain(|text| odd(text.len()));
        }
        8..11 => {
            packed.push_front(string(&text));
            model.push_front(text);
        }
        _ => {
            let place = packed.place(index).unwrap_or(packed.end());
            packed.splice(place, 2, &[string(&text), string(b"7"), string(b"")]);
            model.drain(index..(index + 2).min(model.len()));
            for (at, text) in [text, b"7".to_vec(), Vec::new()].into_iter().enumerate() {
                model.insert(index + at, text);
            }
        }
    }
}

fn same(packed: &Packed, model: &VecDeque<Vec<u8>>, seed: u64) {
    assert_eq!(packed.len(), model.len(), "seed {seed}");
    assert_eq!(*model, texts(packed.iter()), "seed {seed}");
    let backwards: Vec<_> = model.iter().rev().cloned().collect();
    assert_eq!(texts(packed.iter().rev()), backwards, "seed {seed}");
    assert_eq!(packed.byte_len(), packed.iter().map(Packed::bytes_of).sum::<usize>());
    let middle = model.len() / 2;
    assert_eq!(packed.get(middle), model.get(middle).map(|text| string(text)));
    assert_eq!(packed.get_back(middle), model.iter().rev().nth(middle).map(|text| string(text)));
    assert_eq!(texts(packed.iter_from(middle)), texts(model.iter().skip(middle).map(|text| string(text))));
    assert_eq!(texts(packed.iter_to(middle)), texts(model.iter().take(middle).map(|text| string(text))));
    if let Some(wanted) = model.get(middle) {
        let found = packed.find(string(wanted), 1).map(|place| packed.index_of(place));
        assert_eq!(found, model.iter().position(|text| text == wanted), "seed {seed}");
    }
}

#[test]
fn what_is_looked_for_is_at_every_nth_place_only() {
    let mut packed = Packed::new();
    for text in ["a", "b", "b", "1", "1", "c"] {
        packed.push(string(text.as_bytes()));
    }
    let index = |wanted: &str, every| packed.find(string(wanted.as_bytes()), every).map(|place| packed.index_of(place));
    assert_eq!([index("b", 1), index("b", 2), index("1", 2), index("c", 2)], [Some(1), Some(2), Some(4), None]);
    assert_eq!(packed.find(string(b""), 1), None);
}

#[test]
fn every_integer_takes_the_fewest_bytes_and_comes_back() {
    for (value, bytes) in
        [(0, 2), (63, 2), (64, 3), (127, 3), (128, 4), (-1, 3), (-128, 3), (-129, 4), (i64::MAX, 10), (i64::MIN, 10)]
    {
        let mut packed = Packed::new();
        packed.push(StringRef::Int(value));
        assert_eq!((packed.get(0), packed.byte_len()), (Some(StringRef::Int(value)), bytes));
    }
}

#[test]
fn an_empty_sequence_takes_no_memory() {
    let mut packed = Packed::new();
    packed.push(string(b"x"));
    packed.remove_at(Place(0), 5);
    assert_eq!((packed.memory_bytes(), packed.first(), packed.last(), size_of::<Packed>()), (0, None, None, 8));
}
