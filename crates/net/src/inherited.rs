//! Sockets that the process was started with: systemd listens, starts who is to answer, and passes the sockets on
//! (`LISTEN_FDS`, see `sd_listen_fds(3)`).

use std::io;
use std::net::SocketAddr;

use listenfd::ListenFd;
use tokio::net::TcpListener;

/// All of them, with where they listen; an error if one is no TCP socket that listens, or if there are none.
pub fn inherited_listeners() -> io::Result<Vec<(TcpListener, SocketAddr)>> {
    let mut passed = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        // Each index is taken once.
        let Some(listener) = passed.take_tcp_listener(index)? else {
            continue;
        };
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        listeners.push((TcpListener::from_std(listener)?, address));
    }
    if listeners.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "no sockets were passed; it is for a start by a systemd socket unit",
        ));
    }
    Ok(listeners)
}
