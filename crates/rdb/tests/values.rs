//! What real servers wrote becomes our values and comes back, in both forms of each type.

mod common;

use common::{cases, lines, parts, written};
use kvark_base::Kind;
use kvark_rdb::{Part, Payload, dump, restore};
use kvark_values::{Forms, Type, Value};

fn restored(payload: &[u8], now_ms: u64, forms: &Forms) -> Option<Value> {
    restore(&Payload::open(payload).unwrap(), now_ms, forms).unwrap()
}

/// Thresholds that nothing stays below.
fn big() -> Forms {
    let forms = Forms::default();
    for (_, threshold) in forms.named() {
        threshold.set(1);
    }
    forms
}

#[test]
fn values_of_servers_come_back_from_both_forms() {
    for case in cases() {
        let expected = lines(&parts(&case.payload).unwrap());
        for forms in [Forms::default(), big()] {
            let value = restored(&case.payload, 0, &forms).unwrap();
            let ours = dump(value.as_ref());
            assert_eq!(lines(&parts(&ours).unwrap()), expected, "{}", case.name);
        }
    }
}

#[test]
fn members_that_are_past_do_not_come_back() {
    let field = |name, expires_at| Part::Field { name, value: b"v", expires_at };
    let payload = written(Type::Hash, &[field(b"past", 9), field(b"due", 10), field(b"later", 11), field(b"stays", 0)]);
    let names = |now_ms| {
        restored(&payload, now_ms, &Forms::default()).map(|value| lines(&parts(&dump(value.as_ref())).unwrap()))
    };
    assert_eq!(names(10).unwrap(), [r#"field "later" "v" 11"#, r#"field "stays" "v" 0"#]);
    assert_eq!(names(0).unwrap().len(), 4);
    let all_past = written(Type::Hash, &[field(b"past", 9)]);
    assert_eq!(restored(&all_past, 10, &Forms::default()), None);
}

#[test]
fn a_member_that_comes_twice_is_refused() {
    let field = Part::Field { name: b"a", value: b"v", expires_at: 0 };
    let member = Part::Member { member: b"a", expires_at: 0 };
    let scored = |score| Part::Scored { member: b"a", score, expires_at: 0 };
    let entry = Part::Entry { id: kvark_values::stream::Id::new(1, 1), fields: &[] };
    for (of_type, twice) in [
        (Type::Hash, vec![field.clone(), field]),
        (Type::Set, vec![member.clone(), member]),
        (Type::Zset, vec![scored(1.0), scored(2.0)]),
        (Type::Stream, vec![entry.clone(), entry]),
    ] {
        let payload = written(of_type, &twice);
        let refused = restore(&Payload::open(&payload).unwrap(), 0, &Forms::default());
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), Kind::Corrupt);
        assert!(refused.message().contains("twice") || of_type == Type::Stream, "{of_type:?}: {refused}");
    }
}
