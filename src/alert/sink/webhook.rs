//! Alerts as `CloudEvents` 1.0 in JSON, signed as Standard Webhooks has it
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::{fmt, str::FromStr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::hmac;
use serde_json::{json, value::RawValue};

use super::{
    Failure,
    send::{Letter, Send, meaning},
};
use crate::{alert::line, article::Alert};

/// Bytes that a secret may have, by the specification.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const SECRET_PREFIX: &str = "whsec_";

/// Where to, and how it is signed.
#[derive(Debug)]
pub struct Webhook {
    /// http or https.
    pub url: String,
    /// What the server asks for.
    pub headers: Vec<(String, String)>,
    /// None signs nothing.
    pub secret: Option<Secret>,
    /// For the whole exchange.
    pub timeout: Duration,
}

/// Keys to sign with: while one is exchanged for another there are two, and both sign.
pub struct Secret(Vec<hmac::Key>);

/// The text holds no secret; says why without repeating it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a line `whsec_` and 24 to 64 bytes in base64, such as printed by `echo whsec_$(openssl rand -base64 32)`"
)]
pub struct NotASecret;

impl FromStr for Secret {
    type Err = NotASecret;

    fn from_str(text: &str) -> Result<Self, NotASecret> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.map(|line| {
            let bytes = line.strip_prefix(SECRET_PREFIX).and_then(|key| STANDARD.decode(key).ok());
            let bytes = bytes.filter(|bytes| SECRET_BYTES.contains(&bytes.len())).ok_or(NotASecret)?;
            Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(NotASecret) } else { Ok(Self(keys)) }
    }
}

/// What is debugged ends in logs.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} keys)", self.0.len())
    }
}

impl Secret {
    /// The header `webhook-signature`.
    fn signature(&self, id: &str, at: Timestamp, body: &str) -> String {
        let signed = format!("{id}.{}.{body}", at.as_second());
        let sign = |key| format!("v1,{}", STANDARD.encode(hmac::sign(key, signed.as_bytes())));
        self.0.iter().map(sign).collect::<Vec<_>>().join(" ")
    }
}

impl Webhook {
    pub(super) async fn deliver(
        &self,
        alerts: &[&Alert],
        now: Timestamp,
        send: &Send,
    ) -> Result<(), Failure> {
        for alert in alerts {
            meaning(send(self.letter(alert, now)).await)?;
        }
        Ok(())
    }

    fn letter(&self, alert: &Alert, now: Timestamp) -> Letter {
        let (id, body) = (alert.id.to_string(), event(alert));
        let mut headers = vec![
            ("content-type".to_owned(), "application/cloudevents+json; charset=utf-8".to_owned()),
            ("webhook-id".to_owned(), id.clone()),
            ("webhook-timestamp".to_owned(), now.as_second().to_string()),
        ];
        if let Some(secret) = &self.secret {
            headers.push(("webhook-signature".to_owned(), secret.signature(&id, now, &body)));
        }
        headers.extend(self.headers.iter().cloned());
        Letter { url: self.url.clone(), headers, body: body.into_bytes(), timeout: self.timeout }
    }
}

/// The alert as a `CloudEvent` (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>). `data` is the
/// line of a JSON log.
fn event(alert: &Alert) -> String {
    let data = RawValue::from_string(line::json(alert)).ok();
    let event = json!({
        "specversion": "1.0",
        "id": alert.id,
        "source": "/storywatch",
        "type": format!("storywatch.alert.{}", alert.kind.word()),
        "subject": alert.topic,
        "time": alert.time,
        "datacontenttype": "application/json",
        "data": data,
    });
    event.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::{AlertKind, Id};

    #[test]
    fn it_signs_as_the_reference_library_does() {
        let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n".parse().unwrap();
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let signature = secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_sign_while_one_replaces_the_other() {
        let text = "# old\nwhsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n\nwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G\n";
        let secret: Secret = text.parse().unwrap();
        assert_eq!(secret.signature("a", Timestamp::UNIX_EPOCH, "").split(' ').count(), 2);
    }

    #[test]
    fn what_is_no_secret_is_not_repeated() {
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_!!!!"] {
            assert_eq!(text.parse::<Secret>().unwrap_err(), NotASecret);
        }
    }

    #[test]
    fn an_alert_is_an_event() {
        let alert = Alert::bare(Id(255), Timestamp::UNIX_EPOCH, AlertKind::Test, "tides");
        let webhook = Webhook {
            url: "https://desk.example/in".to_owned(),
            headers: vec![("x-key".to_owned(), "k".to_owned())],
            secret: None,
            timeout: Duration::from_secs(1),
        };
        let letter = webhook.letter(&alert, Timestamp::from_second(5).unwrap());
        let event: serde_json::Value = serde_json::from_slice(&letter.body).unwrap();
        for (key, expected) in [
            ("specversion", "1.0"),
            ("id", "00000000000000ff"),
            ("type", "storywatch.alert.test"),
            ("subject", "tides"),
        ] {
            assert_eq!(event[key], expected);
        }
        assert_eq!(event["data"]["kind"], "test");
        let header = |name: &str| {
            letter.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(
            (header("webhook-id"), header("webhook-timestamp")),
            (Some("00000000000000ff"), Some("5"))
        );
        assert_eq!((header("x-key"), header("webhook-signature")), (Some("k"), None));
    }
}
