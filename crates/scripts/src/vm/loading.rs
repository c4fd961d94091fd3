//! An interpreter loads a library, and keeps the places of its functions.

use super::{TICK_INSTRUCTIONS, Vm, tick};
use crate::raw::*;
use crate::registering::{self, Registered};
use crate::{Caller, Found, Library, errors};

/// The generation of an interpreter that has loaded a library since somebody saw that all of them are there.
const NOT_LOOKED_AT: u64 = u64::MAX;

impl Vm {
    /// The numbers of the libraries that it has loaded.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = u64> {
        self.loaded.keys().copied()
    }

    /// Loads a library; the error is that of the compiler, or what the library did wrong.
    pub(crate) fn load_library(
        &mut self,
        library: &Library,
        caller: Option<&mut dyn Caller>,
    ) -> Result<Vec<Registered>, String> {
        self.begin(caller);
        // SAFETY: nobody else uses the interpreter.
        unsafe { (*self.inner.work.get()).registered = Some(Vec::new()) };
        let mut loading = registering::Loading { text: library.lua(), version: self.version, compiled: false };
        // SAFETY: `loading` lives through the call, and both calls are protected.
        let error = unsafe {
            lua_sethook(self.state, Some(tick), LUA_MASKCOUNT, TICK_INSTRUCTIONS);
            let loaded = lua_cpcall(self.state, registering::load, (&raw mut loading).cast());
            lua_sethook(self.state, None, 0, 0);
            let error = (loaded != LUA_OK).then(|| errors::plain(self.state));
            lua_settop(self.state, 0);
            let restored = lua_cpcall(self.state, registering::restore, std::ptr::null_mut());
            assert_eq!(restored, LUA_OK, "a field that is there is set, which cannot fail");
            error
        };
        // SAFETY: as above.
        let work = unsafe { &mut *self.inner.work.get() };
        work.caller = None;
        let registered = work.registered.take().unwrap_or_default();
        match error {
            Some(error) if loading.compiled => Err(format!("Error registering functions: {error}")),
            Some(error) => Err(format!("Error compiling function: {}", error.trim_start_matches("ERR "))),
            None => {
                self.generation = NOT_LOOKED_AT;
                self.loaded.insert(library.id, registered.iter().map(|function| function.place).collect());
                Ok(registered)
            }
        }
    }

    /// The place of a function.
    pub(super) fn function_of(&mut self, found: &Found) -> Result<c_int, String> {
        if !self.loaded.contains_key(&found.library.id) {
            self.load_library(&found.library, None)?;
        }
        let places = &self.loaded[&found.library.id];
        Ok(*places.get(found.at).expect("a library registers the same functions each time"))
    }
}
