//! Alerts by mail: each its own, or those of some time in one. Only user of lettre.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{self, authentication::Credentials},
};
use url::Url;

use super::Failure;
use crate::{alert::line, article::Alert};

/// Alerts of one mail.
const ALERTS_MAX: usize = 200;
/// Characters of a subject.
const SUBJECT_CHARS_MAX: usize = 150;

/// From whom, to whom, by which server.
#[derive(Debug)]
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    /// How long the first alert waits for others; zero sends each by itself.
    pub(super) gathers: Duration,
}

/// Who may send.
#[derive(Default)]
pub struct Login {
    /// Name.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl Mail {
    /// Prepares to send; nothing is sent yet.
    ///
    /// # Errors
    /// When an address cannot be used, as a lower-case fragment.
    pub fn new(
        server: &str,
        login: Option<Login>,
        from: &str,
        to: &[String],
        gathers: Duration,
        timeout: Duration,
    ) -> Result<Self, String> {
        let url = Url::parse(server).map_err(|fault| format!("its server is no address: {fault}"))?;
        let host = url.host_str().ok_or("its server has no host")?;
        // On this machine nobody listens between the two; everywhere else nothing is sent without TLS.
        let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let builder = match url.scheme() {
            "smtps" => AsyncSmtpTransport::<Tokio1Executor>::relay(host),
            _ if local => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)),
            _ => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host),
        };
        let mut builder =
            builder.map_err(|fault| format!("TLS cannot be used: {fault}"))?.timeout(Some(timeout));
        if let Some(port) = url.port() {
            builder = builder.port(port);
        }
        if let Some(Login { user, password }) = login {
            builder = builder.credentials(Credentials::new(user, password));
        }
        let mailbox = |address: &str| {
            address.parse::<Mailbox>().map_err(|fault| format!("{address:?} is no mail address: {fault}"))
        };
        let to = to.iter().map(|address| mailbox(address)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { transport: builder.build(), from: mailbox(from)?, to, gathers })
    }

    pub(super) fn at_once(&self) -> usize {
        if self.gathers.is_zero() { 1 } else { ALERTS_MAX }
    }

    pub(super) async fn deliver(&self, alerts: &[&Alert]) -> Result<(), Failure> {
        let message = self
            .message(alerts)
            .map_err(|fault| Failure::Refused(format!("no mail can be made of it: {fault}")))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(fault) => Err(meaning(&fault)),
        }
    }

    fn message(&self, alerts: &[&Alert]) -> Result<Message, lettre::error::Error> {
        let mut message = Message::builder().from(self.from.clone()).subject(subject(alerts));
        for to in &self.to {
            message = message.to(to.clone());
        }
        // The same alerts make the same id: a mail server or reader that sees it again knows it.
        if let Some(first) = alerts.first() {
            let count = alerts.len();
            message = message.message_id(Some(format!("<{}.{count}@storywatch>", first.id)));
        }
        message.header(ContentType::TEXT_PLAIN).body(body(alerts))
    }
}

fn meaning(fault: &smtp::Error) -> Failure {
    let mut why = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(inner) = cause {
        why = format!("{why}: {inner}");
        cause = inner.source();
    }
    let why = line::harmless(&why);
    // 530 to 538 speak of the access, not of the mail (RFC 4954).
    let of_access = fault.status().is_some_and(|code| {
        let code = code.to_string();
        code.starts_with("53")
    });
    if fault.is_permanent() && !of_access { Failure::Refused(why) } else { Failure::later(why) }
}

fn subject(alerts: &[&Alert]) -> String {
    let mut topics: Vec<String> = Vec::new();
    for alert in alerts {
        let topic = line::harmless(&alert.topic);
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    let topics = topics.join(", ");
    let subject = match alerts {
        [alert] => {
            let title =
                alert.article.as_ref().map(|article| line::harmless(&article.title)).unwrap_or_default();
            format!("[{topics}] {} {title}", line::caption(alert.kind))
        }
        _ => format!("[{topics}] {} alerts", alerts.len()),
    };
    let subject: String = subject.chars().take(SUBJECT_CHARS_MAX).collect();
    subject.trim_end().to_owned()
}

fn body(alerts: &[&Alert]) -> String {
    let lines = alerts.iter().map(|alert| line::text(alert).replace(" · ", "\r\n    "));
    lines.collect::<Vec<_>>().join("\r\n\r\n") + "\r\n"
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::article::{AlertKind, Id};

    fn alert(id: u64, topic: &str) -> Alert {
        Alert { seq: id, ..Alert::bare(Id(id), Timestamp::UNIX_EPOCH, AlertKind::Test, topic) }
    }

    #[test]
    fn a_mail_names_its_topics_and_can_forge_no_header() {
        let to = ["desk@paper.example".to_owned(), "Night Desk <night@paper.example>".to_owned()];
        let (soon, minute) = (Duration::ZERO, Duration::from_secs(60));
        let mail = Mail::new("smtps://mail.example", None, "watch@paper.example", &to, soon, minute).unwrap();
        let (one, other) = (alert(1, "tides\r\nBcc: all@paper.example"), alert(2, "cranes"));
        let sent = String::from_utf8(mail.message(&[&one, &other]).unwrap().formatted()).unwrap();
        assert!(sent.contains("Subject: [tides Bcc: all@paper.example, cranes] 2 alerts\r\n"), "{sent}");
        assert!(sent.contains("desk@paper.example") && sent.contains("<night@paper.example>"), "{sent}");
        assert!(sent.contains("Message-ID: <0000000000000001.2@storywatch>\r\n"), "{sent}");
        assert!(!sent.contains("\nBcc:") && sent.contains("#000002"));
    }

    #[test]
    fn wrong_addresses_are_named() {
        let none = Mail::new("smtps://mail.example", None, "desk", &[], Duration::ZERO, Duration::ZERO);
        assert!(none.unwrap_err().contains("\"desk\" is no mail address"));
    }
}
