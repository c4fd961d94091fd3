//! What a command took is known, whatever stands around it in the pipeline.

use std::sync::Arc;

use kvark_call::request::{OwnedRequest, Pipeline};
use kvark_call::slowlog::SlowEntry;
use kvark_call::{FactSheet, Recording, Session, Settings};
use kvark_commands::examples::{ReplyCollector, split_line};
use kvark_engine::{Engine, OpenOptions, Scratch};

struct Client {
    engine: Arc<Engine>,
    session: Session,
    scratch: Scratch,
}

impl Client {
    fn new(settings: &[(&str, &str)]) -> Self {
        let given = Settings::default();
        settings.iter().for_each(|(name, value)| given.set(name, value).unwrap());
        let engine = Engine::open(&OpenOptions::in_memory(), given).expect("a store in memory opens");
        let peer = engine.world().sessions.register("127.0.0.1:1".into(), String::new(), -1, 0, Box::new(|| {}));
        peer.text.lock().name = "tester".to_owned();
        Self { engine, session: Session::new(peer, true), scratch: Scratch::default() }
    }

    /// Executes many requests in one turn.
    fn pipe(&mut self, requests: &[Vec<Vec<u8>>]) {
        let (mut buffer, mut pipeline) = (Vec::new(), Pipeline::default());
        for arg in requests {
            for arg in arg {
                pipeline.push_arg(buffer.len(), arg.len());
                buffer.extend_from_slice(arg);
            }
            pipeline.end_request();
        }
        let Self { engine, session, scratch } = self;
        let turn = engine.turn(session, &pipeline, &buffer, 0, &mut Recording::default(), scratch);
        assert_eq!(turn.executed, requests.len());
    }

    fn say(&mut self, line: &str) {
        let mut sink = ReplyCollector::default();
        self.engine.execute(&mut self.session, &OwnedRequest::new(split_line(line)), &mut sink).unwrap();
    }

    fn slow(&self) -> Vec<SlowEntry> {
        self.engine.world().slowlog.latest(usize::MAX)
    }

    fn facts(&self) -> FactSheet {
        self.engine.world().facts()
    }

    fn stats(&self, command: &str) -> Option<String> {
        let facts = self.facts();
        let lines = facts.section("commandstats")?;
        lines.iter().find(|(name, _)| *name == format!("cmdstat_{command}")).map(|(_, value)| value.clone())
    }
}

fn words(line: &str) -> Vec<Vec<u8>> {
    split_line(line)
}

const SLEEPY: (&str, &str) = ("enable-debug-command", "yes");

#[test]
fn one_slow_command_of_a_pipeline_is_found_with_its_time_and_nothing_else() {
    let mut client = Client::new(&[SLEEPY, ("slowlog-log-slower-than", "150000")]);
    let mut requests: Vec<_> = (0..100).map(|number| words(&format!("SET key:{number} value"))).collect();
    requests.insert(50, words("DEBUG SLEEP 0.2"));
    client.pipe(&requests);
    let [entry] = client.slow().try_into().expect("one");
    assert_eq!(entry.args, words("DEBUG SLEEP 0.2"));
    assert!((200_000..300_000).contains(&entry.took_us), "{} us", entry.took_us);
    assert_eq!((entry.address.as_str(), entry.name.as_str()), ("127.0.0.1:1", "tester"));
}

#[test]
fn each_command_has_its_entry_where_all_are_wanted() {
    let mut client = Client::new(&[("slowlog-log-slower-than", "0"), ("slowlog-max-len", "7")]);
    let requests: Vec<_> = (0..100).map(|number| words(&format!("SET key:{number} value"))).collect();
    client.pipe(&requests);
    let typed: Vec<_> = client.slow().into_iter().rev().map(|entry| entry.args).collect();
    assert_eq!(typed, requests[93..]);
    client.engine.world().settings.set("slowlog-log-slower-than", "-1").unwrap();
    client.engine.world().slowlog.reset();
    client.pipe(&requests);
    assert!(client.slow().is_empty());
}

#[test]
fn a_brief_command_that_was_not_brief_is_found_among_brief_ones() {
    let mut client = Client::new(&[("slowlog-log-slower-than", "1000")]);
    client.pipe(&[vec![b"SET".to_vec(), b"big".to_vec(), vec![b'x'; 64 << 20]]]);
    client.engine.world().slowlog.reset();
    let mut requests = vec![words("GET small"); 60];
    requests[30] = words("GET big");
    client.pipe(&requests);
    let found = client.slow();
    let longest = found.iter().max_by_key(|entry| entry.took_us).expect("at least one");
    assert_eq!(longest.args, words("GET big"));
}

#[test]
fn calls_failures_and_refusals_are_counted_apart() {
    let mut client = Client::new(&[]);
    let mut requests = vec![words("SET text value"); 20];
    requests.extend(vec![words("INCR text"); 3]);
    requests.extend(vec![words("INCR"), words("NOSUCH"), words("MULTI"), words("INCR n"), words("EXEC")]);
    client.pipe(&requests);
    let counted = |client: &Client, command: &str| {
        let told = client.stats(command).unwrap();
        let kept = told.split(',').filter(|part| !part.starts_with("usec"));
        kept.collect::<Vec<_>>().join(",")
    };
    assert_eq!(counted(&client, "set"), "calls=20,rejected_calls=0,failed_calls=0");
    assert_eq!(counted(&client, "incr"), "calls=4,rejected_calls=1,failed_calls=3");
    assert_eq!(counted(&client, "exec"), "calls=1,rejected_calls=0,failed_calls=0");
    let told = client.facts().section("latencystats").unwrap().to_vec();
    assert!(told.iter().any(|(name, value)| name == "latency_percentiles_usec_set" && value.starts_with("p50=")));
    client.engine.world().reset_facts();
    assert_eq!(client.stats("set"), None);
    client.pipe(&requests);
    assert_eq!(counted(&client, "set"), "calls=20,rejected_calls=0,failed_calls=0");
}

#[test]
fn commands_of_a_transaction_are_slow_by_themselves_and_exec_is_not() {
    let mut client = Client::new(&[SLEEPY, ("slowlog-log-slower-than", "50000"), ("latency-monitor-threshold", "50")]);
    ["MULTI", "SET a 1", "DEBUG SLEEP 0.06", "EXEC"].iter().for_each(|line| client.say(line));
    let [entry] = client.slow().try_into().expect("one");
    assert_eq!(entry.args, words("DEBUG SLEEP 0.06"));
    let events = client.engine.world().latency.events();
    assert!(events.iter().any(|(kind, event)| *kind == "command" && event.longest_ms >= 60), "{events:?}");
}
