//! A server without Python: to measure and to look into.
//! `cargo run --release -p kvark-server --example serve -- --port 7000 --threads 1 --dir /tmp/x --durability os`

use std::error::Error;

use kvark_call::Settings;
use kvark_engine::{Engine, OpenOptions};
use kvark_server::{Listen, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::default();
    let words: Vec<String> = std::env::args().skip(1).collect();
    for pair in words.chunks(2) {
        let [name, value] = pair else { return Err("every --setting needs a value".into()) };
        settings.set(name.trim_start_matches('-'), value)?;
    }
    let options = OpenOptions::from_settings(&settings)?;
    let listen = Listen::from_settings(&settings)?;
    let engine = Engine::open(&options, settings)?;
    let server = Server::start(engine.clone(), listen)?;
    println!("listening on {}, durability {}", server.addresses().join(" "), options.durability.name());
    server.wait()?;
    server.stop();
    Ok(engine.close()?)
}
