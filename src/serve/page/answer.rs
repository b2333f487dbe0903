//! Answers and the headers that all of them carry.

use std::{
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
};

use base64::Engine;
use http_body_util::{Either, Full};
use hyper::{
    Response, StatusCode,
    body::{Body, Bytes, Frame},
    header::{self, HeaderName, HeaderValue},
};
use maud::Markup;

use super::{layout, live::Watcher};

pub(super) type Answer = Response<Either<Full<Bytes>, Live>>;

/// A page with its status.
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) markup: Markup,
}

impl From<Markup> for Page {
    fn from(markup: Markup) -> Self {
        Self { status: StatusCode::OK, markup }
    }
}

/// Nothing from elsewhere is loaded, nothing is sent, nobody frames the page; of scripts the one in the page alone runs.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = ring::digest::digest(&ring::digest::SHA256, layout::SCRIPT.as_bytes());
    let hash = base64::engine::general_purpose::STANDARD.encode(digest);
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'sha256-{hash}'; connect-src 'self'; img-src data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
});

const SAFE: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

fn answer(status: StatusCode, content_type: &'static str, body: Either<Full<Bytes>, Live>) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in SAFE {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn whole(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    answer(status, content_type, Either::Left(Full::new(body.into())))
}

pub(super) fn page(page: Page) -> Answer {
    whole(page.status, "text/html; charset=utf-8", page.markup.into_string())
}

pub(super) fn plain(status: StatusCode, text: &str) -> Answer {
    whole(status, "text/plain; charset=utf-8", text.to_owned())
}

pub(super) fn metrics(text: String) -> Answer {
    whole(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
}

pub(super) fn atom(text: String) -> Answer {
    whole(StatusCode::OK, "application/atom+xml; charset=utf-8", text)
}

pub(super) fn style() -> Answer {
    let mut answer = whole(StatusCode::OK, "text/css; charset=utf-8", layout::STYLE);
    // Its address changes with every version.
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    answer.headers_mut().insert(header::CACHE_CONTROL, forever);
    answer
}

pub(super) fn stream(watcher: Watcher) -> Answer {
    let mut answer = answer(StatusCode::OK, "text/event-stream", Either::Right(Live::new(watcher)));
    // A web server before it is not to gather what is to be seen at once.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}

type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Watcher)>> + Send>>;

/// Alerts as they come.
pub(super) struct Live(Option<Next>);

impl Live {
    fn new(watcher: Watcher) -> Self {
        Self(Some(Box::pin(watcher.next())))
    }
}

impl Body for Live {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(next) = &mut self.0 else { return Poll::Ready(None) };
        match next.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                self.0 = None;
                Poll::Ready(None)
            }
            Poll::Ready(Some((bytes, watcher))) => {
                self.0 = Some(Box::pin(watcher.next()));
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
        }
    }
}
