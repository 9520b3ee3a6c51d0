//! E-mail: a plain-text message to a mail server, by lettre. Its id is the message's, so that programs join repetitions, and
//! all messages of an incident refer to it, so that they are one conversation.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Letter};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, CertificateStore, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use crate::escape::verbatim;
use crate::message::Message;
use crate::truncate::truncate;
use dvrf_cli::channel::{Channel, Mail, MailTls};
use supra_core::delivery::{Attempt, Disposition};
use supra_core::error::chain;
use supra_core::http::Roots;
use supra_core::secret::Secret;

const SUBJECT: usize = 200;

/// What was being done when an error occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Connect,
    Encrypt,
    LogIn,
    Sender,
    Recipient,
    Content,
}

/// Why a message was not taken.
struct Failed {
    step: Step,
    error: Error,
}

impl Step {
    fn failed(self) -> impl FnOnce(Error) -> Failed {
        move |error| Failed { step: self, error }
    }
}

/// Everything that a session needs, so that it can run in a thread of its own.
struct SmtpSession {
    mail: Mail,
    password: Option<Secret>,
    roots: Roots,
    timeout: Duration,
    letter: Letter,
}

/// Sends a message once. The reason of the attempt contains no secret; its status is the code of the reply.
pub(crate) fn send(
    channel: &Channel,
    mail: &Mail,
    message: &Message,
    roots: &Roots,
    timeout: Duration,
) -> Attempt {
    let attempt = |disposition, reason: &str, status| {
        let reason = Some(channel.sanitize(reason)).filter(|reason| !reason.is_empty());
        Attempt { disposition, reason, status, tries: 1 }
    };
    let letter = match letter(&channel.name, mail, message) {
        Ok(letter) => letter,
        Err(error) => {
            return attempt(Disposition::Unauthorized, &format!("{error}; check from= and to="), None);
        }
    };
    let session = SmtpSession {
        mail: mail.clone(),
        password: channel.token.clone(),
        roots: roots.clone(),
        timeout,
        letter,
    };
    // The timeout of lettre is for each reply, and there is none for the name lookup: a thread bounds the whole.
    let (sender, receiver) = mpsc::sync_channel(1);
    let run = move || {
        // The receiver is gone if the timeout has passed.
        let _ = sender.send(session.run());
    };
    let result = match thread::Builder::new().spawn(run) {
        Ok(_) => receiver.recv_timeout(timeout),
        Err(error) => return attempt(Disposition::Retry { after: None }, &error.to_string(), None),
    };
    match result {
        Err(_) => attempt(Disposition::Retry { after: None }, &format!("no answer within {timeout:?}"), None),
        Ok(Ok(refused)) => attempt(Disposition::Accepted, &refused.join("; "), None),
        Ok(Err(failed)) => {
            let (disposition, reason) = failed.meaning();
            attempt(disposition, &reason, failed.error.status().map(u16::from))
        }
    }
}

impl SmtpSession {
    /// Returns what the server said about recipients that it refused, if it took the message for others.
    fn run(&self) -> Result<Vec<String>, Failed> {
        let Mail { host, port, tls, user, .. } = &self.mail;
        let parameters = self.tls_parameters().map_err(Step::Encrypt.failed())?;
        let hello = ClientId::default();
        let timeout = Some(self.timeout);
        let wrapped = (*tls == MailTls::Implicit).then_some(&parameters);
        let mut connection = SmtpConnection::connect((host.as_str(), *port), timeout, &hello, wrapped, None)
            .map_err(Step::Connect.failed())?;
        if *tls == MailTls::Starttls {
            connection.starttls(&parameters, &hello).map_err(Step::Encrypt.failed())?;
        }
        if let (Some(user), Some(password)) = (user, &self.password) {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .map_err(Step::LogIn.failed())?;
        }
        let refused = self.transfer(&mut connection)?;
        // The message is taken; how the connection ends does not matter.
        let _ = connection.quit();
        Ok(refused)
    }

    fn transfer(&self, connection: &mut SmtpConnection) -> Result<Vec<String>, Failed> {
        let envelope = self.letter.envelope();
        connection
            .command(MailFrom::new(envelope.from().cloned(), Vec::new()))
            .map_err(Step::Sender.failed())?;
        let mut refused = Vec::new();
        for address in envelope.to() {
            if let Err(error) = connection.command(Rcpt::new(address.clone(), Vec::new())) {
                // Without a code the connection is broken.
                if error.status().is_none() {
                    return Err(Step::Recipient.failed()(error));
                }
                refused.push((address, error));
            }
        }
        if refused.len() == envelope.to().len() {
            // A recipient who may be taken in a moment is worth another try.
            refused.sort_by_key(|(_, error)| error.is_permanent());
            if let Some((_, error)) = refused.into_iter().next() {
                return Err(Step::Recipient.failed()(error));
            }
            return Ok(Vec::new());
        }
        connection.command(Data).map_err(Step::Content.failed())?;
        connection.message(&self.letter.formatted()).map_err(Step::Content.failed())?;
        Ok(refused.into_iter().map(|(address, error)| format!("{address} was refused: {error}")).collect())
    }

