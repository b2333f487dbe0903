//! A socket of this machine: a file. Who may connect is the business of its mode (0660): the owner, and a group into which
//! operators and web servers are put.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net,
    },
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use tokio::net::{UnixListener, UnixStream};

/// A socket that is open, and where.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    listener: UnixListener,
}

impl Socket {
    /// Makes the socket; that of a daemon that is gone makes way, and nothing else does.
    ///
    /// # Errors
    /// When it cannot be made, naming the path.
    pub fn bind(path: &Path) -> anyhow::Result<Self> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("could not make {}", parent.display()))?;
        }
        look_at(path)?;
        if path.symlink_metadata().is_ok() {
            let shown = path.display();
            ensure!(!is_served(path), "another process serves at the socket {shown}: set another path");
            fs::remove_file(path).with_context(|| format!("could not replace the socket {shown}"))?;
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

/// Whether a socket could be made there, without touching what is.
///
/// # Errors
/// When something else stands there.
pub fn look_at(path: &Path) -> anyhow::Result<()> {
    let is_other = path.symlink_metadata().is_ok_and(|found| !found.file_type().is_socket());
    ensure!(!is_other, "{} is something else than a socket: set another path", path.display());
    Ok(())
}

/// Whether somebody takes who comes in. The file of a process that is gone refuses.
fn is_served(path: &Path) -> bool {
    net::UnixStream::connect(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &Path, refused: Option<&str>) {
        match (Socket::bind(path), refused) {
            (Ok(_), None) => {}
            (Err(fault), Some(expected)) => assert!(fault.to_string().contains(expected), "{fault}"),
            (bound, _) => panic!("{bound:?}"),
        }
    }

    #[tokio::test]
    async fn only_the_socket_of_a_process_that_is_gone_makes_way() {
        let dir = tempfile::tempdir().unwrap();
        let [socket, file] = ["socket", "file"].map(|name| dir.path().join(name));
        fs::write(&file, "precious").unwrap();
        check(&file, Some("something else than a socket"));
        assert_eq!(fs::read(&file).unwrap(), b"precious");
        let served = Socket::bind(&socket).unwrap();
        check(&socket, Some("another process serves"));
        drop(served);
        assert!(socket.exists());
        check(&socket, None);
    }
}
