//! Sketches against plain registers, in both forms; and damage, which is answered and never panics.

use kvark_base::random::Random;

use super::dense::Registers;
use super::place::{Place, REGISTERS};
use super::sketch::{Form, HEADER_LEN, Sketch, SketchRef};
use super::sparse::{Run, runs};

fn registers_of(sketch: &Sketch) -> Registers {
    let mut registers = [0; REGISTERS];
    sketch.as_ref().raise(&mut registers).expect("a sound sketch");
    registers
}

/// Counts as elements have them: half of them 1, a quarter 2; and now and then one that no run can hold.
fn random_place(random: &mut Random, rarely_high: bool) -> Place {
    let zeros = random.below(1 << 20).trailing_zeros().min(19) as u8;
    let count = if rarely_high && random.chance(1, 500) { 33 + random.below(18) as u8 } else { zeros + 1 };
    let registers = if random.chance(1, 2) { 300 } else { REGISTERS as u64 };
    Place { index: random.below(registers) as usize, count }
}

#[test]
fn both_forms_hold_what_plain_registers_hold() {
    for (seed, most_sparse_len, rarely_high) in
        [(1, 3000, false), (2, 3000, true), (3, 300, false), (4, 0, false), (5, 40_000, false)]
    {
        let mut random = Random::from_seed(seed);
        let mut sketch = Sketch::empty();
        let mut model = [0; REGISTERS];
        for step in 0..4000 {
            let place = random_place(&mut random, rarely_high);
            sketch.raise(place, most_sparse_len).unwrap();
            model[place.index] = place.count.max(model[place.index]);
            assert_eq!(sketch.as_ref().register(place.index), Ok(model[place.index]), "{step} {place:?}");
            if step % 100 == 0 {
                assert!(registers_of(&sketch) == model, "seed {seed}, step {step}");
                check_form(&sketch, &model, most_sparse_len);
            }
        }
        assert_eq!(sketch.as_ref().form() == Form::Sparse, most_sparse_len == 40_000, "seed {seed}");
    }
}

/// The length is within its bound, the histogram fits, and what comes back from bytes or becomes dense is the same.
fn check_form(sketch: &Sketch, model: &Registers, most_sparse_len: usize) {
    let empty_len = Sketch::empty().bytes().len();
    if sketch.as_ref().form() == Form::Sparse {
        assert!(sketch.bytes().len() <= most_sparse_len.max(empty_len));
        assert!(runs(sketch.as_ref().body()).all(|run| run != Run::Zeros(0)));
    }
    let histogram = sketch.as_ref().histogram().unwrap();
    let counted = |value: usize| model.iter().filter(|&&register| usize::from(register) == value).count() as u32;
    assert!((0..64).all(|value| histogram[value] == counted(value)));
    let mut copy = SketchRef::parse(sketch.bytes()).expect("a sketch").to_sketch();
    copy.make_dense().unwrap();
    assert!(registers_of(&copy) == *model);
}

#[test]
fn neighbours_that_hold_the_same_are_one_run() {
    let mut sketch = Sketch::empty();
    for index in [5, 7, 6, 4, 8] {
        sketch.raise(Place { index, count: 3 }, 3000).unwrap();
    }
    let shown = |sketch: &Sketch| runs(sketch.as_ref().body()).collect::<Vec<Run>>();
    let threes = |len| Run::Values { value: 3, len };
    assert_eq!(shown(&sketch), [Run::Zeros(4), threes(4), threes(1), Run::Zeros(REGISTERS - 9)]);
    sketch.raise(Place { index: 6, count: 9 }, 3000).unwrap();
    let nine = Run::Values { value: 9, len: 1 };
    assert_eq!(shown(&sketch), [Run::Zeros(4), threes(2), nine, threes(2), Run::Zeros(REGISTERS - 9)]);
}

#[test]
fn damage_is_an_answer() {
    let mut random = Random::from_seed(6);
    let mut sound = Sketch::empty();
    (0..600).for_each(|_| sound.raise(random_place(&mut random, false), 3000).unwrap());
    let mut refused = 0;
    for _ in 0..3000 {
        let mut bytes = sound.bytes().to_vec();
        for _ in 0..1 + random.below(4) {
            let at = HEADER_LEN + random.below((bytes.len() - HEADER_LEN) as u64) as usize;
            bytes[at] = random.below(256) as u8;
        }
        if random.chance(1, 3) {
            bytes.truncate(HEADER_LEN + random.below((bytes.len() - HEADER_LEN) as u64) as usize);
        }
        let mut sketch = SketchRef::parse(&bytes).expect("the header is whole").to_sketch();
        let mut registers = [0; REGISTERS];
        let raised = sketch.as_ref().raise(&mut registers);
        assert_eq!(sketch.as_ref().histogram().map(drop), raised);
        refused += usize::from(raised.is_err());
        for _ in 0..20 {
            let _ = sketch.raise(random_place(&mut random, true), 3000);
        }
    }
    assert!(refused > 2000, "{refused}");
}
