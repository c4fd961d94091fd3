//! The server inside the process, on threads of its own.
//!
//! Invariant: whoever waits for the server or stops it is detached; its threads never want the interpreter.

use std::path::PathBuf;
use std::sync::Arc;

use kvark_call::{ConfigFile, ConfigFormat};
use kvark_engine::Engine;
use kvark_server::{Listen, Port};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::of_error;
use crate::handle::forks;
use crate::settings;
use crate::store::Store;

/// A running server over an open store, which it keeps alive.
#[pyclass(frozen, module = "kvark._native")]
pub(crate) struct Server {
    running: Mutex<Option<Arc<kvark_server::Server>>>,
    engine: Mutex<Option<Arc<Engine>>>,
    addresses: Vec<String>,
    port: Option<u16>,
    born: u32,
}

impl Server {
    /// The server, unless it was stopped or belongs to the parent process.
    fn running(&self) -> Option<Arc<kvark_server::Server>> {
        if self.born == forks() { self.running.lock().clone() } else { None }
    }
}

#[pymethods]
impl Server {
    /// Serves `store` as its settings and `settings` say. With `any_port` the TCP port is one that is free.
    /// `config_file` is what CONFIG REWRITE writes: an absolute path, and whether the file is TOML or a redis.conf.
    #[new]
    #[pyo3(signature = (store, settings, any_port, config_file=None, /))]
    fn new(
        store: &Bound<'_, Store>,
        settings: &Bound<'_, PyDict>,
        any_port: bool,
        config_file: Option<(PathBuf, bool)>,
    ) -> PyResult<Self> {
        let py = store.py();
        let engine = store.get().handle().shared(py)?;
        settings::apply(&engine.world().settings, settings)?;
        *engine.world().config_file.lock() = config_file.map(|(path, is_toml)| ConfigFile {
            path,
            format: if is_toml { ConfigFormat::Toml } else { ConfigFormat::RedisConf },
        });
        let mut listen = Listen::from_settings(&engine.world().settings).map_err(|error| of_error(py, &error))?;
        if any_port {
            listen.port = Port::Any;
        }
        let serving = Arc::clone(&engine);
        let server =
            py.detach(|| kvark_server::Server::start(serving, listen)).map_err(|error| of_error(py, &error))?;
        Ok(Self {
            addresses: server.addresses(),
            port: server.local_port(),
            running: Mutex::new(Some(Arc::new(server))),
            engine: Mutex::new(Some(engine)),
            born: forks(),
        })
    }

    /// Where it listens: `127.0.0.1:6379`, `[::1]:6379`, `/path/of.sock`.
    #[getter]
    fn addresses(&self) -> Vec<String> {
        self.addresses.clone()
    }

    /// The TCP port, None without TCP.
    #[getter]
    fn port(&self) -> Option<u16> {
        self.port
    }

    /// Blocks until somebody stops the server or a client asks for it (SHUTDOWN).
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        let Some(server) = self.running() else { return Ok(()) };
        py.detach(move || server.wait()).map_err(|error| of_error(py, &error))
    }

    /// Accepts nobody more, answers what was asked, and ends the server's threads; stopping again does nothing.
    fn stop(&self, py: Python<'_>) {
        let Some(server) = self.running() else { return };
        py.detach(move || server.stop());
        self.running.lock().take();
        self.engine.lock().take();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.born != forks() {
            std::mem::forget((self.running.get_mut().take(), self.engine.get_mut().take()));
        }
    }
}
