//! A library is loaded before it stands on the shelf: nobody else sees it, and it may not take long.

use std::sync::Arc;
use std::time::Duration;

use kvark_call::{Fault, Recording, Request, World};
use kvark_scripts::caller::Refused;
use kvark_scripts::{Caller, Library, Stop};

use super::host::note;
use crate::context::Context;

/// How long a library may take to be loaded.
const LOAD_TIME: Duration = Duration::from_millis(500);

/// Loads a library, which is on no shelf yet.
pub(super) fn compile(ctx: &mut Context, code: &[u8]) -> Result<Arc<Library>, Fault> {
    let mut loader = Loader { world: ctx.world, started: ctx.world.clock.uptime() };
    ctx.scripts.libraries.load(code, Some(&mut loader), ctx.random).map(Arc::new).map_err(failed)
}

/// As a client is told it.
pub(super) fn failed(error: String) -> Fault {
    Fault::new(format!("ERR {error}"))
}

/// Whom a library asks while it is loaded.
struct Loader<'w> {
    world: &'w World,
    started: Duration,
}

impl Caller for Loader<'_> {
    fn call(&mut self, _request: &Request<'_>, _reply: &mut Recording) -> Result<(), Refused> {
        Err(Fault::new("ERR redis.call/pcall can only be called inside a script invocation").into())
    }

    fn may_call(&self, _request: &Request<'_>) -> Option<bool> {
        None
    }

    fn tick(&mut self) -> Option<Stop> {
        let is_over = self.world.clock.uptime() - self.started > LOAD_TIME;
        is_over.then_some(Stop::Killed("ERR FUNCTION LOAD timeout"))
    }

    fn log(&mut self, level: i64, text: &[u8]) {
        note("library", "being loaded", level, text);
    }
}
