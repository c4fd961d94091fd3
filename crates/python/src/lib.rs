//! `python`: the native half of the Python package, `kvark._native`. The only room that knows Python, and a thin one.
//!
//! Read in this order: [`store`] (the calls that people make most), [`batch`] (many keys at a time), [`scan`] (walks in
//! key order), [`execute`] (any command), [`transaction`] (reads and writes that belong together), [`subscription`] (messages), [`waiting`] (commands that wait),
//! [`pipe`] (a client that speaks the wire format) with [`words`] and [`reply`], [`bell`] (how these are woken), [`handle`] (open, closed, forked), [`bytes`] and [`ttl`] (arguments),
//! [`errors`] (what is raised),
//! [`settings`] (the table of what can be configured), [`server`] (the server inside the process), [`examples`] (the manual's,
//! for tests).
//!
//! Invariant: a call that memory answers stays attached to the interpreter; what waits for a disk, what is long,
//! and what may be either (`execute`) detaches first.
//! Invariant: while a shard is held, no Python code runs: only `bytes` are made, which the garbage collector does not
//! know, and nothing attaches.
//! Invariant: no thread of ours attaches to the interpreter.

use pyo3::prelude::*;

mod batch;
mod bell;
mod bytes;
mod errors;
mod examples;
mod execute;
mod handle;
mod pipe;
mod reply;
mod scan;
mod server;
mod settings;
mod store;
mod subscription;
mod transaction;
mod ttl;
mod waiting;
mod words;

/// The one database of the embedded door.
const DB: u32 = 0;

#[pymodule]
#[pyo3(name = "_native")]
fn native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    handle::watch_forks()?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("SETTINGS", settings::table(module.py())?)?;
    module.add_function(wrap_pyfunction!(settings::check_setting, module)?)?;
    module.add_function(wrap_pyfunction!(examples::all, module)?)?;
    module.add_class::<settings::Setting>()?;
    module.add_class::<store::Store>()?;
    module.add_class::<scan::Scan>()?;
    module.add_class::<subscription::Subscription>()?;
    module.add_class::<waiting::Waiting>()?;
    module.add_class::<pipe::Pipe>()?;
    module.add_class::<server::Server>()
}
