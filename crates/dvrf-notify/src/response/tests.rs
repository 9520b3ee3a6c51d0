//! Every status on every kind of channel, and the bodies that change its meaning.

use rstest::rstest;

use super::*;

const CLOUDFLARE: &str = "<!DOCTYPE html>\n<!--[if lt IE 7]> <html class=\"no-js ie6 oldie\"> <![endif]-->\n<head>\n<title>hooks.example.com | 522: Connection timed out</title>";
const PORTAL: &str = "<html><head><title>Hotel Wi-Fi</title></head><body>Please log in</body></html>";

fn response<'a>(status: u16, retry_after: Option<&'a str>, body: &'a str) -> WebhookResponse<'a> {
    WebhookResponse { status, retry_after, body, printable_body: body }
}

fn meaning(kind: ChannelKind, status: u16, body: &str) -> &'static str {
    match attempt(kind, response(status, None, body)).disposition {
        Disposition::Accepted => "taken",
        Disposition::Retry { .. } => "retry",
        Disposition::Unauthorized => "repair",
        Disposition::Rejected => "refused",
    }
}

/// What each status means on every kind of channel, with an empty body and with a page of Cloudflare or a portal.
#[rstest]
#[case::moved(&[300, 301, 302, 303, 304, 305, 307, 308], "repair", "repair")]
#[case::bad_request(&[400], "refused", "retry")]
#[case::unprocessable(&[422], "refused", "retry")]
#[case::too_large(&[413], "refused", "refused")]
#[case::not_allowed(&[401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 414, 415, 416, 417, 418], "repair", "repair")]
#[case::other_clients(&[424, 426, 428, 431, 444, 451, 494, 495, 496, 497, 498, 499], "repair", "repair")]
#[case::in_a_moment(&[408, 409, 421, 423, 425, 429], "retry", "retry")]
#[case::server(&[500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511], "retry", "retry")]
#[case::cloudflare(&[520, 521, 522, 523, 524, 525, 526, 527, 529, 530], "retry", "retry")]
#[case::other_servers(&[540, 561, 598, 599], "retry", "retry")]
fn every_status(#[case] statuses: &[u16], #[case] bare: &str, #[case] page: &str) {
    for (name, kind) in ChannelKind::ALL {
        for status in statuses {
            assert_eq!(meaning(kind, *status, ""), bare, "{name} {status}");
            for body in [CLOUDFLARE, PORTAL] {
                assert_eq!(meaning(kind, *status, body), page, "{name} {status} with a page");
            }
        }
    }
}

/// A success whose body is a page is not the receiver's, except where the receiver may be anybody's program.
#[test]
fn a_portal_is_no_receiver() {
    let is_any = |kind| matches!(kind, ChannelKind::Teams | ChannelKind::Generic);
    for (name, kind) in ChannelKind::ALL.into_iter().filter(|(_, kind)| !is_any(*kind)) {
        for status in [200, 202, 203] {
            assert_eq!(meaning(kind, status, PORTAL), "retry", "{name} {status}");
            assert_eq!(meaning(kind, status, CLOUDFLARE), "retry", "{name} {status}");
        }
    }
    let found = attempt(ChannelKind::Slack, response(200, None, PORTAL));
    let reason = "HTTP 200, but the answer is not that of slack: a web page instead of an answer";
    assert_eq!(found.reason.as_deref(), Some(reason));
}

