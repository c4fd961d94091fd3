//! Several things done at once, between MULTI and EXEC.

use kvark_call::request::OwnedRequest;

use super::{DBS, World};
use crate::model::Op;
use crate::sink::TextSink;

impl World {
    /// Does a few things in one transaction, in the store and in the model, and compares each answer. While the disk refuses, the
    /// store may refuse all of them or some; what it refused must not have changed anything.
    pub fn act_together(&mut self, may_refuse: bool) {
        self.steps += 1;
        let mut db = self.random.below(DBS) as u32;
        self.session.db = db;
        self.sweep_model();
        let ops: Vec<Op> = (0..1 + self.random.below(5)).map(|_| self.op()).collect();
        let choice = self.random.below(DBS) as u32;
        let mut answers = self.say_together(&ops, choice);
        if answers.len() != ops.len() + 2 {
            assert!(may_refuse && is_refusal(&answers.concat()), "step {}: {ops:?}: {answers:?}", self.steps);
            self.session.end_transaction();
            return;
        }
        for (at, (op, answer)) in ops.iter().zip(answers.drain(2..)).enumerate() {
            if at == 0 {
                db = choice;
            }
            if may_refuse && is_refusal(&answer) {
                continue;
            }
            let expected = self.model.apply(db, op, self.clock.now_ms());
            if !matches!(op, Op::Dbsize) {
                assert_eq!(answer, expected, "step {}: db {db}, {op:?} of {ops:?}", self.steps);
            }
        }
        self.note();
    }

    /// The lines of the answer to EXEC: how many there are, that of SELECT, and one for each of `ops`.
    fn say_together(&mut self, ops: &[Op], db: u32) -> Vec<String> {
        let select = vec![b"SELECT".to_vec(), db.to_string().into_bytes()];
        let queued = std::iter::once(select).chain(ops.iter().map(Op::words));
        let all = std::iter::once(vec![b"MULTI".to_vec()]).chain(queued).chain([vec![b"EXEC".to_vec()]]);
        let mut sink = TextSink::default();
        for words in all {
            sink.0.clear();
            if let Err(fault) = self.engine.execute(&mut self.session, &OwnedRequest::new(words), &mut sink) {
                return vec![format!("!{}", fault.message())];
            }
        }
        sink.0
    }
}

fn is_refusal(answer: &str) -> bool {
    ["NOSPACE", "IOERR", "MISCONF"].iter().any(|code| answer.contains(code)) || answer.contains("previous errors")
}
