//! Sending what others have written, as sinks want it: by the same rules for private addresses as asking.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time;
use url::Url;

use super::{Fetcher, Outcome, retry_after, told};

impl Fetcher {
    /// Sends a body to a configured address, and gives the status and how long the server wants us to wait. Redirects
    /// are not followed: what is signed goes to its address only.
    ///
    /// # Errors
    /// Why there was no answer, as a lower-case fragment without secrets.
    pub(crate) async fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<(u16, Option<Duration>), String> {
        let sent = time::timeout(timeout, self.post_once(url, headers, body)).await;
        sent.unwrap_or_else(|_| Err(format!("the exchange took longer than {} s", timeout.as_secs())))
    }

    async fn post_once(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<(u16, Option<Duration>), String> {
        let exempt = self.is_exempt(Some(url)).await;
        let url = Url::parse(url).map_err(|error| format!("its address is none: {error}"))?;
        let client = self.admit(&url, exempt).await.map_err(reason)?;
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            if let (Ok(name), Ok(mut value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                value.set_sensitive(true);
                sent.insert(name, value);
            }
        }
        let response = client.post(url).headers(sent).body(body).send().await;
        let response = response.map_err(|error| told(&error))?;
        Ok((response.status().as_u16(), retry_after(response.headers())))
    }
}

fn reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::Transient(failure) | Outcome::Permanent(failure) | Outcome::Gone(failure) => failure.reason,
        Outcome::Fetched(_) | Outcome::NotModified(_) => "it was not asked".to_owned(),
    }
}
