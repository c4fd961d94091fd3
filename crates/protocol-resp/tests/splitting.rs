//! How bytes were cut does not change what they mean; and no bytes at all make the parser panic, loop or read beyond.
//! `KVARK_LONG=1` runs a hundred times as many worlds.

mod common;

use common::{Feed, Seen, multibulk, whole};
use kvark_base::random::Random;

fn rounds(short: u64) -> u64 {
    if std::env::var_os("KVARK_LONG").is_some() { short * 100 } else { short }
}

fn random_bytes(random: &mut Random, most: u64) -> Vec<u8> {
    let mut bytes = vec![0; random.below(most + 1) as usize];
    random.fill(&mut bytes);
    bytes
}

/// One request of a random form: the common one, an inline one, an empty one.
fn random_request(random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0 => b"SET \"a\\x41 b\" 'c d' e\r\n".to_vec(),
        1 => b"PING\n".to_vec(),
        2 => [&b"*0\r\n"[..], b"\r\n", b"*-1\r\n"][random.below(3) as usize].to_vec(),
        _ => {
            let count = if random.chance(1, 50) { 300 } else { 1 + random.below(5) };
            let longest = if random.chance(1, 20) { 3000 } else { 20 };
            let args: Vec<Vec<u8>> = (0..count).map(|_| random_bytes(random, longest)).collect();
            multibulk(&args.iter().map(Vec::as_slice).collect::<Vec<_>>())
        }
    }
}

fn random_pipeline(random: &mut Random) -> Vec<u8> {
    (0..1 + random.below(12)).flat_map(|_| random_request(random)).collect()
}

/// What `bytes` mean in pieces of at most `longest`, taken `limit` requests at a time.
fn in_pieces(bytes: &[u8], longest: u64, limit: usize, random: &mut Random) -> Seen {
    let mut feed = Feed::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let len = (1 + random.below(longest) as usize).min(rest.len());
        feed.push(&rest[..len], limit);
        rest = &rest[len..];
    }
    feed.seen
}

#[test]
fn pieces_mean_what_the_whole_means() {
    for seed in 0..rounds(300) {
        let random = &mut Random::from_seed(seed);
        let bytes = random_pipeline(random);
        let expected = whole(&bytes);
        assert_eq!(expected.error, None, "seed {seed}");
        for (longest, limit) in [(1, usize::MAX), (7, 1), (100, 3), (4096, usize::MAX)] {
            assert_eq!(in_pieces(&bytes, longest, limit, random), expected, "seed {seed}, pieces up to {longest}");
        }
    }
}

/// Bytes that begin as a pipeline and were damaged in a few places.
fn damaged_pipeline(random: &mut Random) -> Vec<u8> {
    let mut bytes = random_pipeline(random);
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len() as u64) as usize;
        match random.below(4) {
            0 => bytes[at] = random.next_u64() as u8,
            1 => bytes[at] = b"*$\r\n-0123456789\"'\\x"[random.below(19) as usize],
            2 => bytes.truncate(at + 1),
            _ => bytes.insert(at, b"*$\r\n9"[random.below(5) as usize]),
        }
    }
    bytes
}

#[test]
fn damaged_bytes_mean_the_same_in_pieces_and_never_panic() {
    for seed in 0..rounds(2000) {
        let random = &mut Random::from_seed(seed);
        let bytes = damaged_pipeline(random);
        let expected = whole(&bytes);
        assert_eq!(in_pieces(&bytes, 9, 2, random), expected, "seed {seed}");
    }
}

#[test]
fn noise_never_panics() {
    for seed in 0..rounds(2000) {
        let random = &mut Random::from_seed(seed);
        let mut bytes = random_bytes(random, 200);
        if random.chance(1, 2) {
            bytes.iter_mut().for_each(|byte| *byte = b"*$\r\n0123456789-a\"' \\x"[*byte as usize % 21]);
        }
        let expected = whole(&bytes);
        assert_eq!(in_pieces(&bytes, 3, 1, random), expected, "seed {seed}");
    }
}

/// A request of a hundred thousand arguments in pieces of a few bytes: reading from the start with every piece would
/// take minutes.
#[test]
fn a_long_request_in_small_pieces_is_read_once() {
    let args = vec![&b"0123456789"[..]; 100_000];
    let bytes = multibulk(&args);
    let mut feed = Feed::default();
    bytes.chunks(16).for_each(|piece| feed.push(piece, 1024));
    assert_eq!(feed.seen.requests[0].len(), args.len());
}
