//! What the daemon tells the service manager. Outside of systemd, where `NOTIFY_SOCKET` is not set, nothing happens.
//! The only user of `sd_notify`.

use std::{io, time::Duration};

use sd_notify::NotifyState;

/// The daemon is ready, or ready again after a reload; `status` is what `systemctl status` shows.
pub fn ready(status: &str) -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&one_line(status))])
}

/// The configuration is being read again; `ready` ends this.
pub fn reloading() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?])
}

/// The daemon is about to end.
pub fn stopping(status: &str) -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Stopping, NotifyState::Status(&one_line(status))])
}

/// How things stand, in words for `systemctl status`.
pub fn status(status: &str) -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Status(&one_line(status))])
}

/// Starting or stopping goes on, and wants at least this long from now.
pub fn extend(by: Duration) -> io::Result<()> {
    let by_usec = u32::try_from(by.as_micros()).unwrap_or(u32::MAX);
    sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(by_usec)])
}

/// All parts of the daemon get on with their work.
pub fn watchdog() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Watchdog])
}

/// How often `watchdog` should be called: half of what the unit's `WatchdogSec` allows. None where there is none.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|allowed| allowed / 2)
}

/// A line feed in a status would begin another message.
fn one_line(status: &str) -> String {
    status.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use std::{env, os::unix::net::UnixDatagram, process::Command};

    use super::*;

    /// Says what `word` names, as the process that is started for it.
    #[test]
    fn say() {
        let Ok(word) = env::var("STORYWATCH_TEST_SAY") else { return };
        match word.as_str() {
            "ready" => ready("2 feeds\nREADY=0"),
            "reloading" => reloading(),
            "stopping" => stopping("draining"),
            "status" => status("3 topics"),
            "extend" => extend(Duration::from_secs(20)),
            "watchdog" => watchdog(),
            "interval" => return assert_eq!(watchdog_interval(), Some(Duration::from_secs(15))),
            _ => return assert_eq!(watchdog_interval(), None),
        }
        .unwrap();
    }

    fn said(word: &str, watchdog_usec: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let mut child = Command::new(env::current_exe().unwrap());
        child
            .args(["--exact", "systemd::tests::say"])
            .env("STORYWATCH_TEST_SAY", word)
            .env("NOTIFY_SOCKET", &path);
        let output = child.env("WATCHDOG_USEC", watchdog_usec).env_remove("WATCHDOG_PID").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        socket.set_nonblocking(true).unwrap();
        let mut message = [0; 512];
        let len = socket.recv(&mut message).unwrap_or(0);
        String::from_utf8_lossy(&message[..len]).into_owned()
    }

    fn check(word: &str, expected: &str) {
        assert_eq!(said(word, "").trim_end(), expected);
    }

    #[test]
    fn messages() {
        check("ready", "READY=1\nSTATUS=2 feeds READY=0");
        check("stopping", "STOPPING=1\nSTATUS=draining");
        check("status", "STATUS=3 topics");
        check("extend", "EXTEND_TIMEOUT_USEC=20000000");
        check("watchdog", "WATCHDOG=1");
    }

    #[test]
    fn reload_states_its_time() {
        let message = said("reloading", "");
        let time = message.trim_end().strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(time.parse::<u64>().unwrap() > 0);
    }

    #[test]
    fn watchdog_is_fed_at_half_its_time() {
        said("interval", "30000000");
        said("none", "");
    }

    #[test]
    fn outside_of_systemd_nothing_happens() {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "systemd::tests::say"]).env("STORYWATCH_TEST_SAY", "reloading");
        assert!(child.env_remove("NOTIFY_SOCKET").status().unwrap().success());
    }
}
