//! Members are put into the order that SORT was asked for.
//!
//! Invariant: numbers that are equal leave the order to the members' bytes, so the answer does not depend on how a set is kept.
//! Texts of BY that are equal leave the members as they came.

use std::cmp::Ordering;

use kvark_call::Fault;
use kvark_keyspace::View;

use super::options::Order;

/// Sorts `members`.
pub fn arrange(view: &View, members: &mut Vec<Vec<u8>>, order: Order, descending: bool) -> Result<(), Fault> {
    let turned = |order: Ordering| if descending { order.reverse() } else { order };
    match order {
        Order::AsKept => {}
        Order::Bytes(None) => members.sort_by(|a, b| turned(a.cmp(b))),
        Order::Bytes(Some(by)) => {
            weigh(members, |member| Ok(by.text(view, member)), |a, b| turned(a.0.cmp(&b.0)))?;
        }
        Order::Numbers(None) => weigh(members, number, |a, b| turned(by_number(a, b)))?,
        Order::Numbers(Some(by)) => {
            let weight = |member: &[u8]| by.text(view, member).map_or(Ok(0.0), |text| number(&text));
            weigh(members, weight, |a, b| turned(by_number(a, b)))?;
        }
    }
    Ok(())
}

fn by_number(a: &(f64, Vec<u8>), b: &(f64, Vec<u8>)) -> Ordering {
    // None of them is NaN.
    a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then_with(|| a.1.cmp(&b.1))
}

/// Sorts members by what each weighs, which is asked once.
fn weigh<W>(
    members: &mut Vec<Vec<u8>>,
    weight: impl Fn(&[u8]) -> Result<W, Fault>,
    compare: impl Fn(&(W, Vec<u8>), &(W, Vec<u8>)) -> Ordering,
) -> Result<(), Fault> {
    let weighed = std::mem::take(members).into_iter().map(|member| Ok((weight(&member)?, member)));
    let mut weighed: Vec<(W, Vec<u8>)> = weighed.collect::<Result<_, Fault>>()?;
    weighed.sort_by(compare);
    members.extend(weighed.into_iter().map(|(_, member)| member));
    Ok(())
}

/// The number that a text spells; nothing is zero.
fn number(text: &[u8]) -> Result<f64, Fault> {
    if text.is_empty() {
        return Ok(0.0);
    }
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number
        .filter(|number: &f64| !number.is_nan())
        .ok_or_else(|| Fault::new("ERR One or more scores can't be converted into double"))
}
