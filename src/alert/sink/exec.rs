//! Alerts as JSON to the standard input of a program, one at a time. Its words are given as they are: no shell reads
//! them, and nothing of an alert stands among them.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::Failure;
use crate::{alert::line, article::Alert};

/// Looks for the end of the program.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Of what the program complains of, so much is kept.
const COMPLAINT_BYTES_MAX: u64 = 1000;
/// Looks for its complaint after its end.
const COMPLAINT_LOOKS: u32 = 20;
/// Exit code of a program that wants to be asked again (`EX_TEMPFAIL` of sysexits.h).
const EX_TEMPFAIL: i32 = 75;

/// Where a program's process group is known while it runs.
type Place = Mutex<Run>;

#[derive(Default)]
enum Run {
    #[default]
    Before,
    Now(Pid),
    Over,
}

/// Who lets go of it ends the program with its children, as at the end of the daemon: it would be run again.
struct Hold(Arc<Place>);

impl Drop for Hold {
    fn drop(&mut self) {
        kill(&mut locked(&self.0));
    }
}

fn locked(place: &Place) -> MutexGuard<'_, Run> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the program if it runs; one that has not begun will not.
fn kill(run: &mut Run) {
    if let Run::Now(group) = *run {
        kill_process_group(group, Signal::KILL).ok();
    }
    *run = Run::Over;
}

fn start(command: &mut Command, place: &Place) -> io::Result<Child> {
    let mut run = locked(place);
    if matches!(*run, Run::Over) {
        return Err(io::Error::other("the daemon stops"));
    }
    let child = command.spawn()?;
    *run = Run::Now(Pid::from_child(&child));
    Ok(child)
}

/// How it ended. From then on its number may be another's.
fn ended(child: &mut Child, place: &Place) -> io::Result<Option<ExitStatus>> {
    let mut run = locked(place);
    let ended = child.try_wait()?;
    if ended.is_some() {
        *run = Run::Over;
    }
    Ok(ended)
}

/// The program.
#[derive(Clone, Debug)]
pub struct Exec {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// After that it is killed, with its children.
    pub timeout: Duration,
}

impl Exec {
    pub(super) async fn deliver(&self, alerts: &[&Alert]) -> Result<(), Failure> {
        for alert in alerts {
            let (exec, mut json) = (self.clone(), line::json(alert));
            let (id, kind, topic) = (alert.id.to_string(), alert.kind.word(), alert.topic.clone());
            json.push('\n');
            let variables =
                [("STORYWATCH_ID", id), ("STORYWATCH_KIND", kind.to_owned()), ("STORYWATCH_TOPIC", topic)];
            let hold = Hold(Arc::default());
            let place = Arc::clone(&hold.0);
            let ran = tokio::task::spawn_blocking(move || exec.run(json, variables, &place)).await;
            ran.unwrap_or_else(|fault| Err(Failure::later(format!("running the program failed: {fault}"))))?;
        }
        Ok(())
    }

