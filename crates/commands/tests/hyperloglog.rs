//! Sketches are byte by byte those of Redis: the digests and counts here are of strings that Redis 8.0.6 made of the same
//! commands.

mod common;

use common::Store;

/// How many elements, the count, and the digest of the string that remembers it.
const MADE_BY_REDIS: [(usize, u64, &str); 8] = [
    (0, 0, "9d826739e22afbdb"),
    (1, 1, "ecefa55dda569586"),
    (10, 10, "5dc304cc0dfeb803"),
    (100, 99, "2325fdc38de5a9af"),
    (1000, 997, "3b7aadd7e32d3851"),
    (2000, 2004, "cc54e7caa7d2266f"),
    (5000, 5005, "1515d116be80baa5"),
    (50000, 49716, "a2f8dc45490753f1"),
];

fn add(store: &mut Store, key: &str, prefix: &str, elements: std::ops::Range<usize>) {
    let mut request = vec!["PFADD".to_owned(), key.to_owned()];
    request.extend(elements.map(|nth| format!("{prefix}{nth}")));
    store.run(&request);
}

#[test]
fn the_same_elements_make_the_same_bytes() {
    let mut store = Store::new();
    let mut added = 0;
    for (elements, count, digest) in MADE_BY_REDIS {
        // One, a few, and many at a time go different ways.
        for at_a_time in [1, 7, 500].into_iter().cycle() {
            let next = elements.min(added + at_a_time);
            add(&mut store, "h", "element:", added..next);
            added = next;
            if added == elements {
                break;
            }
        }
        assert_eq!(store.type_line("PFCOUNT h"), format!("(integer) {count}"), "{elements}");
        assert_eq!(store.type_line("DIGEST h"), format!("\"{digest}\""), "{elements}");
    }
}

#[test]
fn a_count_is_old_once_a_register_is_raised() {
    let mut store = Store::new();
    for form in ["sparse", "dense"] {
        store.expect(&[("PFADD h one", "(integer) 1"), ("PFCOUNT h", "(integer) 1")]);
        if form == "dense" {
            store.type_line("PFDEBUG TODENSE h");
        }
        store.expect(&[
            ("PFADD h one", "(integer) 0"),
            ("GETRANGE h 15 15", "\"\\x00\""),
            ("PFADD h two", "(integer) 1"),
            ("GETRANGE h 15 15", "\"\\x80\""),
            ("PFCOUNT h", "(integer) 2"),
            ("DEL h", "(integer) 1"),
        ]);
    }
}

#[test]
fn merged_sketches_have_the_same_bytes() {
    let mut store = Store::new();
    add(&mut store, "{h}a", "a", 0..300);
    add(&mut store, "{h}b", "b", 0..300);
    add(&mut store, "{h}", "element:", 0..50_000);
    store.expect(&[
        ("PFMERGE {h}m {h}a {h}b", "OK"),
        ("PFCOUNT {h}m", "(integer) 603"),
        ("DIGEST {h}m", "\"35966f35766844ac\""),
        ("PFCOUNT {h}a {h}b", "(integer) 603"),
        ("PFMERGE {h}m {h}", "OK"),
        ("PFCOUNT {h}m", "(integer) 50296"),
        ("DIGEST {h}m", "\"640e9e3fa98a95f0\""),
    ]);
}

#[test]
fn a_sketch_may_stay_sparse_as_long_as_it_is_configured() {
    let mut store = Store::new();
    for (most_bytes, form) in [("3000", "sparse"), ("100", "dense")] {
        store.type_line(&format!("CONFIG SET hll-sparse-max-bytes {most_bytes}"));
        store.type_line("DEL h");
        add(&mut store, "h", "element:", 0..100);
        store.expect(&[("PFDEBUG ENCODING h", form), ("PFCOUNT h", "(integer) 99")]);
    }
}

#[test]
fn what_is_no_sketch_is_refused_and_what_is_damaged_too() {
    let mut store = Store::new();
    let no_sketch = "(error) WRONGTYPE Key is not a valid HyperLogLog string value.";
    let damaged = "(error) INVALIDOBJ Corrupted HLL object detected";
    let sketch = "\"HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xff\"";
    for (value, answer) in [
        ("12", no_sketch),
        ("HYLL", no_sketch),
        (&sketch.replace("HYLL", "HYLl"), no_sketch),
        (&sketch.replace("L\\x01", "L\\x02"), no_sketch),
        (&sketch.replace("L\\x01", "L\\x00"), no_sketch),
        (&sketch.replace("\\xff\"", "\\xfe\""), damaged),
        (&sketch.replace("\\xff\"", "\""), damaged),
        (&sketch.replace("\\xff\"", "\\xff\\x00\""), damaged),
        (sketch, "(integer) 0"),
    ] {
        store.type_line(&format!("SET h {value}"));
        assert_eq!(store.type_line("PFCOUNT h"), answer, "{value}");
        let merged = store.type_line("PFMERGE m h");
        assert_eq!(merged, if answer.starts_with("(e") { answer } else { "OK" }, "{value}");
    }
    store.type_line("RPUSH list a");
    assert!(store.type_line("PFADD list a").starts_with("(error) WRONGTYPE Operation"));
}
