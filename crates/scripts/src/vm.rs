//! An interpreter: its memory and its limits, scripts compiled once, and a run of one of them.
//!
//! ```text
//! lua_pcall( enter, errors::explain )      enter: KEYS and ARGV, then the script
//! lua_pcall( leave )                       leave: the result is told to the client
//! ```

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

use kvark_base::limits::MAX_SCRIPT_MEMORY;
use kvark_call::request::Span;
use kvark_call::{Recording, ReplySink, Version};

use crate::caller::{Caller, Stop};
use crate::drand::Drand;
use crate::raw::*;
use crate::registering::Registered;
use crate::replies::Frame;
use crate::{Program, Script, Sha, answers, errors, sandbox};

mod loading;

/// How many instructions pass between two looks at the clock.
const TICK_INSTRUCTIONS: c_int = 100_000;
/// So many runs are followed by a step of the collector, for about so much garbage.
const COLLECT_RUNS: u32 = 50;
const COLLECT_KB: c_int = 50;
/// Scripts that one interpreter keeps compiled at most.
const MAX_COMPILED: usize = 1024;

/// What an interpreter works with; it belongs to no frame, so that an error of Lua leaks nothing.
pub(crate) struct Work {
    /// Whoever runs the script now. Valid while a script runs.
    pub caller: Option<NonNull<dyn Caller>>,
    /// The arguments of a command on its way out.
    pub args: Vec<u8>,
    pub spans: Vec<Span>,
    /// Its reply, and the tables that are being filled from it.
    pub reply: Recording,
    pub frames: Vec<Frame>,
    /// Bytes that a library puts together.
    pub scratch: Vec<u8>,
    pub random: Drand,
    /// The version in which replies become Lua.
    pub version: Version,
    /// Why the script must not go on.
    pub stop: Option<Stop>,
    /// What a command panicked with.
    pub panic: Option<Box<dyn Any + Send>>,
    /// The functions of the library that is being loaded, so far.
    pub registered: Option<Vec<Registered>>,
    /// Where things are in the registry.
    pub refs: Refs,
}

/// Places in the registry.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Refs {
    /// The table behind the globals, which scripts cannot change.
    pub globals: c_int,
    /// What everybody gets as the metatable of what is protected.
    pub guard: c_int,
    pub explain: c_int,
    pub enter: c_int,
    pub leave: c_int,
    /// The names of the fields that an answer may have, in the order of [`answers::FIELDS`].
    pub fields: [c_int; answers::FIELDS.len()],
}

/// How a script ended.
#[derive(Debug)]
pub enum End {
    /// It has answered.
    Answered,
    /// It failed, or answered an error; whether that was counted already, by the command that it came from.
    Failed {
        /// The error as the client sees it.
        message: String,
        /// Its command has counted it.
        counted: bool,
    },
    /// Its surroundings want to run it again.
    Again,
}

/// An interpreter.
pub struct Vm {
    state: L,
    inner: Box<Inner>,
    compiled: HashMap<Sha, c_int>,
    /// The libraries that it has loaded, by their numbers: the places of their functions.
    loaded: HashMap<u64, Vec<c_int>>,
    version: &'static str,
    /// The generation of the cache that it belongs to, or the number of the shelf that has all of its libraries.
    pub(crate) generation: u64,
    /// Runs since the collector was last made to work.
    runs: u32,
}

// SAFETY: the interpreter is reached by its `Vm` alone, which is used by one thread at a time; nothing in it belongs to a thread.
unsafe impl Send for Vm {}

/// What one run is about, for `enter` and `leave`.
struct Run<'a, 'r> {
    function: c_int,
    /// It is given keys and arguments, which a script finds in globals.
    takes_arguments: bool,
    keys: &'a mut dyn Iterator<Item = &'r [u8]>,
    args: &'a mut dyn Iterator<Item = &'r [u8]>,
}

impl Vm {
    /// A fresh interpreter that calls itself `version` of Redis.
    pub(crate) fn new(version: &'static str, seed: u32, generation: u64) -> Self {
        let work = Work {
            caller: None,
            args: Vec::new(),
            spans: Vec::new(),
            reply: Recording::default(),
            frames: Vec::new(),
            scratch: Vec::new(),
            random: Drand::from_seed(seed),
            version: Version::Resp2,
            stop: None,
            panic: None,
            registered: None,
            refs: Refs::default(),
        };
        let memory = Memory { used: Cell::new(0), most: Cell::new(usize::MAX) };
        let inner = Box::new(Inner { memory, work: UnsafeCell::new(work) });
        let address = std::ptr::from_ref(&*inner).cast_mut().cast::<c_void>();
        // SAFETY: `Inner` does not move and lives as long as the state.
        let state = unsafe { lua_newstate(allocate, address) };
        assert!(!state.is_null(), "there is no memory for an interpreter");
        let mut of_redis = version;
        // SAFETY: the state is new, and `of_redis` lives through the call.
        let made = unsafe {
            lua_atpanic(state, unprotected);
            lua_cpcall(state, sandbox::build, (&raw mut of_redis).cast())
        };
        assert_eq!(made, LUA_OK, "the sandbox needs nothing that could be missing");
        inner.memory.most.set(MAX_SCRIPT_MEMORY);
        Self { state, inner, compiled: HashMap::new(), loaded: HashMap::new(), version, generation, runs: 0 }
    }

