//! What is configured is what the store does.

use kvark_call::request::OwnedRequest;
use kvark_call::setting::{TABLE, find};
use kvark_call::{Session, Settings};
use kvark_commands::examples::ReplyCollector;
use kvark_engine::{Engine, OpenOptions};
use kvark_values::Forms;

#[test]
fn every_threshold_of_a_form_can_be_configured() {
    for (name, threshold) in Forms::default().named() {
        let row = TABLE[find(name).unwrap_or_else(|| panic!("no setting is called {name}"))];
        assert_eq!((row.name, row.default), (name, threshold.raw().to_string().as_str()));
        assert!(row.mutable, "{name}");
    }
}

#[test]
fn thresholds_are_adopted_when_the_store_opens_and_when_they_change() {
    let settings = Settings::default();
    settings.set("list-max-ziplist-size", "-5").unwrap();
    let options = OpenOptions::in_memory();
    let engine = Engine::open(&options, settings).expect("the store opens");
    let forms = engine.keyspace().forms();
    assert_eq!((forms.list_size.raw(), forms.hash_entries.raw()), (-5, 512));
    let peer = engine.world().sessions.register("127.0.0.1:1".into(), "127.0.0.1:2".into(), -1, 0, Box::new(|| {}));
    let mut session = Session::new(peer, true);
    let mut sink = ReplyCollector::default();
    let request = OwnedRequest::new("CONFIG SET hash-max-ziplist-entries 3 hll-sparse-max-bytes 1kb".split(' '));
    engine.execute(&mut session, &request, &mut sink).unwrap();
    assert_eq!(sink.show(), "OK");
    assert_eq!((forms.hash_entries.raw(), forms.hll_sparse_bytes.raw()), (3, 1024));
}
