//! A connected socket, TCP or unix, that never blocks; or none, for a client inside the process.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::SockRef;

/// A client that has gone must be an error, not a signal to the process we live in.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SEND_FLAGS: i32 = 0;

#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// None: its bytes come and go by a [`crate::Pipe`].
    Inside,
}

impl Stream {
    fn socket(&self) -> io::Result<SockRef<'_>> {
        match self {
            Self::Tcp(stream) => Ok(SockRef::from(stream)),
            Self::Unix(stream) => Ok(SockRef::from(stream)),
            Self::Inside => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// One read of at most `most` bytes behind what `into` holds, into memory that it has already.
    pub fn receive(&self, into: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let room = into.spare_capacity_mut();
        let most = most.min(room.len());
        let received = self.socket()?.recv(&mut room[..most])?;
        // SAFETY: the system has written `received` bytes from the start of the spare capacity on.
        unsafe { into.set_len(into.len() + received) };
        Ok(received)
    }

    /// One write.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.socket()?.send_with_flags(bytes, SEND_FLAGS)
    }

    fn source(&mut self) -> Option<&mut dyn Source> {
        match self {
            Self::Tcp(stream) => Some(stream),
            Self::Unix(stream) => Some(stream),
            Self::Inside => None,
        }
    }

    pub fn fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
            Self::Inside => -1,
        }
    }

    /// Ends it for the client, even where a forked child of this process still has the descriptor.
    pub fn end(&mut self, registry: &Registry) {
        // The client may have gone before; either way this socket is done with.
        let _ = self.source().map(|source| source.deregister(registry));
        let _ = self.socket().map(|socket| socket.shutdown(Shutdown::Both));
    }

    /// Tells `registry` to report this socket as `token`: what can be read, and also what can be written.
    pub fn watch(&mut self, registry: &Registry, token: Token, writes: bool, again: bool) -> io::Result<()> {
        let interest = if writes { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let Some(source) = self.source() else { return Ok(()) };
        if again { source.reregister(registry, token, interest) } else { source.register(registry, token, interest) }
    }
}