    /// Bytes of memory that it uses.
    pub(crate) fn used_bytes(&self) -> usize {
        self.inner.memory.used.get()
    }

    /// Compiles a script; the error is that of the compiler.
    pub fn load(&mut self, script: &Script) -> Result<(), String> {
        self.function(script).map(|_| ())
    }

    /// The place of a compiled script.
    fn function(&mut self, script: &Script) -> Result<c_int, String> {
        if let Some(place) = self.compiled.get(&script.sha) {
            return Ok(*place);
        }
        if self.compiled.len() >= MAX_COMPILED {
            // SAFETY: the places are those of functions; taking them back needs no memory.
            self.compiled.drain().for_each(|(_, place)| unsafe { luaL_unref(self.state, LUA_REGISTRYINDEX, place) });
        }
        let place = self.compile(script.lua(), c"@user_script")?;
        self.compiled.insert(script.sha, place);
        Ok(place)
    }

    fn compile(&mut self, text: &[u8], name: &CStr) -> Result<c_int, String> {
        let mut loading = Loading { text, name, place: LUA_NOREF };
        // SAFETY: `loading` lives through the call, which is protected.
        unsafe {
            let result = lua_cpcall(self.state, load, (&raw mut loading).cast());
            if result != LUA_OK {
                let message = errors::text(self.state, -1);
                lua_settop(self.state, 0);
                return Err(message);
            }
        }
        Ok(loading.place)
    }

    /// Notes who is asked from now on.
    fn begin(&mut self, caller: Option<&mut dyn Caller>) {
        // SAFETY: nobody else uses the interpreter.
        let work = unsafe { &mut *self.inner.work.get() };
        // SAFETY: the caller outlives the run, after which it is forgotten.
        let caller = caller.map(|caller| unsafe {
            std::mem::transmute::<NonNull<dyn Caller + '_>, NonNull<dyn Caller>>(NonNull::from(caller))
        });
        (work.caller, work.version, work.stop) = (caller, Version::Resp2, None);
    }

    /// Runs a script or a function, and tells `out` what it answers.
    pub fn run<'r>(
        &mut self,
        program: Program<'_>,
        keys: &mut dyn Iterator<Item = &'r [u8]>,
        args: &mut dyn Iterator<Item = &'r [u8]>,
        caller: &mut dyn Caller,
        out: &mut dyn ReplySink,
    ) -> Result<End, String> {
        let function = match program {
            Program::Script(script) => self.function(script)?,
            Program::Function(found) => self.function_of(found)?,
        };
        self.begin(Some(caller));
        // SAFETY: nobody else uses the interpreter.
        let work = unsafe { &mut *self.inner.work.get() };
        let mut run = Run { function, takes_arguments: program.is_function(), keys, args };
        // SAFETY: `run` lives through the call, which is protected.
        let status = unsafe {
            lua_sethook(self.state, Some(tick), LUA_MASKCOUNT, TICK_INSTRUCTIONS);
            lua_rawgeti_(self.state, LUA_REGISTRYINDEX, work.refs.explain);
            lua_rawgeti_(self.state, LUA_REGISTRYINDEX, work.refs.enter);
            lua_pushlightuserdata(self.state, (&raw mut run).cast());
            let status = lua_pcall(self.state, 1, 1, 1);
            lua_sethook(self.state, None, 0, 0);
            status
        };
        // SAFETY: as above; what `run` borrowed is used no more.
        let work = unsafe { &mut *self.inner.work.get() };
        work.caller = None;
        if let Some(panic) = work.panic.take() {
            std::panic::resume_unwind(panic);
        }
        if work.stop == Some(Stop::Again) {
            // SAFETY: the stack of a state that runs nothing.
            unsafe { lua_settop(self.state, 0) };
            return Ok(End::Again);
        }
        Ok(if status == LUA_OK { self.answer(out) } else { self.failure(program) })
    }

    /// Tells `out` the result, which is on top.
    fn answer(&mut self, mut out: &mut dyn ReplySink) -> End {
        // What a script has, it may tell: the answer itself needs next to nothing.
        self.inner.memory.most.set(usize::MAX);
        // SAFETY: `out` lives through the call, which is protected.
        unsafe {
            let refs = (*self.inner.work.get()).refs;
            let error = answers::error(self.state, &refs);
            if error.is_none() {
                lua_rawgeti_(self.state, LUA_REGISTRYINDEX, refs.leave);
                lua_insert(self.state, -2);
                lua_pushlightuserdata(self.state, (&raw mut out).cast());
                let left = lua_pcall(self.state, 2, 0, 0);
                assert_eq!(left, LUA_OK, "an answer is told by raw means, which cannot fail");
            }
            lua_settop(self.state, 0);
            self.inner.memory.most.set(MAX_SCRIPT_MEMORY);
            error.map_or(End::Answered, |(message, counted)| End::Failed { message, counted })
        }
    }

    fn failure(&mut self, program: Program<'_>) -> End {
        // SAFETY: the error is on top.
        unsafe {
            let (message, counted) = errors::told(self.state, &program.name());
            lua_settop(self.state, 0);
            End::Failed { message, counted }
        }
    }

    /// After a run: now and then a step of the collector, so that it does not wait for a script that makes much.
    pub(crate) fn collect(&mut self) {
        self.runs += 1;
        if self.runs >= COLLECT_RUNS {
            self.runs = 0;
            // SAFETY: a step of the collector runs no code of a script: none can set `__gc`.
            unsafe { lua_gc(self.state, LUA_GCSTEP, COLLECT_KB) };
        }
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and used no more.
        unsafe { lua_close(self.state) }
    }
}