#[rstest]
#[case::slack(ChannelKind::Slack, 200, "ok", "taken")]
#[case::slack_json(ChannelKind::Slack, 200, "{\"ok\":true}", "taken")]
#[case::slack_empty(ChannelKind::Slack, 200, "", "taken")]
#[case::slack_no_content(ChannelKind::Slack, 204, "", "taken")]
#[case::slack_compatible(ChannelKind::Slack, 200, "{\"success\":true}", "taken")]
#[case::slack_relay(ChannelKind::Slack, 202, "queued", "taken")]
#[case::slack_not_ok(ChannelKind::Slack, 200, "{\"ok\":false,\"error\":\"rate_limited\"}", "retry")]
#[case::slack_portal(ChannelKind::Slack, 200, "<html>Sign in</html>", "retry")]
#[case::teams_relay(ChannelKind::Teams, 201, "<html>thanks</html>", "taken")]
#[case::generic_page(ChannelKind::Generic, 200, "<!doctype html><p>thanks", "taken")]
#[case::generic_empty(ChannelKind::Generic, 204, "", "taken")]
#[case::slack_content(ChannelKind::Slack, 200, "invalid_payload", "refused")]
#[case::slack_blocks(ChannelKind::Slack, 400, "invalid_blocks", "refused")]
#[case::slack_no_service(ChannelKind::Slack, 200, "no_service", "repair")]
#[case::slack_no_team(ChannelKind::Slack, 200, "no_team", "repair")]
#[case::slack_no_service_404(ChannelKind::Slack, 404, "no_service", "repair")]
#[case::slack_archived(ChannelKind::Slack, 410, "channel_is_archived", "repair")]
#[case::slack_user(ChannelKind::Slack, 400, "user_not_found", "repair")]
#[case::slack_rollup(ChannelKind::Slack, 500, "rollup_error", "retry")]
#[case::teams_workflow(ChannelKind::Teams, 202, "", "taken")]
#[case::teams_connector(ChannelKind::Teams, 200, "1", "taken")]
#[case::teams_throttled(ChannelKind::Teams, 200, "Microsoft Teams endpoint returned HTTP error 429", "retry")]
#[case::teams_outage(ChannelKind::Teams, 200, "Microsoft Teams endpoint returned HTTP error 503", "retry")]
#[case::teams_content(ChannelKind::Teams, 200, "failed with error: HTTP error 400", "refused")]
#[case::teams_too_large(
    ChannelKind::Teams,
    200,
    "Microsoft Teams endpoint returned HTTP error 413",
    "refused"
)]
#[case::teams_forbidden(
    ChannelKind::Teams,
    200,
    "Microsoft Teams endpoint returned HTTP error 403",
    "repair"
)]
#[case::discord(ChannelKind::Discord, 204, "", "taken")]
#[case::discord_form(
    ChannelKind::Discord,
    400,
    "{\"code\":50035,\"message\":\"Invalid Form Body\"}",
    "refused"
)]
#[case::discord_token(ChannelKind::Discord, 400, "{\"code\":50027}", "repair")]
#[case::discord_unknown(ChannelKind::Discord, 404, "{\"code\":10015}", "repair")]
#[case::telegram(ChannelKind::Telegram, 200, "{\"ok\":true}", "taken")]
#[case::telegram_no(ChannelKind::Telegram, 200, "{\"ok\":false}", "retry")]
#[case::telegram_inner(ChannelKind::Telegram, 200, "{\"ok\":false,\"error_code\":403}", "repair")]
#[case::telegram_markup(
    ChannelKind::Telegram,
    400,
    "{\"ok\":false,\"description\":\"Bad Request: can't parse entities: …\"}",
    "refused"
)]
#[case::telegram_chat(
    ChannelKind::Telegram,
    400,
    "{\"ok\":false,\"description\":\"Bad Request: chat not found\"}",
    "repair"
)]
#[case::telegram_blocked(ChannelKind::Telegram, 403, "{\"ok\":false}", "repair")]
#[case::pagerduty(ChannelKind::Pagerduty, 202, "{\"status\":\"success\"}", "taken")]
#[case::pagerduty_content(
    ChannelKind::Pagerduty,
    400,
    "{\"status\":\"invalid event\",\"errors\":[\"Length of 'payload.summary' is above 1024\"]}",
    "refused"
)]
#[case::pagerduty_key(
    ChannelKind::Pagerduty,
    400,
    "{\"status\":\"invalid event\",\"errors\":[\"Invalid routing key\"]}",
    "repair"
)]
#[case::opsgenie(ChannelKind::Opsgenie, 202, "{\"result\":\"Request will be processed\"}", "taken")]
#[case::opsgenie_key(ChannelKind::Opsgenie, 422, "{\"message\":\"Key format is not valid!\"}", "repair")]
#[case::opsgenie_content(
    ChannelKind::Opsgenie,
    422,
    "{\"message\":\"Request body is not processable.\"}",
    "refused"
)]
#[case::mattermost(ChannelKind::Mattermost, 200, "ok", "taken")]
#[case::mattermost_gone(
    ChannelKind::Mattermost,
    400,
    "{\"id\":\"web.incoming_webhook.invalid.app_error\",\"message\":\"Invalid webhook.\"}",
    "repair"
)]
#[case::mattermost_text(
    ChannelKind::Mattermost,
    400,
    "{\"id\":\"web.incoming_webhook.text.app_error\",\"message\":\"No text specified.\"}",
    "refused"
)]
#[case::rocketchat(ChannelKind::Rocketchat, 200, "{\"success\":true}", "taken")]
#[case::rocketchat_refused(ChannelKind::Rocketchat, 200, "{\"success\":false}", "repair")]
#[case::rocketchat_channel(
    ChannelKind::Rocketchat,
    400,
    "{\"success\":false,\"error\":\"invalid-channel\"}",
    "repair"
)]
#[case::matrix(ChannelKind::Matrix, 200, "{\"event_id\":\"$x\"}", "taken")]
#[case::matrix_other_server(ChannelKind::Matrix, 200, "{}", "retry")]
#[case::matrix_token(ChannelKind::Matrix, 401, "{\"errcode\":\"M_UNKNOWN_TOKEN\"}", "repair")]
#[case::matrix_room(ChannelKind::Matrix, 400, "{\"errcode\":\"M_INVALID_PARAM\"}", "repair")]
#[case::matrix_content(ChannelKind::Matrix, 400, "{\"errcode\":\"M_BAD_JSON\"}", "refused")]
#[case::matrix_large(ChannelKind::Matrix, 413, "{\"errcode\":\"M_TOO_LARGE\"}", "refused")]
#[case::ntfy(ChannelKind::Ntfy, 200, "{\"id\":\"x\",\"event\":\"message\"}", "taken")]
#[case::ntfy_other_server(ChannelKind::Ntfy, 200, "hello", "retry")]
#[case::ntfy_topic(
    ChannelKind::Ntfy,
    400,
    "{\"code\":40009,\"error\":\"invalid request: topic invalid\"}",
    "repair"
)]
#[case::ntfy_forbidden(ChannelKind::Ntfy, 403, "{\"code\":40301,\"error\":\"forbidden\"}", "repair")]
#[case::ntfy_full(ChannelKind::Ntfy, 507, "{\"code\":50701}", "retry")]
#[case::alertmanager(ChannelKind::Alertmanager, 200, "", "taken")]
#[case::generic(ChannelKind::Generic, 206, "whatever", "taken")]
#[case::ping(ChannelKind::Ping, 200, "OK", "taken")]
fn bodies(#[case] kind: ChannelKind, #[case] status: u16, #[case] body: &str, #[case] expected: &str) {
    assert_eq!(meaning(kind, status, body), expected);
}

