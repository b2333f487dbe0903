//! What listens for readers or hubs and cannot, as where another process has the address. News is not missed for want of
//! it: it is tried again.

use std::time::Duration;

use tokio::time::sleep;

/// Pause before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What `first` opened, or else what `again` opens once it can.
pub(super) async fn opened<T>(first: anyhow::Result<T>, again: impl Fn() -> anyhow::Result<T>) -> T {
    let mut opened = first;
    let mut told = false;
    loop {
        match opened {
            Ok(open) => return open,
            Err(fault) if !told => {
                tracing::error!("{fault:#}; all else goes on, and it is tried again each second");
            }
            Err(_) => {}
        }
        told = true;
        sleep(PAUSE).await;
        opened = again();
    }
}
