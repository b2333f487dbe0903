//! Sessions of TLS that are taken up again: a new connection to a server that is known costs both sides a third of what
//! the first one did, for no certificate has to be proved again. rustls's own store keeps eight tickets a server and
//! forgets the server that it met first; with thousands of servers asked in turn it would never have the right one.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use rustls::{
    NamedGroup,
    client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue},
    pki_types::ServerName,
};

/// Servers whose last session is kept. One takes some 4 kB, most of it the server's certificates.
const SERVERS_MAX: usize = 8192;

/// What is known of a server.
#[derive(Debug, Default)]
struct Session {
    /// The key exchange that it wants, where that is another than we begin with.
    group: Option<NamedGroup>,
    tls12: Option<Tls12ClientSessionValue>,
    /// A ticket is good for one connection.
    tls13: Option<Tls13ClientSessionValue>,
    /// Its place in the order.
    turn: u64,
}

#[derive(Debug, Default)]
struct Kept {
    servers: HashMap<ServerName<'static>, Session>,
    /// Whoever told us something last comes last.
    order: BTreeMap<u64, ServerName<'static>>,
    turns: u64,
}

/// The last session of each server. The lock guards a look-up.
#[derive(Debug)]
pub(super) struct Sessions {
    kept: Mutex<Kept>,
    servers_max: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { kept: Mutex::default(), servers_max: SERVERS_MAX }
    }
}

impl Sessions {
    fn keep(&self, server: ServerName<'static>, change: impl FnOnce(&mut Session)) {
        let kept = &mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let session = kept.servers.entry(server.clone()).or_default();
        kept.order.remove(&session.turn);
        kept.turns += 1;
        session.turn = kept.turns;
        change(session);
        kept.order.insert(kept.turns, server);
        if kept.servers.len() > self.servers_max
            && let Some((_, oldest)) = kept.order.pop_first()
        {
            kept.servers.remove(&oldest);
        }
    }

    fn look_up<T>(&self, server: &ServerName<'_>, take: impl FnOnce(&mut Session) -> Option<T>) -> Option<T> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.servers.get_mut(&server.to_owned()).and_then(take)
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        if group != NamedGroup::X25519 {
            self.keep(server, |session| session.group = Some(group));
        }
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        self.look_up(server, |session| session.group)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.keep(server, |session| session.tls12 = Some(value));
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.look_up(server, |session| session.tls12.clone())
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.look_up(server, |session| session.tls12.take());
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.keep(server, |session| session.tls13 = Some(value));
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.look_up(server, |session| session.tls13.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> ServerName<'static> {
        ServerName::try_from(format!("host{number}.example")).unwrap()
    }

    #[test]
    fn the_servers_that_were_met_last_are_remembered() {
        let sessions = Sessions { servers_max: 3, ..Sessions::default() };
        for number in [0, 1, 2, 0, 3, 4] {
            sessions.set_kx_hint(name(number), NamedGroup::secp384r1);
        }
        let known = (0..5).filter(|number| sessions.kx_hint(&name(*number)).is_some());
        assert_eq!(known.collect::<Vec<_>>(), [0, 3, 4]);
        assert_eq!(sessions.kept.lock().unwrap().order.len(), 3);
    }

    #[test]
    fn what_we_begin_with_needs_no_place() {
        let sessions = Sessions::default();
        sessions.set_kx_hint(name(0), NamedGroup::X25519);
        assert!(sessions.kept.lock().unwrap().servers.is_empty());
    }
}