    fn run(&self, json: String, variables: [(&str, String); 3], place: &Place) -> Result<(), Failure> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::later("there is no program"));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = start(&mut command, place)
            .map_err(|fault| Failure::later(format!("could not start {program}: {fault}")))?;
        // A program that does not read, or says much, must not hold up the wait for its end.
        if let Some(mut stdin) = child.stdin.take() {
            thread::spawn(move || stdin.write_all(json.as_bytes()));
        }
        let complaint = child.stderr.take().map(|stderr| {
            thread::spawn(move || {
                let mut said = Vec::new();
                let mut stderr = stderr;
                stderr.by_ref().take(COMPLAINT_BYTES_MAX).read_to_end(&mut said).ok();
                std::io::copy(&mut stderr, &mut std::io::sink()).ok();
                String::from_utf8_lossy(&said).into_owned()
            })
        });
        let status = self.wait(&mut child, place)?;
        if status.success() {
            return Ok(());
        }
        // Whoever still holds its standard error open is not waited for long.
        for _ in 0..COMPLAINT_LOOKS {
            if complaint.as_ref().is_none_or(thread::JoinHandle::is_finished) {
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
        let said = complaint.filter(thread::JoinHandle::is_finished).and_then(|said| said.join().ok());
        let said = line::harmless(said.as_deref().unwrap_or_default());
        let why = if said.is_empty() {
            format!("{program} ended with {status}")
        } else {
            format!("{program} ended with {status}: {said}")
        };
        match status.code() {
            Some(EX_TEMPFAIL) | None => Err(Failure::later(why)),
            Some(_) => Err(Failure::Refused(why)),
        }
    }

    fn wait(&self, child: &mut Child, place: &Place) -> Result<ExitStatus, Failure> {
        let until = Instant::now() + self.timeout;
        loop {
            match ended(child, place) {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < until => thread::sleep(LOOK_EVERY),
                Ok(None) => {
                    kill(&mut locked(place));
                    child.wait().ok();
                    let secs = self.timeout.as_secs();
                    return Err(Failure::later(format!(
                        "the program took longer than {secs} s (timeout_secs)"
                    )));
                }
                Err(fault) => return Err(Failure::later(format!("could not wait for the program: {fault}"))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::article::{AlertKind, Id};

    fn ran(command: &[&str], timeout: Duration) -> Result<(), Failure> {
        let exec = Exec { command: command.iter().map(|word| (*word).to_owned()).collect(), timeout };
        let alert = Alert::bare(Id(7), Timestamp::UNIX_EPOCH, AlertKind::Test, "tides; rm -rf \"$HOME\"");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(exec.deliver(&[&alert]))
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_program_that_nobody_waits_for_is_killed_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("child");
        let script = format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", path.display());
        let exec = Exec { command: ["sh", "-c", &script].map(str::to_owned).into(), timeout: LONG };
        let alert = Alert::bare(Id(7), Timestamp::UNIX_EPOCH, AlertKind::Test, "tides");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let alerts = [&alert];
            let began = async {
                while !path.exists() {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            };
            tokio::select! {
                done = exec.deliver(&alerts) => panic!("{done:?}"),
                () = began => {}
            }
        });
        let child = std::fs::read_to_string(&path).unwrap();
        let stat = std::path::PathBuf::from(format!("/proc/{}/stat", child.trim()));
        let is_gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        let until = Instant::now() + Duration::from_secs(20);
        while !is_gone() {
            assert!(Instant::now() < until, "the program's child lives on");
            thread::sleep(LOOK_EVERY);
        }
    }

    #[test]
    fn the_alert_comes_by_the_standard_input_and_no_shell_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("got $(touch x)");
        ran(&["tee", path.to_str().unwrap()], LONG).unwrap();
        let got = std::fs::read_to_string(&path).unwrap();
        assert_eq!(got.matches('\n').count(), 1);
        let alert: Alert = serde_json::from_str(&got).unwrap();
        assert_eq!((alert.id, alert.topic.as_str()), (Id(7), "tides; rm -rf \"$HOME\""));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_program_may_refuse_or_ask_to_be_asked_again() {
        let code =
            |code: i32| ran(&["sh", "-c", &format!("echo no room >&2; exit {code}")], LONG).unwrap_err();
        assert!(
            matches!(code(1), Failure::Refused(why) if why.contains("no room") || why.contains("exit status: 1"))
        );
        assert!(matches!(code(75), Failure::Later { .. }));
        assert!(matches!(ran(&["/nowhere/at-all"], LONG), Err(Failure::Later { .. })));
    }

    #[test]
    fn one_that_does_not_end_is_killed_with_its_children() {
        let late = ran(&["sh", "-c", "sleep 600 & sleep 600"], Duration::from_millis(100));
        assert!(matches!(late, Err(Failure::Later { why, .. }) if why.contains("took longer")));
    }
}
