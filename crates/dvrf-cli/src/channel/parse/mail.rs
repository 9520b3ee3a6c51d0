//! The options of an e-mail channel.

use super::{Options, Problem};
use crate::channel::{Mail, MailTls};
use supra_core::failure::quote;

impl Options<'_> {
    /// The mail server and the addresses of an e-mail channel.
    pub(super) fn mail(&self, has_password: bool) -> Result<Mail, Problem> {
        let needed = |key: &str, fix: &str| {
            self.get(key).ok_or_else(|| self.problem(format!("{key} is needed"), fix.to_owned()))
        };
        let server = needed("server", "add server=HOST, or server=HOST:PORT")?;
        let write = "write HOST, or HOST:PORT such as mail.example:587";
        let (host, port) = match server.rsplit_once(':') {
            None => (server, None),
            Some((host, port)) => (host, Some(port.parse::<u16>().unwrap_or(0))),
        };
        if port == Some(0) {
            let problem = format!("the port of server {:?} is not a number from 1 to 65535", quote(server));
            return Err(self.problem(problem, write.to_owned()));
        }
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            let problem = format!("the server {:?} is not a host name", quote(server));
            return Err(self.problem(problem, write.to_owned()));
        }
        let tls = match self.get("tls") {
            None if port == Some(465) => MailTls::Implicit,
            None => MailTls::Starttls,
            Some(word) => {
                MailTls::ALL.iter().find(|(name, _)| *name == word).map(|(_, tls)| *tls).ok_or_else(|| {
                    let fix = "use starttls, implicit (from the first byte, port 465) or none";
                    self.problem(format!("tls is {:?}", quote(word)), fix.to_owned())
                })?
            }
        };
        let user = self.get("user").map(str::to_owned);
        match (&user, has_password, tls) {
            (Some(_), false, _) => {
                let fix = format!("add password-file=PATH, or the credential {}-password", self.name);
                return Err(self.problem("user is given without a password".to_owned(), fix));
            }
            (None, true, _) => {
                return Err(
                    self.problem("a password is given without user".to_owned(), "add user=NAME".to_owned())
                );
            }
            (Some(_), true, MailTls::None) => {
                let fix = "leave tls=none out: without TLS anybody on the way can read the password";
                return Err(self.problem("a password needs TLS".to_owned(), fix.to_owned()));
            }
            _ => {}
        }
        let default_port = match tls {
            MailTls::Starttls => 587,
            MailTls::Implicit => 465,
            MailTls::None => 25,
        };
        let address = |key: &str, text: &str| {
            if is_mail_address(text) {
                return Ok(text.to_owned());
            }
            let fix = "write NAME@DOMAIN, with the domain in ASCII; separate several recipients with spaces";
            Err(self.problem(format!("{key} is {:?}, not an e-mail address", quote(text)), fix.to_owned()))
        };
        let to = needed("to", "add to=ADDRESS; separate several with spaces")?;
        let to = to.split(|c: char| c == ',' || c.is_whitespace()).filter(|text| !text.is_empty());
        let to: Vec<String> = to.map(|text| address("to", text)).collect::<Result<_, _>>()?;
        if to.is_empty() {
            return Err(self.problem("to is empty".to_owned(), "add to=ADDRESS".to_owned()));
        }
        Ok(Mail {
            host: host.to_owned(),
            port: port.unwrap_or(default_port),
            tls,
            user,
            from: address("from", needed("from", "add from=ADDRESS")?)?,
            to,
        })
    }
}

/// Whether a text is a plain e-mail address, without a name and without brackets.
fn is_mail_address(text: &str) -> bool {
    let is_domain = |domain: &str| {
        let is_label =
            |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        domain.split('.').all(is_label)
    };
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let is_whole = !local.is_empty() && !local.starts_with('.') && !local.ends_with('.');
        is_whole && !local.contains("..") && local.chars().all(is_local) && is_domain(domain)
    })
}
