use kvark_call::Settings;
use kvark_engine::{Engine, OpenOptions};
use kvark_server::{Listen, Server};
use std::sync::Arc;
fn main() {
    let mut args = std::env::args().skip(1);
    let settings = Settings::default();
    while let (Some(name), Some(value)) = (args.next(), args.next()) {
        settings.set(&name, &value).unwrap();
    }
    let options = OpenOptions::from_settings(&settings).unwrap();
    let listen = Listen::from_settings(&settings).unwrap();
    let engine = Engine::open(&options, settings).unwrap();
    let server = Server::start(Arc::clone(&engine), listen).unwrap();
    server.wait().unwrap();
}