#[test]
fn an_upgraded_telegram_group_names_its_new_id() {
    let body = "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat was upgraded to a \
                supergroup chat\",\"parameters\":{\"migrate_to_chat_id\":-1001234567890}}";
    let found = attempt(ChannelKind::Telegram, response(400, None, body));
    assert_eq!(found.disposition, Disposition::Unauthorized);
    let reason = found.reason.unwrap();
    assert!(reason.ends_with("; Telegram made the group a supergroup: set chat=-1001234567890"), "{reason}");
}

#[rstest]
#[case::header_seconds(ChannelKind::Slack, 429, Some("7"), "", Some(7000))]
#[case::header_past_date(ChannelKind::Slack, 503, Some("Wed, 21 Oct 2015 07:28:00 GMT"), "", Some(0))]
#[case::discord_seconds(ChannelKind::Discord, 429, None, "{\"retry_after\": 1.5}", Some(1500))]
#[case::discord_milliseconds(ChannelKind::Discord, 429, None, "{\"retry_after\": 64000}", Some(64_000))]
#[case::header_before_body(ChannelKind::Discord, 429, Some("2"), "{\"retry_after\": 9}", Some(2000))]
#[case::telegram(ChannelKind::Telegram, 429, None, "{\"parameters\":{\"retry_after\":3}}", Some(3000))]
#[case::matrix(ChannelKind::Matrix, 429, None, "{\"retry_after_ms\":2500}", Some(2500))]
#[case::negative(ChannelKind::Discord, 429, None, "{\"retry_after\": -1}", None)]
#[case::teams_text(ChannelKind::Teams, 200, None, "Microsoft Teams endpoint returned HTTP error 429", None)]
fn requested_waits(
    #[case] kind: ChannelKind,
    #[case] status: u16,
    #[case] header: Option<&str>,
    #[case] body: &str,
    #[case] milliseconds: Option<u64>,
) {
    let after = milliseconds.map(Duration::from_millis);
    assert_eq!(attempt(kind, response(status, header, body)).disposition, Disposition::Retry { after });
}

#[test]
fn a_redirect_does_not_show_its_body() {
    let found = attempt(ChannelKind::Slack, response(302, None, "https://h/SECRET"));
    let reason = "HTTP 302: a redirect, which is not followed; give the final address";
    assert_eq!(found.reason.as_deref(), Some(reason));
    assert!(is_gone(&attempt(ChannelKind::Slack, response(410, None, ""))));
}
