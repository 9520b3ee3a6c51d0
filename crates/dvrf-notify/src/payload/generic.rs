//! The old script's JSON document for any receiver, signed as Standard Webhooks if a signing secret is configured.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::json;

use super::WebhookRequest;
use crate::message::Message;
use crate::notification::EventKind;
use dvrf_cli::channel::Channel;
use supra_core::check::Status;
use supra_core::secret::Secret;

/// The largest signed document: Standard Webhooks recommends less than 20 KB.
const BODY_BYTES_MAX: usize = 20_000;

pub(super) fn webhook(message: &Message, channel: &Channel, now: Timestamp) -> WebhookRequest {
    let is_alert = message.status == Status::Alert && message.event != EventKind::Resolved;
    let mut document = json!({
        "message": message.text(),
        "data": message.record,
        "status": message.old_exit.unwrap_or(u8::from(is_alert)),
        "id": message.id,
        "event": message.event.name(),
        "verdict": message.status,
        "severity": message.severity,
        "subscription": message.subscription,
        "incident": message.incident,
        "problem": message.problem,
    });
    if !message.shared_by.is_empty() {
        document["subscriptions"] = json!(message.shared_by);
    }
    if !channel.signing_keys.is_empty() && document.to_string().len() > BODY_BYTES_MAX {
        document["data"] = json!(null);
        document["data_left_out"] = json!(true);
    }
    let mut request = WebhookRequest::json(channel.url(), &document);
    // The id under both names by which receivers recognise a duplicate.
    request.headers.push(("webhook-id".to_owned(), Secret::new(&message.id)));
    request.headers.push(("idempotency-key".to_owned(), Secret::new(&message.id)));
    let time = now.as_second().to_string();
    request.headers.push(("webhook-timestamp".to_owned(), Secret::new(&time)));
    let signatures: Vec<String> =
        channel.signing_keys.iter().map(|key| sign(key.bytes(), &message.id, &time, &request.body)).collect();
    if !signatures.is_empty() {
        request.headers.push(("webhook-signature".to_owned(), Secret::new(&signatures.join(" "))));
    }
    request
}

/// The signature of a webhook: `v1,` and the HMAC-SHA256 of `id.time.body` in base64.
fn sign(key: &[u8], id: &str, time: &str, body: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
    let mut context = ring::hmac::Context::with_key(&key);
    context.update(format!("{id}.{time}.").as_bytes());
    context.update(body);
    format!("v1,{}", STANDARD.encode(context.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn the_published_example() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = b"{\"test\": 2432232314}";
        assert_eq!(
            sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
