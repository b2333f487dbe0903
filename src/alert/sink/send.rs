//! What a sink asks of the network. Who does it, by which rules for private addresses, is not the sinks' business.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use super::Failure;

/// A POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// http or https.
    pub url: String,
    /// Names and values; some are secret.
    pub headers: Vec<(String, String)>,
    /// As it is sent.
    pub body: Vec<u8>,
    /// For the whole exchange.
    pub timeout: Duration,
}

/// What the other side says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status of HTTP.
    pub status: u16,
    /// The other side's wish.
    pub retry_after: Option<Duration>,
}

/// An answer that is awaited; the error says why there is none.
pub type Awaited = Pin<Box<dyn Future<Output = Result<Answer, String>> + std::marker::Send>>;

/// Sends a letter.
pub type Send = Arc<dyn Fn(Letter) -> Awaited + std::marker::Send + Sync>;

/// What an answer means: what is wrong with the address, the access or the server is waited for, what is wrong with
/// the letter is not.
pub(super) fn meaning(answer: Result<Answer, String>) -> Result<(), Failure> {
    let Answer { status, retry_after } = answer.map_err(Failure::later)?;
    match status {
        200..300 => Ok(()),
        400 | 405 | 406 | 409..=411 | 413..=417 | 422 | 431 => {
            Err(Failure::Refused(format!("the server answered {status}")))
        }
        _ => Err(Failure::Later { why: format!("the server answered {status}"), after: retry_after }),
    }
}
