//! Where the server listens, and which wire format is spoken there. The only place that names one.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kvark_base::{Error, Kind, Result};
use kvark_call::{Protocol, Settings};
use kvark_protocol_resp::Resp;
use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use crate::accept::Arrival;
use crate::stream::Stream;

/// Which TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// No TCP.
    None,
    /// This one.
    Fixed(u16),
    /// One that is free; [`crate::Server::local_port`] tells which.
    Any,
}

/// Where to listen, and with how many threads to serve.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Addresses or names; `*` is every address, and a `-` in front allows the machine not to have it.
    pub bind: Vec<String>,
    /// The TCP port of all of them.
    pub port: Port,
    /// A unix socket and its permissions.
    pub unix_socket: Option<(PathBuf, u32)>,
    /// Connections that may wait to be accepted.
    pub backlog: i32,
    /// Event-loop threads; 0 is one a core.
    pub threads: usize,
}

impl Listen {
    /// What the settings `bind`, `port`, `unixsocket`, `unixsocketperm`, `tcp-backlog` and `threads` say.
    pub fn from_settings(settings: &Settings) -> Result<Self> {
        let permissions = settings.get("unixsocketperm");
        let permissions = u32::from_str_radix(&permissions, 8).ok().filter(|&bits| bits <= 0o777).ok_or_else(|| {
            invalid(format!("'{permissions}' is not a permission: unixsocketperm takes octal digits up to 777."))
        })?;
        let path = settings.get("unixsocket");
        Ok(Self {
            bind: settings.get("bind").split_whitespace().map(str::to_owned).collect(),
            port: match settings.number("port") {
                0 => Port::None,
                port => Port::Fixed(port as u16),
            },
            unix_socket: (!path.is_empty()).then(|| (PathBuf::from(path), permissions)),
            backlog: settings.number("tcp-backlog") as i32,
            threads: settings.number("threads") as usize,
        })
    }

    /// The loopback address and any free port: for tests, notebooks and servers inside a process.
    pub fn any_port() -> Self {
        Self { bind: vec!["127.0.0.1".into()], port: Port::Any, unix_socket: None, backlog: 511, threads: 0 }
    }

    pub(crate) fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    /// Opens all sockets, or none.
    pub(crate) fn bind(&self) -> Result<Bound> {
        let mut bound = Bound::default();
        let mut port = match self.port {
            Port::None => None,
            Port::Fixed(port) => Some(port),
            Port::Any => Some(0),
        };
        if let Some(port) = &mut port {
            for word in &self.bind {
                bound.add_tcp(word, port, self.backlog)?;
            }
            bound.port = (!bound.listeners.is_empty()).then_some(*port);
        }
        if let Some((path, permissions)) = &self.unix_socket {
            bound.add_unix(path, *permissions, self.backlog)?;
        }
        if bound.listeners.is_empty() {
            return Err(invalid("There is nowhere to listen: set a port with an address to bind, or a unix socket."));
        }
        Ok(bound)
    }
}

/// Sockets that listen.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    pub listeners: Vec<Listener>,
    pub addresses: Vec<String>,
    pub port: Option<u16>,
    pub socket_path: Option<PathBuf>,
}

impl Bound {
    /// Listens on every address of `word`. Port 0 becomes the free port that was found, for the addresses that follow.
    fn add_tcp(&mut self, word: &str, port: &mut u16, backlog: i32) -> Result<()> {
        let (name, optional) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
        let before = self.listeners.len();
        let mut absent = None;
        for ip in resolve(name)? {
            let address = SocketAddr::new(ip, *port);
            let bound = listen_tcp(address, backlog).and_then(|listener| Ok((listener.local_addr()?, listener)));
            match bound {
                Ok((local, listener)) => {
                    *port = local.port();
                    self.addresses.push(local.to_string());
                    self.listeners.push(Listener::Tcp(listener));
                }
                // A name may stand for both versions of IP on a machine that has one.
                Err(error) if is_absent(&error) => absent = Some(refused(&address.to_string(), &error)),
                Err(error) => return Err(refused(&address.to_string(), &error)),
            }
        }
        match absent {
            Some(error) if self.listeners.len() == before && !optional => Err(error),
            _ => Ok(()),
        }
    }

    fn add_unix(&mut self, path: &Path, permissions: u32, backlog: i32) -> Result<()> {
        remove_stale(path)?;
        let name = path.display().to_string();
        let listener = listen_unix(path, permissions, backlog).map_err(|error| refused(&name, &error))?;
        self.listeners.push(Listener::Unix(listener, name.clone()));
        self.addresses.push(name);
        self.socket_path = Some(path.to_owned());
        Ok(())
    }
}

