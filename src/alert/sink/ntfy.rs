//! Alerts to a topic of an ntfy server, published as JSON (<https://docs.ntfy.sh/publish/#publish-as-json>).

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::{
    Failure,
    send::{Letter, Send, meaning},
};
use crate::{
    alert::line,
    article::{Alert, AlertKind},
};

/// Where to.
#[derive(Debug)]
pub struct Ntfy {
    /// Of the server: JSON is published there.
    pub server: String,
    /// The topic there.
    pub topic: String,
    /// What the server asks for.
    pub headers: Vec<(String, String)>,
    /// For the whole exchange.
    pub timeout: Duration,
}

/// Server and topic of the address at which the topic is read.
pub fn parts(url: &str) -> Option<(String, String)> {
    let mut url = Url::parse(url).ok()?;
    let topic = url.path_segments()?.rfind(|part| !part.is_empty())?.to_owned();
    url.path_segments_mut().ok()?.pop_if_empty().pop().push("");
    url.set_query(None);
    Some((url.into(), topic))
}

impl Ntfy {
    pub(super) async fn deliver(&self, alerts: &[&Alert], send: &Send) -> Result<(), Failure> {
        for alert in alerts {
            let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            headers.extend(self.headers.iter().cloned());
            let body = self.message(alert).to_string().into_bytes();
            let letter = Letter { url: self.server.clone(), headers, body, timeout: self.timeout };
            meaning(send(letter).await)?;
        }
        Ok(())
    }

    fn message(&self, alert: &Alert) -> Value {
        let (priority, tag) = match alert.kind {
            AlertKind::NewStory => (4, "newspaper"),
            AlertKind::NewCoverage => (3, "newspaper"),
            AlertKind::Surge => (4, "chart_with_upwards_trend"),
            AlertKind::Withdrawn => (4, "no_entry_sign"),
            AlertKind::Silence => (3, "mute"),
            AlertKind::Update => (2, "pencil2"),
            AlertKind::Digest | AlertKind::Test => (2, "scroll"),
        };
        let mut message = json!({
            "topic": self.topic,
            "title": format!("{}: {}", line::caption(alert.kind), line::harmless(&alert.topic)),
            "message": line::body(alert),
            "priority": priority,
            "tags": [tag],
        });
        let url = alert.article.as_ref().and_then(|article| article.url.as_deref());
        if let (Some(url), Some(fields)) = (line::plain_address(url), message.as_object_mut()) {
            fields.insert("click".to_owned(), Value::String(url));
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::article::Id;

    #[test]
    fn a_topic_is_the_last_part_of_its_address() {
        for (url, expected) in [
            ("https://ntfy.example/desk", Some(("https://ntfy.example/", "desk"))),
            ("https://ntfy.example/n/desk/?x=1", Some(("https://ntfy.example/n/", "desk"))),
            ("https://ntfy.example/", None),
        ] {
            let found = parts(url);
            assert_eq!(found.as_ref().map(|(server, topic)| (server.as_str(), topic.as_str())), expected);
        }
    }

    #[test]
    fn an_alert_is_a_message() {
        let (server, topic) = parts("https://ntfy.example/desk").unwrap();
        let ntfy = Ntfy { server, topic, headers: Vec::new(), timeout: Duration::from_secs(1) };
        let bare = Alert::bare(Id(1), Timestamp::UNIX_EPOCH, AlertKind::Silence, "tides");
        let message = ntfy.message(&Alert { evidence: vec!["nothing for 3 days".to_owned()], ..bare });
        assert_eq!((&message["topic"], &message["title"]), (&"desk".into(), &"SILENCE: tides".into()));
        assert_eq!((&message["message"], message.get("click")), (&"nothing for 3 days".into(), None));
    }
}
