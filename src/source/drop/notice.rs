//! What is heard of directories while nobody looks. Only user of `notify`, beside the room that holds the watcher.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
};

use notify::{
    EventKind, RecommendedWatcher,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};

/// What the kernel tells of a path, or the daemon of the drops.
pub(super) enum Notice {
    /// Stop, or another list of drops.
    Wake,
    /// Written and closed, or moved in: it is whole.
    Whole(PathBuf),
    /// Something happens to it.
    Touched(PathBuf),
}

/// Watches, and hands on what it hears; what finds no place is found by a scan.
pub(super) fn watcher(
    sender: SyncSender<Notice>,
    rescan: Arc<AtomicBool>,
) -> notify::Result<RecommendedWatcher> {
    notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else {
            rescan.store(true, Ordering::Release);
            return;
        };
        if event.need_rescan() {
            rescan.store(true, Ordering::Release);
            sender.try_send(Notice::Wake).ok();
            return;
        }
        for path in event.paths {
            let notice = match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write))
                | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Notice::Whole(path),
                EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => Notice::Touched(path),
                _ => continue,
            };
            if sender.try_send(notice).is_err() {
                rescan.store(true, Ordering::Release);
            }
        }
    })
}
