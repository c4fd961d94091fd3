//! What can be configured: one row gives the flag, the environment variable, the `CONFIG` name, the keyword and the manual.
//!
//! `maxclients` is `--maxclients`, `KVARK_MAXCLIENTS`, `CONFIG GET maxclients` and `maxclients = ...` in TOML or
//! `maxclients ...` in a redis.conf.
//!
//! Read on: `table` (the rows).
//!
//! Invariant: a value in [`Settings`] passed its row's check, so readers need not look again.
//! Invariant: a row stands here only if somebody acts on it.

mod table;

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

pub use table::TABLE;

/// What a setting may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Text that is never shown in a process list or a file it was not in.
    Secret,
    /// An integer from the first to the second, both included.
    Integer(i64, i64),
    /// Bytes: an integer with an optional unit (`k`, `kb`, `m`, `mb`, `g`, `gb`), as in redis.conf.
    Memory(u64, u64),
    /// `yes` or `no`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Letters of keyspace events, as in redis.conf.
    KeyspaceEvents,
    /// Redis' `<class> <hard> <soft> <seconds>` quadruples.
    OutputLimits,
    /// Numbers from 0 to 100, separated by blanks.
    Percentiles,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// `CONFIG` name, flag and keyword.
    pub name: &'static str,
    /// An older name, that `CONFIG` and files know too.
    pub alias: Option<&'static str>,
    /// What it may hold.
    pub kind: Kind,
    /// What it holds when nobody says anything.
    pub default: &'static str,
    /// Whether `CONFIG SET` may change it while the server runs.
    pub mutable: bool,
    /// One sentence for the manual.
    pub doc: &'static str,
}

impl Setting {
    /// Its name, and the older one if it has one.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.alias)
    }
}

/// The row called `name`, or that was called so, in any case.
pub fn find(name: &str) -> Option<usize> {
    TABLE.iter().position(|setting| setting.names().any(|known| known.eq_ignore_ascii_case(name)))
}

/// The values of one store or server.
#[derive(Debug)]
pub struct Settings {
    values: RwLock<Vec<String>>,
    generation: AtomicU64,
}

impl Default for Settings {
    fn default() -> Self {
        let defaults =
            TABLE.iter().map(|setting| normalize(setting, setting.default).expect("a default passes its check"));
        Self { values: RwLock::new(defaults.collect()), generation: AtomicU64::new(1) }
    }
}

impl Settings {
    /// The value of `name`; panics for a name that has no row, which is a bug.
    pub fn get(&self, name: &str) -> String {
        self.values.read()[index_of(name)].clone()
    }

    /// The value of an integer, memory or flag (`yes` is 1) setting.
    pub fn number(&self, name: &str) -> i64 {
        match self.values.read()[index_of(name)].as_str() {
            "yes" => 1,
            "no" => 0,
            value => value.parse().expect("a number passed its check"),
        }
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.number(name) != 0
    }

