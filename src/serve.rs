//! The doors of a running daemon.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

pub mod control;
pub mod page;
pub mod socket;
pub mod websub;

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
