//! Sending a form, as hubs want it. Redirects that keep the method are followed by hand, like those of a feed.

use reqwest::header;
use tokio::time;
use url::Url;

use super::{Failure, Fetcher, Outcome, told};

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 3;

impl Fetcher {
    /// Sends a form to an address, on behalf of the configured one.
    ///
    /// # Errors
    /// Why it was not accepted.
    pub(crate) async fn post_form(&self, url: &str, form: &str, configured: &str) -> Result<(), Failure> {
        let sent = time::timeout(self.timeout, self.send_form(url, form, configured)).await;
        sent.unwrap_or_else(|_| Err(Failure::of("the exchange took too long")))
    }

    async fn send_form(&self, url: &str, form: &str, configured: &str) -> Result<(), Failure> {
        let mut url =
            Url::parse(url).map_err(|error| Failure::of(format!("its address is none: {error}")))?;
        let exempt = self.is_exempt(Some(configured)).await;
        for _ in 0..=REDIRECTS_MAX {
            let client = self.admit(&url, exempt).await.map_err(failure)?;
            let request = client
                .post(url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.to_owned());
            let response = request.send().await.map_err(|error| Failure::of(told(&error)))?;
            let status = response.status();
            if status.is_success() {
                return Ok(());
            }
            let target = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            match target.and_then(|target| url.join(target).ok()) {
                Some(next) if matches!(status.as_u16(), 307 | 308) => url = next,
                _ => return Err(Failure::of(format!("it answered {}", status.as_u16()))),
            }
        }
        Err(Failure::of(format!("more than {REDIRECTS_MAX} redirects")))
    }
}

fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Transient(failure) | Outcome::Permanent(failure) | Outcome::Gone(failure) => failure,
        Outcome::Fetched(_) | Outcome::NotModified(_) => Failure::of("it was not asked"),
    }
}