    /// Sets `name` before the store opens, or by somebody who may change fixed settings.
    /// Errors: a sentence without code.
    pub fn set(&self, name: &str, value: &str) -> Result<(), String> {
        let index = find(name).ok_or_else(|| format!("there is no setting '{name}'"))?;
        let value = normalize(&TABLE[index], value)?;
        self.values.write()[index] = value;
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// A number that grows with every change: readers on the hot path keep copies and look only here.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

fn index_of(name: &str) -> usize {
    find(name).unwrap_or_else(|| panic!("no setting is called {name}"))
}

/// The value as it is kept: bytes as plain numbers, words in lower case. Errors: a sentence without code.
pub fn normalize(setting: &Setting, value: &str) -> Result<String, String> {
    match setting.kind {
        Kind::Text | Kind::Secret => Ok(value.to_owned()),
        Kind::Integer(least, most) => {
            let number: i64 = value.parse().map_err(|_| "argument couldn't be parsed into an integer".to_owned())?;
            in_range(number, least, most).map(|()| number.to_string())
        }
        Kind::Memory(least, most) => {
            let bytes = parse_memory(value).ok_or("argument must be a memory value")?;
            in_range(bytes, least, most).map(|()| bytes.to_string())
        }
        Kind::Flag => choice(value, &["yes", "no"]),
        Kind::Choice(words) => choice(value, words),
        Kind::KeyspaceEvents => keyspace_events(value),
        Kind::OutputLimits => output_limits(value),
        Kind::Percentiles => percentiles(value).map(|all| all.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")),
    }
}

/// The letters, each once, in the order in which Redis shows them; `A` in the place of those that it means.
fn keyspace_events(value: &str) -> Result<String, String> {
    const ALL: &str = "g$lshzxetd";
    const OTHERS: &str = "nocKEm";
    let wrong = || "Invalid event class character. Use 'Ag$lshzxeKEtmdnoc'.".to_owned();
    if value.chars().any(|letter| letter != 'A' && !ALL.contains(letter) && !OTHERS.contains(letter)) {
        return Err(wrong());
    }
    let means = |letter: char| value.contains(letter) || value.contains('A') && ALL.contains(letter);
    let all = ALL.chars().all(means);
    let classes = if all { "A".to_owned() } else { ALL.chars().filter(|&letter| means(letter)).collect() };
    Ok(classes + &OTHERS.chars().filter(|&letter| means(letter)).collect::<String>())
}

fn in_range<T: PartialOrd + std::fmt::Display>(value: T, least: T, most: T) -> Result<(), String> {
    if value < least || value > most {
        return Err(format!("argument must be between {least} and {most} inclusive"));
    }
    Ok(())
}

fn choice(value: &str, words: &[&str]) -> Result<String, String> {
    let found = words.iter().find(|word| word.eq_ignore_ascii_case(value));
    found.map(|&word| word.to_owned()).ok_or_else(|| match words {
        ["yes", "no"] => "argument must be 'yes' or 'no'".to_owned(),
        _ => format!("argument(s) must be one of the following: {}", words.join(", ")),
    })
}

/// `512mb` is 536870912, as redis.conf has it: `k` is a thousand, `kb` is 1024.
pub fn parse_memory(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = match text[digits..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(unit)
}

/// One class of `client-output-buffer-limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutputLimit {
    /// Close at once above this many bytes; 0 is never.
    pub hard_bytes: u64,
    /// Close after `soft_seconds` above this many bytes; 0 is never.
    pub soft_bytes: u64,
    /// See `soft_bytes`.
    pub soft_seconds: u64,
}

/// The limit of `class` (`normal`, `slave`, `pubsub`) in a checked value; a class that it leaves out has its default.
pub fn output_limit(value: &str, class: &str) -> OutputLimit {
    let default = TABLE[index_of("client-output-buffer-limit")].default;
    let words: Vec<&str> = value.split(' ').chain(default.split(' ')).collect();
    let Some(row) = words.chunks_exact(4).find(|row| row[0] == class) else { return OutputLimit::default() };
    let number = |at: usize| row[at].parse().unwrap_or(0);
    OutputLimit { hard_bytes: number(1), soft_bytes: number(2), soft_seconds: number(3) }
}

fn output_limits(value: &str) -> Result<String, String> {
    let words: Vec<&str> = value.split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
    }
    let mut rows = Vec::new();
    for row in words.chunks_exact(4) {
        let class = match row[0].to_ascii_lowercase().as_str() {
            "normal" => "normal",
            "slave" | "replica" => "slave",
            "pubsub" => "pubsub",
            _ => return Err("Invalid client class specified in buffer limit configuration.".to_owned()),
        };
        let wrong = || "Error in hard, soft or soft_seconds setting in buffer limit configuration.".to_owned();
        let hard = parse_memory(row[1]).ok_or_else(wrong)?;
        let soft = parse_memory(row[2]).ok_or_else(wrong)?;
        let seconds: u32 = row[3].parse().map_err(|_| wrong())?;
        rows.push(format!("{class} {hard} {soft} {seconds}"));
    }
    Ok(rows.join(" "))
}

/// The numbers of a list of percentiles.
pub fn percentiles(value: &str) -> Result<Vec<f64>, String> {
    let number = |word: &str| word.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    let numbers = value.split_whitespace().map(number).collect::<Option<Vec<f64>>>();
    numbers.ok_or_else(|| "latency-tracking-info-percentiles should contain a list of numbers from 0 to 100".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_order_and_their_defaults_pass() {
        assert!(TABLE.windows(2).all(|pair| pair[0].name < pair[1].name));
        let settings = Settings::default();
        assert_eq!(settings.get("proto-max-bulk-len"), "536870912");
        assert_eq!(settings.number("port"), 6379);
        assert!(settings.flag("protected-mode"));
    }

    #[test]
    fn a_setting_answers_to_its_older_name_too() {
        let settings = Settings::default();
        settings.set("Hash-Max-Ziplist-Entries", "7").unwrap();
        assert_eq!(settings.number("hash-max-listpack-entries"), 7);
        let names: Vec<&str> = TABLE.iter().flat_map(Setting::names).collect();
        assert!(
            names.iter().all(|name| TABLE.iter().flat_map(Setting::names).filter(|other| other == name).count() == 1)
        );
    }

    #[test]
    fn a_wrong_value_changes_nothing() {
        let settings = Settings::default();
        for (name, value) in [("port", "65536"), ("port", "x"), ("protected-mode", "maybe"), ("durability", "quorum")] {
            let before = (settings.get(name), settings.generation());
            assert!(settings.set(name, value).is_err(), "{name} {value}");
            assert_eq!((settings.get(name), settings.generation()), before);
        }
        assert!(settings.set("no-such", "1").is_err());
    }

    #[test]
    fn letters_of_events_are_shown_in_order() {
        let settings = Settings::default();
        for (given, shown) in
            [("KEA", "AKE"), ("", ""), ("EKxg", "gxKE"), ("mnocKl$s", "$lsnocKm"), ("Ag$lshzxetdE", "AE")]
        {
            settings.set("notify-keyspace-events", given).unwrap();
            assert_eq!(settings.get("notify-keyspace-events"), shown);
        }
        assert!(settings.set("notify-keyspace-events", "Ky").is_err());
    }

    #[test]
    fn output_limits_are_read_by_class() {
        let settings = Settings::default();
        settings.set("client-output-buffer-limit", "normal 1mb 512kb 10").unwrap();
        let limit = output_limit(&settings.get("client-output-buffer-limit"), "normal");
        assert_eq!(limit, OutputLimit { hard_bytes: 1 << 20, soft_bytes: 1 << 19, soft_seconds: 10 });
        let limit = output_limit(&settings.get("client-output-buffer-limit"), "pubsub");
        assert_eq!(limit, OutputLimit { hard_bytes: 32 << 20, soft_bytes: 8 << 20, soft_seconds: 60 });
    }
}
