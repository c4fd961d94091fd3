//! A child that came by `fork` drops its copy of a server: nothing happens to the parent's, and the child does not hang.

mod toy;

use std::sync::Arc;
use std::time::Duration;

use kvark_engine::Durability;
use kvark_server::{Listen, Port, Server};
use toy::Toy;

#[test]
fn a_forked_child_leaves_its_parents_server_alone() {
    let path = std::env::temp_dir().join(format!("kvark-fork-{}.sock", std::process::id()));
    let listen =
        Listen { unix_socket: Some((path.clone(), 0o600)), port: Port::None, threads: 1, ..Listen::any_port() };
    let server = Server::start(Arc::clone(&Toy::new(Durability::Os)), listen).unwrap();
    // SAFETY: the child only drops the server and leaves, without the locks of other threads and without unwinding.
    let child = unsafe { libc::fork() };
    if child == 0 {
        drop(server);
        // SAFETY: leaves the child without running what belongs to the parent.
        unsafe { libc::_exit(7) };
    }
    let mut status = 0;
    let ended = (0..300).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        // SAFETY: `child` is our own child, waited for until it has ended.
        unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) == child }
    });
    if !ended {
        // SAFETY: as above; it hangs, and ends with this test.
        unsafe { libc::kill(child, libc::SIGKILL) };
    }
    assert!(ended && libc::WEXITSTATUS(status) == 7, "the child hung or fell: {status}");
    std::os::unix::net::UnixStream::connect(&path).expect("the parent still listens");
}
