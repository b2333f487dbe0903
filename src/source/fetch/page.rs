//! One step of the way to a page: whoever asks judges each address that a redirect leads to, by its server's robots.txt
//! and its turn.

use reqwest::{Response, header};
use tokio::time;
use url::Url;

use super::{Failure, Fetched, Fetcher, Outcome, Request, is_redirect, permanent, refusal, text_of, told};

/// A larger robots.txt is cut: no more of it must be read (RFC 9309, 2.5).
const ROBOTS_BYTES_MAX: usize = 500 << 10;

const ACCEPT_PAGE: &str = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1";
const ACCEPT_ROBOTS: &str = "text/plain, */*;q=0.1";

/// What a step leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The end of the way.
    Answered(Outcome),
    /// A redirect.
    Elsewhere(Url),
}

impl Fetcher {
    /// Asks for a web page; what is served as something else is not read.
    pub(crate) async fn page(&self, request: Request<'_>) -> Step {
        let exchange = async {
            let (response, url) = self.answer(request, ACCEPT_PAGE).await?;
            let served = text_of(response.headers(), header::CONTENT_TYPE, 256);
            if let Some(other) = served.filter(|served| response.status().is_success() && !is_markup(served))
            {
                return Err(Step::Answered(permanent(format!("it is no web page but {other}"))));
            }
            self.read(response, &url, None).await.map_err(Step::Answered)
        };
        self.in_time(exchange).await
    }

    /// Asks for a robots.txt; of a large one the beginning is read.
    pub(crate) async fn robots(&self, request: Request<'_>) -> Step {
        let exchange = async {
            let (mut response, url) = self.answer(request, ACCEPT_ROBOTS).await?;
            if !response.status().is_success() {
                return Err(Step::Answered(refusal(response.status(), response.headers())));
            }
            let validity = super::validity(response.headers());
            let mut body = Vec::new();
            while body.len() <= ROBOTS_BYTES_MAX {
                let chunk = response.chunk().await.map_err(|error| broken(&error))?;
                let Some(chunk) = chunk else { break };
                body.extend_from_slice(&chunk);
            }
            Ok(Outcome::Fetched(Box::new(Fetched { body, url: url.into(), validity, ..Fetched::default() })))
        };
        self.in_time(exchange).await
    }

    async fn in_time(&self, exchange: impl Future<Output = Result<Outcome, Step>>) -> Step {
        match time::timeout(self.timeout, exchange).await {
            Ok(Ok(outcome)) => Step::Answered(outcome),
            Ok(Err(step)) => step,
            Err(_) => Step::Answered(Outcome::Transient(self.too_slow())),
        }
    }

    /// An answer that is no redirect.
    async fn answer(&self, request: Request<'_>, accept: &'static str) -> Result<(Response, Url), Step> {
        let url = Url::parse(request.url)
            .map_err(|error| Step::Answered(permanent(format!("its address is none: {error}"))))?;
        let exempt = self.is_exempt(request.configured).await;
        let client = self.admit(&url, exempt).await.map_err(Step::Answered)?;
        let headers = request.headers(&url, accept);
        let response =
            client.get(url.clone()).headers(headers).send().await.map_err(|error| broken(&error))?;
        if !is_redirect(response.status()) {
            return Ok((response, url));
        }
        let to = response.headers().get(header::LOCATION);
        let to = to.and_then(|to| std::str::from_utf8(to.as_bytes()).ok()).and_then(|to| url.join(to).ok());
        Err(to.map_or_else(|| Step::Answered(permanent("a redirect names no address")), Step::Elsewhere))
    }
}

fn broken(error: &reqwest::Error) -> Step {
    let failure = Failure { unreached: error.is_connect(), ..Failure::of(told(error)) };
    Step::Answered(Outcome::Transient(failure))
}

fn is_markup(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.is_empty() || matches!(kind.as_str(), "text/html" | "application/xhtml+xml" | "text/plain")
}
