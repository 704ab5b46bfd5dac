//! Binds the port.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::cli::ListenHost;

/// How often to try another free port if the one found for IPv4 is in use for IPv6.
const TRIES: usize = 16;

/// Why the collector cannot listen. The message is for the person who started it.
#[derive(Debug)]
pub enum ListenError {
    /// Another program uses the port.
    InUse(SocketAddr),
    /// Anything else, such as an address of another machine or a missing permission.
    Other(SocketAddr, io::Error),
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::InUse(address) => write!(
                f,
                "port {} is in use on {}: stop the program that uses it (another collector?), or choose another port with `--port N`",
                address.port(),
                address.ip(),
            ),
            Self::Other(address, error) => write!(f, "cannot listen on {address}: {error}"),
        }
    }
}

impl std::error::Error for ListenError {}

/// Listens on `port` of every address of `host`. Port 0 picks a free port, the same for all addresses.
pub async fn listen(host: ListenHost, port: u16) -> Result<Vec<TcpListener>, ListenError> {
    match host {
        ListenHost::Address(address) => Ok(vec![bind(address, port).await?]),
        ListenHost::Loopback => {
            let mut result = bind_loopback(port).await;
            if port == 0 {
                for _ in 1..TRIES {
                    if !matches!(result, Err(ListenError::InUse(_))) {
                        break;
                    }
                    result = bind_loopback(port).await;
                }
            }
            result
        }
    }
}

/// The port in use, which `--port 0` leaves open.
pub fn port(listeners: &[TcpListener]) -> io::Result<u16> {
    let first = listeners.first().ok_or(io::ErrorKind::NotConnected)?;
    Ok(first.local_addr()?.port())
}

async fn bind_loopback(port: u16) -> Result<Vec<TcpListener>, ListenError> {
    let v4 = bind(Ipv4Addr::LOCALHOST.into(), port).await?;
    let port = match v4.local_addr() {
        Ok(address) => address.port(),
        Err(error) => {
            let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
            return Err(ListenError::Other(address, error));
        }
    };
    match bind(Ipv6Addr::LOCALHOST.into(), port).await {
        Ok(v6) => Ok(vec![v4, v6]),
        // A browser may resolve `localhost` to ::1 and would reach the other program.
        Err(error @ ListenError::InUse(_)) => Err(error),
        // The machine has no IPv6.
        Err(ListenError::Other(..)) => Ok(vec![v4]),
    }
}

async fn bind(address: IpAddr, port: u16) -> Result<TcpListener, ListenError> {
    let address = SocketAddr::new(address, port);
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(address),
            _ => ListenError::Other(address, error),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn port_0_binds_the_same_free_port_on_all_addresses() {
        let listeners = listen(ListenHost::Loopback, 0).await.unwrap();
        let chosen = port(&listeners).unwrap();
        assert_ne!(chosen, 0);
        for listener in &listeners {
            assert_eq!(listener.local_addr().unwrap().port(), chosen);
        }
    }

    #[tokio::test]
    async fn port_in_use_is_reported_with_the_port_option() {
        let first = listen(ListenHost::Loopback, 0).await.unwrap();
        let port = port(&first).unwrap();
        let message = listen(ListenHost::Loopback, port)
            .await
            .unwrap_err()
            .to_string();
        assert!(message.contains(&format!("port {port} ")), "{message}");
        assert!(message.contains("--port N"), "{message}");
    }
}
