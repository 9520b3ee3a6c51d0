//! E-mail to a real SMTP server, aiosmtpd: TLS, logins, refusals, and secrets that are nowhere.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use testkit::authority::Authority;
use testkit::{Outcome, needs, report, run};

use super::notify;

/// Prints its port, then each e-mail that it takes, as JSON.
const SERVER: &str = r"
import asyncio, json, ssl, sys
from aiosmtpd.smtp import AuthResult, SMTP
mode, certificate, key = sys.argv[1:4]
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('nobody@'): return '550 5.1.1 No such user here'
        if address.startswith('later@'): return '451 4.7.1 Greylisted, try again'
        envelope.rcpt_tos.append(address)
        return '250 OK'
    async def handle_DATA(self, server, session, envelope):
        if any(address.startswith('strict@') for address in envelope.rcpt_tos): return '554 5.7.1 Message refused'
        print(json.dumps({'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'tls': server.transport.get_extra_info('ssl_object') is not None,
            'login': bool(session.authenticated), 'text': envelope.content.decode()}), flush=True)
        return '250 taken'
def login(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b'user', b'pass-4711')
    return AuthResult(success=good, handled=False, message=None if good else '535 5.7.8 bad password pass-4711 of user')
context = None
if mode != 'plain':
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
def session():
    more = {'tls_context': context, 'require_starttls': True} if mode == 'starttls' else {}
    return SMTP(Handler(), authenticator=login, auth_require_tls=mode == 'starttls', loop=loop, **more)
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
implicit = context if mode == 'implicit' else None
server = loop.run_until_complete(loop.create_server(session, '127.0.0.1', 0, ssl=implicit))
print(server.sockets[0].getsockname()[1], flush=True)
loop.run_forever()
";

struct MailServer {
    child: Child,
    out: BufReader<ChildStdout>,
    port: String,
}