struct Loading<'l> {
    text: &'l [u8],
    name: &'l CStr,
    place: c_int,
}

unsafe extern "C-unwind" fn load(l: L) -> c_int {
    let loading = &mut *lua_touserdata(l, 1).cast::<Loading<'_>>();
    if loading.text.first() == Some(&LUA_SIGNATURE[0]) {
        push(l, b"bytecode is not accepted");
        lua_error(l);
    }
    if luaL_loadbuffer(l, loading.text.as_ptr().cast(), loading.text.len(), loading.name.as_ptr()) != LUA_OK {
        lua_error(l);
    }
    loading.place = luaL_ref(l, LUA_REGISTRYINDEX);
    0
}

/// Sets KEYS and ARGV and runs the script, or gives them to the function.
pub(crate) unsafe extern "C-unwind" fn enter(l: L) -> c_int {
    let run = &mut *lua_touserdata(l, 1).cast::<Run<'_, '_>>();
    let refs = work(l).refs;
    if run.takes_arguments {
        lua_settop(l, 0);
        lua_rawgeti_(l, LUA_REGISTRYINDEX, run.function);
        push_list(l, run.keys);
        push_list(l, run.args);
        lua_call(l, 2, 1);
        return 1;
    }
    lua_rawgeti_(l, LUA_REGISTRYINDEX, refs.globals);
    push_list(l, run.keys);
    lua_setfield(l, -2, c"KEYS".as_ptr());
    push_list(l, run.args);
    lua_setfield(l, -2, c"ARGV".as_ptr());
    lua_settop(l, 0);
    lua_rawgeti_(l, LUA_REGISTRYINDEX, run.function);
    lua_call(l, 0, 1);
    1
}

/// Tells the sink at 2 the value at 1.
pub(crate) unsafe extern "C-unwind" fn leave(l: L) -> c_int {
    let out = &mut *lua_touserdata(l, 2).cast::<&mut dyn ReplySink>();
    lua_settop(l, 1);
    let (refs, version) = (work(l).refs, work(l).version);
    answers::tell(l, &refs, version, *out);
    0
}

unsafe fn push_list(l: L, items: &mut dyn Iterator<Item = &[u8]>) {
    lua_createtable(l, items.size_hint().0 as c_int, 0);
    let mut at = 0;
    for item in items {
        at += 1;
        push(l, item);
        lua_rawseti_(l, -2, at);
    }
}

/// Called by Lua every so many instructions.
unsafe extern "C-unwind" fn tick(l: L, _: *mut lua_Debug) {
    let work = work(l);
    if work.stop.is_none()
        && let Some(mut caller) = work.caller
    {
        work.stop = caller.as_mut().tick();
    }
    if work.stop.is_some() {
        stop(l);
    }
}

/// Ends the script: from here on every line of it is an error, so that no `pcall` of its own keeps it alive.
pub(crate) unsafe fn stop(l: L) -> ! {
    lua_sethook(l, Some(tick), LUA_MASKLINE, 0);
    let message = match work(l).stop {
        Some(Stop::Killed(message)) => message,
        _ => "ERR the script is run again",
    };
    errors::push(l, message.as_bytes(), false);
    lua_error(l)
}

/// Lua found nobody to catch an error, which a protected call would.
unsafe extern "C-unwind" fn unprotected(_: L) -> c_int {
    panic!("Lua was entered by an unprotected call")
}
