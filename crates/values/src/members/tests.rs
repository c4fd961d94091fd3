use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use kvark_base::random::Random;

use super::{Approach, Members, Names, Pairs, Scored};

type Model = HashMap<Vec<u8>, Vec<u8>, FixedState>;

fn random_bytes(random: &mut Random, most: u64) -> Vec<u8> {
    (0..random.below(most)).map(|_| random.next_u64() as u8).collect()
}

fn same<const PAYLOAD: usize>(members: &Members<PAYLOAD>, model: &Model) {
    assert_eq!(members.len(), model.len());
    for (member, payload) in model {
        assert_eq!(members.get(member), Some(&payload[..]));
    }
    for (place, (member, _)) in members.iter().enumerate() {
        assert_eq!(members.find(member), Some(place));
    }
    let (used, live) = members.records.check();
    assert!(used <= live * 3 / 2 + (1 << 17), "{used} bytes are used for {live}");
}

/// Grows to about `most` members, falls to a tenth, grows again ...
fn random_changes<const PAYLOAD: usize>(seed: u64, most: usize, mut payload: impl FnMut(&mut Random) -> Vec<u8>) {
    let mut random = Random::from_seed(seed);
    let (mut members, mut model) = (Members::<PAYLOAD>::default(), Model::default());
    let (mut grows, mut approaches) = (true, vec![(Vec::new(), Approach::default()); 8]);
    for step in 0..most * 8 {
        let (sought, approach) = &mut approaches[random.below(8) as usize];
        if *approach == Approach::Arrived {
            (*sought, *approach) = (random.below(most as u64 * 2).to_string().into_bytes(), Approach::default());
        }
        members.approach(sought, approach);
        grows = if grows { members.len() < most } else { members.len() < most / 10 };
        if random.chance(if grows { 4 } else { 1 }, 5) {
            let (member, payload) = (random.below(most as u64 * 2).to_string().into_bytes(), payload(&mut random));
            let is_new = model.insert(member.clone(), payload.clone()).is_none();
            assert_eq!(members.insert(&member, &payload).1, is_new);
        } else if !members.is_empty() {
            let place = random.below(members.len() as u64) as usize;
            model.remove(members.member(place));
            let bound = members.len() as u64 + 2;
            members.ask_ahead(std::array::from_fn(|_| random.below(bound) as usize));
            members.remove_at(place);
        }
        if step % (most / 2) == 0 {
            same(&members, &model);
            assert_eq!(members.clone(), members);
        }
    }
    same(&members, &model);
}

#[test]
fn it_does_as_a_plain_map_does() {
    for (seed, most) in [(1, 40), (2, 3000), (3, 20_000)] {
        random_changes::<0>(seed, most, |_| Vec::new());
        random_changes::<8>(seed, most, |random| random.next_u64().to_le_bytes().to_vec());
        random_changes::<{ super::VARIABLE }>(seed, most, |random| random_bytes(random, 200));
    }
}

#[test]
fn an_approach_goes_by_the_bucket_and_the_place_of_its_member() {
    let mut pairs = Pairs::default();
    (0..20_000_u32).for_each(|number| {
        pairs.insert(&number.to_le_bytes(), b"v");
    });
    let mut straight = 0;
    for number in 0..20_000_u32 {
        let (member, mut approach) = (number.to_le_bytes(), Approach::default());
        pairs.approach(&member, &mut approach);
        assert_eq!(approach, Approach::Hashed(super::hash_of(&member)));
        pairs.approach(&member, &mut approach);
        straight += u32::from(approach == Approach::Placed(pairs.find(&member).unwrap() as u32));
        (2..Approach::STEPS).for_each(|_| pairs.approach(&member, &mut approach));
        assert_eq!(approach, Approach::Arrived);
    }
    // Others have a neighbour of the same tag before them, or lie behind a full bucket.
    assert!(straight > 19_000, "{straight} of 20000 were guessed rightly");
}

#[test]
fn long_and_empty_members_have_their_place() {
    let mut pairs = Pairs::default();
    for len in [0, 1, 63, 64, 300, 20_000, 70_000, 200_000] {
        pairs.insert(&vec![b'm'; len], &vec![b'v'; 200_000 - len]);
    }
    for len in [0, 1, 63, 64, 300, 20_000, 70_000, 200_000] {
        assert_eq!(pairs.get(&vec![b'm'; len]), Some(&vec![b'v'; 200_000 - len][..]));
        assert!(pairs.remove(&vec![b'm'; len]).is_some());
    }
    assert!(pairs.is_empty() && pairs.remove(b"m").is_none());
}

#[test]
fn a_scan_sees_what_is_there_all_the_time() {
    for seed in 0..300 {
        let mut random = Random::from_seed(seed);
        let mut names = Names::default();
        for number in 0..random.below(200) + 1 {
            names.insert(number.to_string().as_bytes(), b"");
        }
        let mut constant: HashSet<Vec<u8>, FixedState> = names.iter().map(|(name, _)| name.to_vec()).collect();
        let mut seen = HashSet::with_hasher(FixedState::default());
        let mut cursor = 0;
        loop {
            let (places, next) = names.scan(cursor, random.below(9) as usize);
            seen.extend(places.map(|place| names.member(place).to_vec()));
            cursor = next;
            if cursor == 0 {
                break;
            }
            for _ in 0..random.below(4) {
                disturb(&mut names, &mut constant, &mut random);
            }
        }
        assert!(constant.is_subset(&seen), "seed {seed}: {:?}", constant.difference(&seen));
    }
}

fn disturb(names: &mut Names, constant: &mut HashSet<Vec<u8>, FixedState>, random: &mut Random) {
    if random.chance(1, 3) || names.is_empty() {
        names.insert(&random.next_u64().to_le_bytes(), b"");
        return;
    }
    let place = random.below(names.len() as u64) as usize;
    constant.remove(names.member(place));
    names.remove_at(place);
}

#[test]
fn a_million_short_members_take_little_memory() {
    let mut names = Names::default();
    for number in 0..1_000_000 {
        names.insert(format!("{number:016}").as_bytes(), b"");
        if number % 50_000 == 49_999 {
            let each = names.memory_bytes() / (number + 1);
            assert!(each <= 32, "{each} bytes each of {} members", number + 1);
        }
    }
    assert!(names.allocations() < 10_000);
}

#[test]
fn members_of_one_length_leave_no_waste_behind() {
    let (mut random, mut scored) = (Random::from_seed(5), Scored::default());
    for number in 0..20_000u64 {
        scored.insert(&number.to_be_bytes(), &number.to_le_bytes());
    }
    while !scored.is_empty() {
        scored.remove_at(random.below(scored.len() as u64) as usize);
        if random.chance(1, 4) {
            let number = random.next_u64();
            scored.insert(&number.to_be_bytes(), &number.to_le_bytes());
        }
        if scored.len() % 100 == 0 {
            let (used, live) = scored.records.check();
            assert_eq!(used, live);
            assert!(scored.iter().all(|(member, score)| member.iter().eq(score.iter().rev())));
        }
    }
}

#[test]
fn memory_goes_back_with_the_members() {
    let mut scored = Scored::default();
    for number in 0..100_000u64 {
        scored.insert(&number.to_le_bytes(), &number.to_le_bytes());
    }
    let full = scored.memory_bytes();
    while scored.len() > 100 {
        scored.remove_at(scored.len() / 3);
    }
    assert!(scored.memory_bytes() < full / 10, "{} of {full} bytes", scored.memory_bytes());
}