impl MailServer {
    fn start(mode: &str, authority: &Authority) -> Self {
        // The Python that Debian's package is for; another one in the PATH does not have it.
        let mut child = std::process::Command::new("/usr/bin/python3")
            .args(["-c", SERVER, mode])
            .args([authority.path("good.pem"), authority.path("good.key")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        out.read_line(&mut port).unwrap();
        Self { child, out, port: port.trim().to_owned() }
    }

    /// The next e-mail that it took.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mail(authority: &Authority, options: &str, words: &[&str]) -> Outcome {
    let mut command = notify(&[format!("email,{options}")]);
    command.env("DVRF_TLS_ROOTS", format!("+{}", authority.path("ca.pem").display()));
    run(command.args(["--notify-timeout", "5"]).args(words).write_stdin(report(50)))
}

#[rstest]
#[case::starttls("starttls", "", "")]
#[case::login("starttls", "user=user,password=pass-4711,", "user")]
#[case::implicit("implicit", "tls=implicit,", "")]
#[case::implicit_login("implicit", "tls=implicit,user=user,password=pass-4711,", "user")]
#[case::bare("plain", "tls=none,", "")]
#[needs("aiosmtpd", "openssl")]
fn a_message_arrives(#[case] mode: &str, #[case] options: &str, #[case] login: &str) {
    let authority = Authority::make();
    let mut server = MailServer::start(mode, &authority);
    let options = format!(
        "server=localhost:{},{options}from=dvrf@example.org,to=a@example.org b@example.org",
        server.port
    );
    let outcome = mail(&authority, &options, &[]);
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    assert_eq!(outcome.json()["notifications"][0]["outcome"], "delivered");
    let letter = server.next();
    assert_eq!(
        (&letter["from"], &letter["to"]),
        (&json!("dvrf@example.org"), &json!(["a@example.org", "b@example.org"]))
    );
    assert_eq!((&letter["tls"], &letter["login"]), (&json!(mode != "plain"), &json!(!login.is_empty())));
    let text = letter["text"].as_str().unwrap();
    let id = outcome.json()["notifications"][0]["id"].as_str().unwrap().to_owned();
    assert!(text.contains(&format!("Message-ID: <{id}.email@example.org>")), "{text}");
    assert!(text.contains("deposit below the minimum") || text.contains("draws are refused"), "{text}");
}

#[rstest]
#[case::password("starttls", "user=user,password=pass-9999,to=a@h", "failed", "check user and password")]
#[case::no_starttls("plain", "to=a@h", "failed", "STARTTLS is not supported on this server; check tls=")]
#[case::no_recipient("plain", "tls=none,to=nobody@h", "failed", "550")]
#[case::later("plain", "tls=none,to=later@h", "failed", "Greylisted, try again")]
#[case::content("plain", "tls=none,to=strict@h", "rejected", "Message refused")]
#[case::tls_at_once("plain", "tls=implicit,to=a@h", "failed", "")]
#[needs("aiosmtpd", "openssl")]
fn refusals(#[case] mode: &str, #[case] options: &str, #[case] expected: &str, #[case] reason: &str) {
    let authority = Authority::make();
    let server = MailServer::start(mode, &authority);
    let outcome = mail(&authority, &format!("server=localhost:{},from=dvrf@h,{options}", server.port), &[]);
    assert_eq!(outcome.code, 2, "{outcome}");
    let told = outcome.json()["notifications"][0].clone();
    assert_eq!(told["outcome"], expected, "{told}");
    assert!(told["error"].as_str().unwrap().contains(reason), "{told}");
    assert!(!outcome.out.contains("pass-9999") && !outcome.err.contains("pass-9999"), "{outcome}");
}

#[test]
#[needs("aiosmtpd", "openssl")]
fn a_refused_recipient_does_not_silence_the_others() {
    let authority = Authority::make();
    let mut server = MailServer::start("plain", &authority);
    let options = format!("server=localhost:{},tls=none,from=dvrf@h,to=nobody@h a@h later@h", server.port);
    let outcome = mail(&authority, &options, &[]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_eq!(server.next()["to"], json!(["a@h"]));
    for part in ["nobody@h was refused: ", "No such user here", "later@h was refused: "] {
        assert!(outcome.err.contains(part), "{part}: {outcome}");
    }
}

/// A certificate of an authority that is not trusted, or of another host, gets neither password nor message.
#[test]
#[needs("aiosmtpd", "openssl")]
fn a_certificate_must_be_trusted() {
    let (authority, stranger) = (Authority::make(), Authority::make());
    let server = MailServer::start("starttls", &authority);
    for (host, roots) in [("localhost", &stranger), ("127.0.0.1", &authority)] {
        let options =
            format!("server={host}:{},user=user,password=pass-4711,from=dvrf@h,to=a@h", server.port);
        let outcome = mail(roots, &options, &[]);
        assert_eq!(
            (outcome.code, &outcome.json()["notifications"][0]["outcome"]),
            (2, &json!("failed")),
            "{outcome}"
        );
        assert!(outcome.err.contains("certificate"), "{outcome}");
    }
}

#[test]
fn a_silent_mail_server_costs_no_more_than_the_timeout() {
    // It accepts connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = format!("email,server={},tls=none,from=dvrf@h,to=a@h", silent.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let start = Instant::now();
    let mut command = notify(&[options]);
    let outcome = run(command.args(["--notify-timeout", "2", "--state-dir", state]).write_stdin(report(50)));
    assert_eq!(
        (outcome.code, &outcome.json()["notifications"][0]["outcome"]),
        (2, &json!("queued")),
        "{outcome}"
    );
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

#[test]
#[needs("aiosmtpd", "openssl")]
fn no_password_is_shown_or_kept() {
    let authority = Authority::make();
    let server = MailServer::start("starttls", &authority);
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("password");
    std::fs::write(&secret, "\u{feff}pass-4711\n").unwrap();
    let state = folder.path().join("state");
    let options = format!(
        "server=localhost:{},user=nobody,password-file={},from=dvrf@h,to=a@h",
        server.port,
        secret.display()
    );
    let outcome = mail(&authority, &options, &["--state-dir", state.to_str().unwrap()]);
    assert_eq!(outcome.code, 2, "{outcome}");
    // The server repeats the password in its answer.
    assert!(outcome.err.contains("bad password *** of user"), "{outcome}");
    let kept = std::fs::read_dir(&state).unwrap().flatten();
    let kept: String = kept.map(|entry| std::fs::read_to_string(entry.path()).unwrap_or_default()).collect();
    for text in [&outcome.out, &outcome.err, &kept] {
        assert!(!text.contains("pass-4711"), "{text}");
    }
    let config = run(notify(&[format!("email,{options}")]).arg("config"));
    assert_eq!(
        (config.code, config.json()["notify"]["channels"][0]["to"].clone()),
        (0, json!(format!("a@h by localhost:{}", server.port)))
    );
    assert!(!config.out.contains("pass-4711"), "{config}");
}
