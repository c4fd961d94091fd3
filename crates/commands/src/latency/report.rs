//! Events that took long, as a picture and in words.

use std::fmt::Write as _;

use kvark_call::Settings;
use kvark_call::latency::{Event, Sample};

/// Rows of the picture.
const ROWS: u64 = 4;
/// What one row shows, by how much of it is reached.
const SHADES: [char; 4] = [' ', '_', 'o', '#'];
/// The most columns, the latest samples.
const COLUMNS: usize = 80;

/// The samples side by side, each with its age below.
pub fn graph(name: &str, event: &Event, now_seconds: u64) -> String {
    let skipped = event.samples.len().saturating_sub(COLUMNS);
    let samples: Vec<Sample> = event.samples.iter().skip(skipped).copied().collect();
    let high = samples.iter().map(|sample| sample.took_ms).max().unwrap_or(0);
    let low = samples.iter().map(|sample| sample.took_ms).min().unwrap_or(0);
    let mut text = format!("{name} - high {high} ms, low {low} ms (all time high {} ms)\n", event.longest_ms);
    text += &"-".repeat(COLUMNS);
    for row in (0..ROWS).rev() {
        text.push('\n');
        text.extend(samples.iter().map(|sample| shade(sample.took_ms, low, high, row)));
    }
    let ages: Vec<Vec<char>> =
        samples.iter().map(|sample| age(now_seconds.saturating_sub(sample.at_seconds)).chars().collect()).collect();
    text.push('\n');
    for row in 0..ages.iter().map(Vec::len).max().unwrap_or(0) {
        text.push('\n');
        text.extend(ages.iter().map(|age| age.get(row).copied().unwrap_or(' ')));
    }
    text.push('\n');
    text
}

/// What `row`, counted from below, shows of a sample.
fn shade(took: u64, low: u64, high: u64, row: u64) -> char {
    let most = ROWS * (SHADES.len() as u64 - 1);
    let height = 1 + ((took - low) * (most - 1)).checked_div(high - low).unwrap_or(0);
    let within = height.saturating_sub(row * (SHADES.len() as u64 - 1));
    SHADES[within.min(SHADES.len() as u64 - 1) as usize]
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// What was seen, and what may be done about it.
pub fn doctor(events: &[(&'static str, Event)], settings: &Settings) -> String {
    let threshold_ms = settings.number("latency-monitor-threshold");
    if threshold_ms == 0 && events.is_empty() {
        return "Nothing is watched: \"CONFIG SET latency-monitor-threshold <milliseconds>\" says what counts as long.\n"
            .to_owned();
    }
    if events.is_empty() {
        return format!("Nothing took {threshold_ms} ms or more.\n");
    }
    let mut text = format!("{} kinds of events took long:\n\n", events.len());
    for (number, (kind, event)) in events.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}. {kind}: {}", number + 1, seen(event));
    }
    text += "\nWhat may help:\n\n";
    events.iter().for_each(|(kind, _)| text += &advice(kind, settings));
    text
}

fn seen(event: &Event) -> String {
    let count = event.samples.len() as u64;
    let mean = event.samples.iter().map(|sample| sample.took_ms).sum::<u64>() / count.max(1);
    let deviation = event.samples.iter().map(|sample| sample.took_ms.abs_diff(mean)).sum::<u64>() / count.max(1);
    let span = match (event.samples.front(), event.samples.back()) {
        (Some(first), Some(last)) => last.at_seconds - first.at_seconds,
        _ => 0,
    };
    let every = span as f64 / count.saturating_sub(1).max(1) as f64;
    format!(
        "in {count} seconds (average {mean} ms, mean deviation {deviation} ms, one in {every:.1} s). The longest ever: {} ms.",
        event.longest_ms
    )
}

fn advice(kind: &str, settings: &Settings) -> String {
    match kind {
        "command" | "fast-command" => {
            let (slowlog_us, watched_us) =
                (settings.number("slowlog-log-slower-than"), settings.number("latency-monitor-threshold") * 1000);
            let look = if slowlog_us < 0 || slowlog_us > watched_us {
                format!("say \"CONFIG SET slowlog-log-slower-than {watched_us}\", and SLOWLOG GET shows which.")
            } else {
                "SLOWLOG GET shows which.".to_owned()
            };
            let what = if kind == "command" {
                "Commands that walk over much took long"
            } else {
                "Commands that do little took long: something else had the processor, or held the same keys"
            };
            format!("- {what}; {look}\n")
        }
        "expire-cycle" => "- Many keys are due at the same moment: spread their times.\n".to_owned(),
        "log-sync" => {
            "- The disk takes long to sync: look at who else writes to it, or choose a lower durability.\n".to_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(samples: &[(u64, u64)]) -> Event {
        let samples: std::collections::VecDeque<_> =
            samples.iter().map(|&(at_seconds, took_ms)| Sample { at_seconds, took_ms }).collect();
        Event { longest_ms: samples.iter().map(|sample| sample.took_ms).max().unwrap_or(0), samples }
    }

    #[test]
    fn the_picture_shows_heights_and_ages() {
        let text = graph("command", &event(&[(100, 10), (160, 32), (161, 21)]), 170);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], "command - high 32 ms, low 10 ms (all time high 32 ms)");
        assert_eq!(rows[2..], [" # ", " # ", " ##", "_##", "", "119", "m0s", " s "]);
    }

    #[test]
    fn the_doctor_speaks_of_what_was_seen() {
        let settings = Settings::default();
        assert!(doctor(&[], &settings).starts_with("Nothing is watched"));
        settings.set("latency-monitor-threshold", "5").unwrap();
        assert_eq!(doctor(&[], &settings), "Nothing took 5 ms or more.\n");
        let text = doctor(&[("command", event(&[(1, 10), (3, 20)]))], &settings);
        assert!(text.contains("average 15 ms, mean deviation 5 ms, one in 2.0 s"), "{text}");
        assert!(text.contains("slowlog-log-slower-than 5000"), "{text}");
    }
}