    fn tls_parameters(&self) -> Result<TlsParameters, Error> {
        let builder =
            TlsParameters::builder(self.mail.host.clone()).certificate_store(CertificateStore::None);
        let roots = if self.mail.tls == MailTls::None { Vec::new() } else { self.roots.certificates() };
        let add = |builder: lettre::transport::smtp::client::TlsParametersBuilder, root| {
            Ok::<_, Error>(builder.add_root_certificate(Certificate::from_der(root)?))
        };
        roots.into_iter().try_fold(builder, add)?.build_rustls()
    }
}

impl Failed {
    /// What a reply means for the message. Only known refusals of the content are final; what must be repaired waits.
    fn meaning(&self) -> (Disposition, String) {
        let text = chain(&self.error);
        if self.error.is_permanent() {
            let code = self.error.status().map_or(0, u16::from);
            return of_reply(self.step, code, &text);
        }
        // Such as a server without STARTTLS, or without a way to log in that we know.
        if self.error.is_client() {
            return (Disposition::Unauthorized, format!("{text}; {}", self.step.remedy()));
        }
        (Disposition::Retry { after: None }, text)
    }
}

fn of_reply(step: Step, code: u16, text: &str) -> (Disposition, String) {
    // Too long, or refused after it was read.
    let is_content = code == 552 || (step == Step::Content && matches!(code, 550 | 554));
    if is_content {
        return (Disposition::Rejected, text.to_owned());
    }
    (Disposition::Unauthorized, format!("{text}; {}", step.remedy()))
}

impl Step {
    fn remedy(self) -> &'static str {
        match self {
            Self::Connect => "check server= and tls=",
            Self::Encrypt => "check tls=: starttls, implicit (port 465) or none",
            Self::LogIn => "check user and password",
            Self::Sender => "check from=: the server may want the address of the user, or a login",
            Self::Recipient => "check to=, and whether the server wants a login",
            Self::Content => "ask the operator of the mail server",
        }
    }
}

/// Writes the e-mail.
fn letter(channel: &str, mail: &Mail, message: &Message) -> Result<Letter, String> {
    let mailbox = |address: &str| -> Result<Mailbox, String> {
        let address = address.parse().map_err(|error: AddressError| format!("{address}: {error}"))?;
        Ok(Mailbox::new(None, address))
    };
    let domain = mail.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let sent = u64::try_from(message.at_s).unwrap_or(0);
    let mut letter = Letter::builder()
        .from(mailbox(&mail.from)?)
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(sent))
        .subject(truncate(&message.headline(), SUBJECT, verbatim))
        .message_id(Some(format!("<{}.{channel}@{domain}>", message.id)))
        .references(format!("<{}.{channel}@{domain}>", message.incident))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .header(ContentType::TEXT_PLAIN);
    for address in &mail.to {
        letter = letter.to(mailbox(address)?);
    }
    letter.body(format!("{}\n{}\n", message.text(), message.footer())).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::notification::EventKind;

    fn mail() -> Mail {
        Mail {
            host: "mx.example".to_owned(),
            port: 587,
            tls: MailTls::Starttls,
            user: None,
            from: "dvrf@example.org".to_owned(),
            to: vec!["a@example.org".to_owned(), "b@example.org".to_owned()],
        }
    }

    #[test]
    fn a_letter_has_its_id_and_refers_to_its_incident() {
        let message = Message {
            id: "0123".into(),
            incident: "feed".into(),
            event: EventKind::Firing,
            title: "Supra dVRF".into(),
            subscription: "main".into(),
            at_s: 1_799_999_990,
            ..Message::default()
        };
        let text = String::from_utf8(letter("email", &mail(), &message).unwrap().formatted()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines: Vec<&str> = head.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "Auto-Submitted: auto-generated",
                "Content-Transfer-Encoding: quoted-printable",
                "Content-Type: text/plain; charset=utf-8",
                "Date: Fri, 15 Jan 2027 07:59:50 +0000",
                "From: dvrf@example.org",
                "Message-ID: <0123.email@example.org>",
                "References: <feed.email@example.org>",
                "Subject: =?utf-8?b?4p2U?= main: status unknown",
                "To: a@example.org, b@example.org",
            ]
        );
        assert!(body.starts_with("=E2=9D=94 main: status unknown\r\n"), "{body}");
        assert!(body.contains("0123"), "{body}");
    }

    /// What a refusal means at each step.
    #[rstest]
    #[case::password(Step::LogIn, 535, Disposition::Unauthorized)]
    #[case::login_needed(Step::Sender, 530, Disposition::Unauthorized)]
    #[case::too_large_said_early(Step::Sender, 552, Disposition::Rejected)]
    #[case::no_such_recipient(Step::Recipient, 550, Disposition::Unauthorized)]
    #[case::relaying(Step::Recipient, 554, Disposition::Unauthorized)]
    #[case::content(Step::Content, 554, Disposition::Rejected)]
    #[case::policy(Step::Content, 550, Disposition::Rejected)]
    #[case::not_now(Step::Content, 503, Disposition::Unauthorized)]
    #[case::banned(Step::Connect, 554, Disposition::Unauthorized)]
    fn replies(#[case] step: Step, #[case] code: u16, #[case] expected: Disposition) {
        assert_eq!(of_reply(step, code, "no").0, expected);
    }
}
