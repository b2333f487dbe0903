//! How many files and connections the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many as the service has (`LimitNOFILE`).
const WANTED: u64 = 65_536;

/// Fewer are too few for a config of some size.
const FEW: u64 = 1_024;

/// Takes as many as the system lets this user have: a shell's own limit is low for the sake of old programs.
pub(super) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        if let Err(fault) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%fault, wanted, "could not raise the limit of open files");
        }
    }
    if wanted < FEW {
        tracing::warn!("only {wanted} files may be open: raise LimitNOFILE of the service, or `ulimit -n`");
    }
}
