//! GET and a plain SET ask nobody for memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use kvark_call::request::OwnedRequest;
use kvark_call::{ReplySink, Version};
use kvark_commands::{Handler, resolve};
use kvark_keyspace::{Keyspace, Options};
use kvark_log::memory::MemoryLog;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[derive(Default)]
struct Length(usize);

impl ReplySink for Length {
    fn status(&mut self, text: &str) {
        self.0 += text.len();
    }
    fn error(&mut self, message: &str) {
        panic!("{message}");
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
    fn integer(&mut self, _: i64) {}
    fn bulk_integer(&mut self, _: i64) {}
    fn null(&mut self) {}
    fn null_array(&mut self) {}
    fn array(&mut self, _: usize) {}
    fn map(&mut self, _: usize) {}
    fn set(&mut self, _: usize) {}
    fn push(&mut self, _: usize) {}
    fn double(&mut self, _: f64) {}
    fn boolean(&mut self, _: bool) {}
    fn verbatim(&mut self, _: &str, _: &[u8]) {}
    fn speak(&mut self, _: Version) {}
}

fn execute(keyspace: &Keyspace, request: &OwnedRequest, out: &mut Length) {
    let req = request.as_request();
    let row = resolve(&req).unwrap();
    let key = keyspace.key(row.one_key(&req).unwrap());
    match row.handler {
        Handler::Read(read) => drop(read(&keyspace.view_one(0, key, 1), &req, out).unwrap()),
        Handler::Write(write) => drop(write(&mut keyspace.write_one(0, key, 1), &req, out).unwrap()),
        Handler::Ask(_) => unreachable!("neither GET nor SET asks"),
    }
}

#[test]
fn get_and_plain_set_allocate_nothing() {
    let keyspace = Keyspace::new(Options { shards: 4, seed: 1 }, Arc::new(MemoryLog::volatile()));
    let (value, other) = ("x".repeat(64), "y".repeat(64));
    let set = OwnedRequest::new(["SET", "user:100", &value]);
    let set_again = OwnedRequest::new(["set", "user:100", &other]);
    let get = OwnedRequest::new(["GET", "user:100"]);
    let missing = OwnedRequest::new(["GET", "nobody"]);
    let mut out = Length::default();
    execute(&keyspace, &set, &mut out);
    let before = ALLOCATIONS.with(Cell::get);
    for request in [&get, &set_again, &missing, &get, &set] {
        execute(&keyspace, request, &mut out);
    }
    assert_eq!(ALLOCATIONS.with(Cell::get), before);
    assert_eq!(out.0, "OK".len() * 3 + 64 * 2);
}
