//! Who listens to what, and what reaches them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kvark_base::Clock;
use kvark_call::{Delivery, Recording, ReplySink, Session, Settings, Topic, World};

struct Listener {
    session: Session,
    calls: Arc<AtomicUsize>,
}

fn world() -> World {
    World::new(Clock::system(), Settings::default())
}

fn listener(world: &World) -> Listener {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let wake = Box::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let peer = world.sessions.register(String::new(), String::new(), -1, 0, wake);
    Listener { session: Session::new(peer, true).taking_deliveries(), calls }
}

fn told(kind: &str, words: &[&str]) -> Recording {
    let mut told = Recording::default();
    told.push(1 + words.len());
    told.bulk(kind.as_bytes());
    words.iter().for_each(|word| told.bulk(word.as_bytes()));
    told
}

impl Listener {
    fn received(&self) -> Vec<Recording> {
        let mut deliveries: Vec<Delivery> = Vec::new();
        self.session.peer.outbox.take(&mut deliveries);
        let recorded = |delivery: &Delivery| {
            let mut told = Recording::default();
            delivery.tell(&mut told);
            told
        };
        deliveries.iter().map(recorded).collect()
    }
}

#[test]
fn a_message_goes_by_name_and_by_every_pattern_that_matches() {
    let world = world();
    let (mut first, mut second) = (listener(&world), listener(&world));
    let channels = &world.channels;
    channels.subscribe(&mut first.session, Topic::Channel, b"news");
    channels.subscribe(&mut first.session, Topic::Channel, b"news");
    channels.subscribe(&mut first.session, Topic::Pattern, b"n*");
    channels.subscribe(&mut second.session, Topic::Pattern, b"?ews");
    channels.subscribe(&mut second.session, Topic::ShardChannel, b"news");
    assert_eq!(channels.publish(b"news", b"1", &world.settings), 3);
    assert_eq!(channels.publish(b"n", b"2", &world.settings), 1);
    assert_eq!(channels.publish(b"old", b"3", &world.settings), 0);
    assert_eq!(channels.publish_in_shard(b"news", b"4", &world.settings), 1);
    let expected =
        [told("message", &["news", "1"]), told("pmessage", &["n*", "news", "1"]), told("pmessage", &["n*", "n", "2"])];
    assert_eq!(first.received(), expected);
    assert_eq!(second.received(), [told("pmessage", &["?ews", "news", "1"]), told("smessage", &["news", "4"])]);
    // One call for all that came since the outbox was emptied.
    assert_eq!((first.calls.load(Ordering::Relaxed), second.calls.load(Ordering::Relaxed)), (1, 1));
}

#[test]
fn who_leaves_is_in_no_table_and_gets_nothing_more() {
    let world = world();
    let mut one = listener(&world);
    let channels = &world.channels;
    for topic in Topic::ALL {
        channels.subscribe(&mut one.session, topic, b"a");
        channels.subscribe(&mut one.session, topic, b"b");
    }
    channels.publish(b"a", b"1", &world.settings);
    channels.publish(b"b", b"2", &world.settings);
    channels.unsubscribe(&mut one.session, Topic::Channel, b"a");
    channels.unsubscribe(&mut one.session, Topic::Pattern, b"a");
    assert_eq!(one.received(), [told("message", &["b", "2"]), told("pmessage", &["b", "b", "2"])]);
    assert_eq!(Topic::ALL.map(|topic| one.session.peer.listening_to(topic)), [1, 1, 2]);
    assert!(one.session.is_listening() && one.session.is_confined());
    world.part(&mut one.session);
    assert_eq!(Topic::ALL.map(|topic| channels.len(topic)), [0, 0, 0]);
    assert!(!one.session.is_listening() && !one.session.peer.is_listening() && world.sessions.is_empty());
    assert_eq!(channels.publish(b"b", b"3", &world.settings), 0);
}

#[test]
fn the_bound_of_an_outbox_follows_its_setting() {
    let world = world();
    let mut one = listener(&world);
    world.channels.subscribe(&mut one.session, Topic::Channel, b"a");
    let publish =
        |times: usize| -> usize { (0..times).map(|_| world.channels.publish(b"a", &[0; 1000], &world.settings)).sum() };
    assert_eq!(publish(100), 100);
    assert!(!one.session.peer.is_killed());
    assert_eq!(one.received().len(), 100);
    world.settings.set("client-output-buffer-limit", "pubsub 50000 0 0").unwrap();
    assert_eq!(publish(40), 40);
    assert!(!one.session.peer.is_killed());
    assert_eq!(publish(20), 20);
    assert!(one.session.peer.is_killed() && one.session.peer.outbox.is_outgrown());
    assert_eq!(one.received(), []);
}