fn resolve(name: &str) -> Result<Vec<IpAddr>> {
    if name == "*" {
        return Ok(vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]);
    }
    let name = if name == "::*" { "::" } else { name };
    let found = (name, 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect::<Vec<_>>());
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => {
            Err(invalid(format!("'{name}' is no address of this machine and no name of one: change the setting bind.")))
        }
    }
}

fn listen_tcp(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// The permissions are set before anybody can connect.
fn listen_unix(path: &Path, permissions: u32, backlog: i32) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(permissions))?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(UnixListener::from_std(socket.into()))
}

/// Removes the socket of a server that has gone. Errors: somebody answers there, or it is something else.
fn remove_stale(path: &Path) -> Result<()> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    let name = path.display();
    if !found.file_type().is_socket() {
        return Err(invalid(format!("{name} exists and is not a socket: choose another unixsocket or remove it.")));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| Error::io(format!("removing the stale socket {name}"), &error))
        }
        _ => Err(Error::new(
            Kind::Busy,
            format!("Another program listens on {name}: stop it, or choose another unixsocket."),
        )),
    }
}

/// Whether the machine does not have the address.
fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(libc::EAFNOSUPPORT)
}

fn refused(address: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            Error::new(Kind::Busy, format!("Another program listens on {address}: stop it, or choose another port."))
        }
        _ if is_absent(error) => {
            invalid(format!("This machine does not have the address {address}: change the setting bind."))
        }
        _ => Error::io(format!("listening on {address}"), error),
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Kind::Invalid, message)
}

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, String),
}

impl Listener {
    pub fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let source: &mut dyn Source = match self {
            Self::Tcp(listener) => listener,
            Self::Unix(listener, _) => listener,
        };
        source.register(registry, token, Interest::READABLE)
    }

    /// Takes in one connection.
    pub fn accept(&self) -> io::Result<Arrival> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                let local_address = stream.local_addr()?.to_string();
                let local = is_local(address.ip());
                Ok(Arrival { stream: Stream::Tcp(stream), address: address.to_string(), local_address, local })
            }
            Self::Unix(listener, path) => {
                let (stream, _) = listener.accept()?;
                let address = format!("{path}:0");
                Ok(Arrival { stream: Stream::Unix(stream), local_address: address.clone(), address, local: true })
            }
        }
    }
}

/// Whether it is this machine that connects, also where IPv4 comes through an IPv6 socket.
fn is_local(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// The wire format of a new connection.
pub(crate) fn protocol() -> Box<dyn Protocol> {
    Box::<Resp>::default()
}

/// Answers leave at once, and a client that has vanished is noticed. A socket that refuses is served as it is.
pub(crate) fn tune(stream: &Stream, keepalive_seconds: u64) {
    let Stream::Tcp(stream) = stream else { return };
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(true);
    if keepalive_seconds > 0 {
        let time = Duration::from_secs(keepalive_seconds);
        let interval = Duration::from_secs((keepalive_seconds / 3).max(1));
        let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(time).with_interval(interval).with_retries(3));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_local_in_every_spelling() {
        for (ip, local) in [("127.0.0.1", true), ("127.8.8.8", true), ("::1", true), ("::ffff:127.0.0.1", true)]
            .into_iter()
            .chain([("192.168.0.1", false), ("::ffff:10.0.0.1", false), ("fe80::1", false)])
        {
            assert_eq!(is_local(ip.parse().unwrap()), local, "{ip}");
        }
    }

    #[test]
    fn settings_say_where_to_listen() {
        let settings = Settings::default();
        settings.set("bind", "127.0.0.1 -::1").unwrap();
        settings.set("unixsocket", "/run/x.sock").unwrap();
        settings.set("unixsocketperm", "770").unwrap();
        let listen = Listen::from_settings(&settings).unwrap();
        assert_eq!((listen.bind.len(), listen.port), (2, Port::Fixed(6379)));
        assert_eq!(listen.unix_socket, Some(("/run/x.sock".into(), 0o770)));
        settings.set("port", "0").unwrap();
        assert_eq!(Listen::from_settings(&settings).unwrap().port, Port::None);
        settings.set("unixsocketperm", "9").unwrap();
        assert_eq!(Listen::from_settings(&settings).unwrap_err().kind(), Kind::Invalid);
    }
}
