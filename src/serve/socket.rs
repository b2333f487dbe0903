//! A socket of this machine: a file. Who may connect is the business of its mode (0660): the owner, and a group into which
//! operators and web servers are put.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use tokio::net::{UnixListener, UnixStream};

/// A socket that is open, and where.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    listener: UnixListener,
}

impl Socket {
    /// Makes the socket; a stale file of a daemon that is gone makes way.
    ///
    /// # Errors
    /// When it cannot be made, naming the path.
    pub fn bind(path: &Path) -> anyhow::Result<Self> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("could not make {}", parent.display()))?;
        }
        match fs::remove_file(path) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
                return Err(fault)
                    .with_context(|| format!("could not replace the socket {}", path.display()));
            }
            _ => {}
        }
        let opened = UnixListener::bind(path).and_then(|listener| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
            Ok(Self { path: path.to_owned(), listener })
        });
        opened.with_context(|| format!("could not open the socket {}", path.display()))
    }

    /// The next who comes in.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    /// Makes it again where somebody has removed it, as those do who tidy up. To be asked every now and then.
    pub(super) fn look(&mut self) {
        if self.path.symlink_metadata().is_ok() {
            return;
        }
        match Self::bind(&self.path) {
            Ok(again) => {
                tracing::warn!(socket = %self.path.display(), "the socket was removed, it is made again");
                *self = again;
            }
            Err(fault) => tracing::debug!("{fault:#}"),
        }
    }
}
