//! What reading a request and writing an answer cost: nanoseconds per command of a pipeline, and a hash of the work.
//! `cargo run --release -p kvark-protocol-resp --example parse_cost [rounds]`

use kvark_base::Clock;
use kvark_call::{Pipeline, Protocol};
use kvark_protocol_resp::Resp;

const PIPELINE: usize = 64;

fn main() {
    let rounds: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200_000);
    println!("{}", report(rounds));
}

fn report(rounds: usize) -> String {
    let (parse_ns, parse_hash) = measure(rounds, parse_round());
    let (answer_ns, answer_hash) = measure(rounds, answer_round());
    format!(
        "parse SET {parse_ns:.1} ns, answer OK and 64 bytes {answer_ns:.1} ns, work {:016x}",
        parse_hash ^ answer_hash
    )
}

/// Nanoseconds per command of `round`, which does [`PIPELINE`] of them and returns a number that depends on them.
fn measure(rounds: usize, mut round: impl FnMut() -> u64) -> (f64, u64) {
    let clock = Clock::system();
    let start = clock.uptime();
    let hash = (0..rounds).fold(0u64, |hash, _| hash.rotate_left(5).wrapping_add(round()));
    ((clock.uptime() - start).as_nanos() as f64 / (rounds * PIPELINE) as f64, hash)
}

fn parse_round() -> impl FnMut() -> u64 {
    let one = |index| format!("*3\r\n$3\r\nSET\r\n$16\r\nkey:{index:012}\r\n$64\r\n{}\r\n", "x".repeat(64));
    let mut buffer: Vec<u8> = (0..PIPELINE).flat_map(|index| one(index).into_bytes()).collect();
    let (mut resp, mut pipeline) = (Resp::default(), Pipeline::default());
    move || {
        pipeline.clear();
        let parsed = resp.parse(&mut buffer, 1024, &mut pipeline).expect("the requests are well formed");
        resp.dropped(parsed.consumed);
        (0..pipeline.len()).map(|index| pipeline.request(&buffer, index).len_bytes() as u64).sum()
    }
}

fn answer_round() -> impl FnMut() -> u64 {
    let (mut resp, mut out, value) = (Resp::default(), Vec::new(), [b'x'; 64]);
    move || {
        out.clear();
        resp.answer(&mut out, &mut |sink| {
            for _ in 0..PIPELINE / 2 {
                sink.status("OK");
                sink.bulk(&value);
            }
        });
        out.len() as u64
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs_and_does_the_same_work_every_time() {
        let work = |text: String| text.split("work ").nth(1).map(str::to_owned);
        assert_eq!(work(super::report(3)), work(super::report(3)));
    }
}
