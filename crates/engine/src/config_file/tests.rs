//! Texts before and after; each text that comes out is read again and must say what the settings hold.

use std::path::PathBuf;

use kvark_disk::Memory;

use super::*;

const FORMATS: [ConfigFormat; 2] = [ConfigFormat::Toml, ConfigFormat::RedisConf];

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let settings = Settings::default();
    pairs.iter().for_each(|(name, value)| settings.set(name, value).unwrap());
    settings
}

fn values(text: &str, format: ConfigFormat) -> Vec<(&'static str, String)> {
    let read = match format {
        ConfigFormat::Toml => toml::read(text),
        ConfigFormat::RedisConf => redis_conf::read(text),
    };
    read.unwrap_or_else(|at| panic!("{at}: {text}")).said.into_iter().map(|said| (said.row.name, said.value)).collect()
}

#[track_caller]
fn becomes(format: ConfigFormat, old: &str, pairs: &[(&str, &str)], new: &str) {
    let settings = settings(pairs);
    assert_eq!(rewrite(old, format, &settings).as_deref(), Ok(new));
    assert_eq!(rewrite(new, format, &settings).as_deref(), Ok(new), "a second time changes nothing");
}

#[test]
fn toml_changes_values_where_they_stand() {
    becomes(
        ConfigFormat::Toml,
        "# head\n  'maxclients'=1_000 # why\nlog_max_bytes = \"2gb\"\nbind = [\n  \"::1\", # six\n]\nprotected_mode = true\nother = 1\n",
        &[("maxclients", "7"), ("bind", "127.0.0.1 ::1"), ("protected-mode", "no")],
        "# head\n  'maxclients'=7 # why\nlog_max_bytes = \"2gb\"\nbind = \"127.0.0.1 ::1\"\nprotected_mode = false\nother = 1\n",
    );
}

#[test]
fn toml_gets_what_is_not_named_before_the_first_table() {
    becomes(
        ConfigFormat::Toml,
        "port = 6379\n\n  [else]\ntimeout = 1\n",
        &[("timeout", "9"), ("requirepass", "a \"b\\\n"), ("threads", "3")],
        "port = 6379\n\nrequirepass = \"a \\\"b\\\\\\n\"\ntimeout = 9\n  [else]\ntimeout = 1\n",
    );
}

#[test]
fn toml_strings_end_where_they_end() {
    let text = "requirepass = \"\"\"\na # \\\" \\\n   b\"\"\"\"\nunixsocket = '''/x'y'''\ndir = 'C:\\'\n";
    let pass = ("requirepass", "a # \" b\"");
    becomes(ConfigFormat::Toml, text, &[pass, ("unixsocket", "/x'y"), ("dir", "C:\\")], text);
    let new = "requirepass = \"p\"\nunixsocket = '''/x'y'''\ndir = 'C:\\'\n";
    becomes(ConfigFormat::Toml, text, &[("requirepass", "p"), ("unixsocket", "/x'y"), ("dir", "C:\\")], new);
}

#[test]
fn redis_conf_changes_values_where_they_stand() {
    becomes(
        ConfigFormat::RedisConf,
        "# head\n\tMAXCLIENTS 1000  \nsave 3600 1\nlog-max-bytes 2gb\nbind 127.0.0.1 ::1\ntimeout 5\ntimeout '6'",
        &[("maxclients", "7"), ("bind", "127.0.0.1 ::1"), ("timeout", "5"), ("requirepass", "a \"b"), ("port", "1")],
        "# head\n\tMAXCLIENTS 7  \nsave 3600 1\nlog-max-bytes 2gb\nbind 127.0.0.1 ::1\ntimeout 5\ntimeout 5\nrequirepass \"a \\\"b\"\n",
    );
}

#[test]
fn limits_of_a_redis_conf_are_one_class_a_line() {
    const NAME: &str = "client-output-buffer-limit";
    let lines = |rows: &[&str]| rows.iter().map(|row| format!("{NAME} {row}\n# c\n")).collect::<String>();
    let current = [(NAME, "normal 1 1 1 pubsub 2 2 2 slave 3 3 3")];
    let conf = |old: &[&str], new: &str| becomes(ConfigFormat::RedisConf, &lines(old), &current, new);
    let kept = ["normal 1b 1 1", "pubsub 2 2 2 replica 3 3 3"];
    conf(&kept, &lines(&kept));
    conf(
        &["normal 1b 1 1", "pubsub 0 0 0"],
        &format!("{NAME} normal 1b 1 1\n# c\n{NAME} pubsub 2 2 2\n{NAME} slave 3 3 3\n# c\n"),
    );
    let four = ["normal 0 0 0", "slave 0 0 0", "pubsub 0 0 0", "pubsub 1 1 1"];
    conf(&four, &format!("{}# c\n", lines(&["normal 1 1 1", "pubsub 2 2 2", "slave 3 3 3"])));
    conf(&[], &format!("{NAME} normal 1 1 1\n{NAME} pubsub 2 2 2\n{NAME} slave 3 3 3\n"));
}

#[test]
fn any_text_is_read_back_as_it_was() {
    for pass in
        ["", " ", "#", "'", "\"", "\\", "a\\'b", "\t\r\n\0\x07\x7f", "\u{85}\u{2028}ä", "]=[", "\\x41", "''\"\"\""]
    {
        for format in FORMATS {
            let old = if format == ConfigFormat::Toml { "requirepass = 1\n" } else { "requirepass old\n" };
            let new = rewrite(old, format, &settings(&[("requirepass", pass)])).unwrap();
            assert_eq!(values(&new, format), [("requirepass", pass.to_owned())], "{new}");
            assert_eq!(new.lines().count(), 1, "{new}");
        }
    }
}

#[test]
fn lines_keep_their_ending() {
    let pairs = [("timeout", "9"), ("maxclients", "7")];
    becomes(ConfigFormat::RedisConf, "timeout 1\r\n", &pairs, "timeout 9\r\nmaxclients 7\r\n");
    becomes(ConfigFormat::Toml, "timeout = 1\r\n", &pairs, "timeout = 9\r\nmaxclients = 7\r\n");
}

#[test]
fn what_makes_no_sense_is_left_alone_and_named() {
    let disk = Memory::default();
    for (format, text) in [
        (ConfigFormat::Toml, "\ntimeout = \"1\n"),
        (ConfigFormat::Toml, "\ntimeout = 1 2\n"),
        (ConfigFormat::Toml, "\ntimeout 1\n"),
        (ConfigFormat::Toml, "\nbind = ['a' 'b']\n"),
        (ConfigFormat::RedisConf, "\ntimeout \"1\n"),
        (ConfigFormat::RedisConf, "\ntimeout \"1\"2\n"),
    ] {
        let file = ConfigFile { path: PathBuf::from("/etc/k.conf"), format };
        disk.create_dir(&PathBuf::from("/etc")).unwrap();
        disk.write_all_atomic(&file.path, text.as_bytes()).unwrap();
        let error = save(&disk, &file, &settings(&[("timeout", "9")])).unwrap_err();
        assert!(error.message().starts_with("/etc/k.conf:2 "), "{text}: {error}");
        assert_eq!(disk.read_all(&file.path).unwrap(), text.as_bytes());
    }
}
