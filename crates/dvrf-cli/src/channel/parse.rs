//! Parses a channel specification, `KIND[,option=value]…`. Every error names the channel, the mistake and its fix, and
//! quotes no secret. Secrets are read by a function that the caller passes.

mod mail;

use serde::Serialize;

use super::mention::MENTION_BYTES_MAX;
use super::{Channel, ChannelKind, Level, Receiver, SECRET_ENDINGS, SigningKey};
use crate::parse::near_or;
use supra_core::check::Severity;
use supra_core::failure::quote;
use supra_core::http::Endpoint;
use supra_core::http::redact_url;
use supra_core::secret::Secret;
use supra_core::time::parse_span_s;

/// `every` where it is not given.
const EVERY_S: i64 = 600;
/// The largest `every`: one leap year.
const EVERY_S_MAX: i64 = 366 * 86_400;

/// A mistake in a channel's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("channel {channel}: {problem}")]
pub struct Problem {
    /// The channel's name, or what it was given as, without secrets.
    pub channel: String,
    /// The mistake.
    pub problem: String,
    /// How to correct it.
    pub fix: String,
}

/// The place that a secret is read from.
#[derive(Debug, PartialEq, Eq)]
pub enum SecretSource<'a> {
    /// A file, by its path.
    File(&'a str),
    /// A file of `$CREDENTIALS_DIRECTORY`, by its name.
    Credential(&'a str),
    /// A variable, by its name.
    Variable(&'a str),
}

/// Reads a secret; `Ok(None)` means that there is no such credential.
pub type ReadSecret<'a> = &'a dyn Fn(&SecretSource) -> Result<Option<Secret>, String>;

/// Parses the specification of one channel.
pub fn parse(spec: &str, read_secret: ReadSecret) -> Result<Channel, Problem> {
    let mut parts = spec.split(',').map(str::trim);
    let kind_name = parts.next().unwrap_or_default();
    let Some(kind) = ChannelKind::parse(kind_name) else {
        let known = ChannelKind::names();
        // The beginning of a mistyped specification may be a URL.
        let shown = if kind_name.contains("://") { redact_url(kind_name) } else { quote(kind_name) };
        return Err(Problem {
            channel: format!("{shown:?}"),
            problem: "unknown kind".to_owned(),
            fix: near_or(kind_name, known.iter().copied(), || {
                format!("begin with one of {}", known.join(", "))
            }),
        });
    };
    let mut options = Options { name: kind_name.to_owned(), kind, values: Vec::new() };
    for part in parts.filter(|part| !part.is_empty()) {
        let Some((key, value)) = part.split_once('=') else {
            let shown = if part.contains("://") { "***".to_owned() } else { quote(part) };
            return Err(options.problem(
                format!("{shown:?} has no option before it"),
                "write OPTION=VALUE; a secret follows url=, token= or key=".to_owned(),
            ));
        };
        options.add(key, value)?;
    }
    options.channel(read_secret)
}

/// Builds a channel of the settings file from its options.
pub fn of_options(
    kind: ChannelKind,
    options: &[(String, String)],
    read_secret: ReadSecret,
) -> Result<Channel, Problem> {
    let mut found = Options { name: kind.name().to_owned(), kind, values: Vec::new() };
    for (key, value) in options {
        found.add(key, value)?;
    }
    found.channel(read_secret)
}

/// Where the old single webhook has its address.
#[derive(Debug, Clone, Copy)]
pub(super) enum WebhookUrl<'a> {
    /// The address itself.
    Given(&'a str),
    /// A file that holds it.
    File(&'a str),
    /// A credential that holds it.
    Credential(&'a str),
}

/// The old single webhook: a channel named `webhook` whose only option is its address, which may contain commas.
pub(super) fn webhook(
    kind: ChannelKind,
    url: WebhookUrl,
    read_secret: ReadSecret,
) -> Result<Channel, Problem> {
    let option = match url {
        WebhookUrl::Given(url) => ("url", url),
        WebhookUrl::File(path) => ("url-file", path),
        WebhookUrl::Credential(name) => ("url-credential", name),
    };
    Options { name: "webhook".to_owned(), kind, values: vec![(option.0.to_owned(), option.1)] }
        .channel(read_secret)
}

/// The options of one specification.
struct Options<'a> {
    name: String,
    kind: ChannelKind,
    values: Vec<(String, &'a str)>,
}

impl<'a> Options<'a> {
    fn problem(&self, problem: String, fix: String) -> Problem {
        Problem { channel: self.name.clone(), problem, fix }
    }

    fn add(&mut self, typed: &str, value: &'a str) -> Result<(), Problem> {
        let known = self.kind.options();
        let key = typed.trim().replace('_', "-");
        if !known.contains(&key) {
            let takes = || format!("{} takes {}", self.kind.name(), known.join(", "));
            let fix = near_or(&key, known.iter().map(String::as_str), takes);
            return Err(self.problem(format!("unknown option {:?}", quote(typed)), fix));
        }
        let (key, value) = (key.as_str(), value.trim());
        if self.get(key).is_some() {
            return Err(self.problem(format!("{key} is given twice"), "keep one of them".to_owned()));
        }
        if value.is_empty() {
            return Err(
                self.problem(format!("{key} is empty"), format!("write {key}=VALUE, or leave it out"))
            );
        }
        if key == "name" {
            if value.len() > 40 || !value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
                let fix = "use at most 40 letters, digits, `-`, `_` and `.`".to_owned();
                return Err(self.problem(format!("the name {:?} cannot be used", quote(value)), fix));
            }
            value.clone_into(&mut self.name);
        }
        self.values.push((key.to_owned(), value));
        Ok(())
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.values.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn secret(&self, key: &str, required: bool, read_secret: ReadSecret) -> Result<Option<Secret>, Problem> {
        let names = SECRET_ENDINGS.map(|ending| format!("{key}{ending}"));
        let [value, file, credential, variable] = names.each_ref().map(|name| self.get(name));
        if [value, file, credential, variable].iter().flatten().count() > 1 {
            let fix = format!("keep one of {}", names.join(", "));
            return Err(self.problem(format!("{key} is given in more than one way"), fix));
        }
        let unreadable = |why: String| {
            self.problem(
                format!("{key} cannot be read: {why}"),
                "name a file that this user can read".to_owned(),
            )
        };
        let found = match (value, file, credential, variable) {
            (Some(value), ..) => Some(Secret::new(value)),
            (_, Some(path), ..) => read_secret(&SecretSource::File(path)).map_err(unreadable)?,
            (_, _, _, Some(name)) => match read_secret(&SecretSource::Variable(name)).map_err(unreadable)? {
                None => {
                    let why = format!("the variable {:?} is not set", quote(name));
                    return Err(self.problem(why, "set it, or give a file".to_owned()));
                }
                found => found,
            },
            (_, _, Some(name), _) => {
                match read_secret(&SecretSource::Credential(name)).map_err(unreadable)? {
                    None => {
                        let why = format!("there is no credential {:?}", quote(name));
                        let fix = "load it with LoadCredential=, or give a file".to_owned();
                        return Err(self.problem(why, fix));
                    }
                    found => found,
                }
            }
            _ => {
                read_secret(&SecretSource::Credential(&format!("{}-{key}", self.name))).map_err(unreadable)?
            }
        };
        match found {
            Some(secret) if secret.reveal().trim().is_empty() => {
                Err(self.problem(format!("{key} is empty"), format!("write the {key} into it")))
            }
            None if required => {
                let fix = format!("add {key}-file=PATH, or the credential {}-{key}", self.name);
                Err(self.problem(format!("{key} is needed"), fix))
            }
            found => Ok(found),
        }
    }

    fn channel(self, read_secret: ReadSecret) -> Result<Channel, Problem> {
        let mut fetched = Vec::new();
        for (key, required) in self.kind.secrets() {
            if let Some(secret) = self.secret(key, *required, read_secret)? {
                fetched.push((*key, secret));
            }
        }
        let secret =
            |key: &str| fetched.iter().find(|(name, _)| *name == key).map(|(_, secret)| secret.clone());
        let (receiver, url) = if self.kind == ChannelKind::Email {
            let mail = self.mail(secret("password").is_some())?;
            let url = Secret::new(&format!("smtp://{}:{}", mail.host, mail.port));
            (Receiver::Mail(mail), url)
        } else {
            let url = secret("url").or_else(|| self.kind.base_url().map(Secret::new));
            let url = url.unwrap_or_else(|| Secret::new(""));
            let endpoint = Endpoint::parse(url.reveal()).map_err(|error| {
                let fix = "write http://HOST… or https://HOST…, percent-encoded";
                self.problem(error.to_string(), fix.to_owned())
            })?;
            (Receiver::Http(endpoint), url)
        };
        if self.kind == ChannelKind::Ntfy && ntfy_topic(url.reveal()).is_none() {
            let fix = "end it with the topic, https://ntfy.sh/TOPIC: letters, digits, `-` and `_`";
            return Err(self.problem("the URL has no topic".to_owned(), fix.to_owned()));
        }
        let chat = self.get("chat").or_else(|| self.get("room")).unwrap_or_default().to_owned();
        if self.kind == ChannelKind::Telegram && chat.is_empty() {
            return Err(
                self.problem("chat is needed".to_owned(), "add chat=ID, such as -1001234567890".to_owned())
            );
        }
        if self.kind == ChannelKind::Matrix && !(chat.starts_with('!') && chat.len() > 1) {
            let problem = match chat.as_str() {
                "" => "room is needed".to_owned(),
                _ => format!("the room {:?} is not a room id", quote(&chat)),
            };
            let fix = "add room=ID, such as !abc:example.org; the room's advanced settings show it";
            return Err(self.problem(problem, fix.to_owned()));
        }
        let signing_keys = match secret("secret") {
            None => Vec::new(),
            Some(keys) => parse_signing_keys(keys.reveal()).map_err(|problem| {
                let fix = "use whsec_ and 24 to 64 bytes in base64; separate several with spaces".to_owned();
                self.problem(problem.to_owned(), fix)
            })?,
        };
        let min = if self.kind == ChannelKind::Ping { Level::From(Severity::Warning) } else { Level::Ok };
        Ok(Channel {
            min: self.level("min", min)?,
            mention: self.mention()?,
            mention_min: self.level("mention-min", Level::From(Severity::Warning))?,
            resolved: self.yes_or_no("resolved")?,
            after_s: self.seconds("after", 0)?,
            every_s: self.seconds("every", EVERY_S)?,
            topic: self.topic()?,
            token: secret("token").or_else(|| secret("key")).or_else(|| secret("password")),
            kind: self.kind,
            name: self.name,
            full_url: url,
            receiver,
            chat,
            signing_keys,
        })
    }

    fn level(&self, key: &str, default: Level) -> Result<Level, Problem> {
        let Some(word) = self.get(key) else { return Ok(default) };
        Level::ALL.iter().find(|(name, _)| *name == word).map(|(_, level)| *level).ok_or_else(|| {
            let known: Vec<_> = Level::ALL.iter().map(|(name, _)| *name).collect();
            self.problem(format!("{key} is {:?}", quote(word)), format!("use one of {}", known.join(", ")))
        })
    }

    fn mention(&self) -> Result<Vec<String>, Problem> {
        let text = self.get("mention").unwrap_or_default();
        if text.len() > MENTION_BYTES_MAX {
            let fix = format!("use at most {MENTION_BYTES_MAX} bytes, or mention a group");
            return Err(self.problem("mention is too long".to_owned(), fix));
        }
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        match words.iter().find(|word| !self.kind.can_mention(word)) {
            None => Ok(words),
            Some(word) => {
                let takes = self.kind.mentionable().unwrap_or_default();
                let fix = format!("{} takes {takes}; separate several with spaces", self.kind.name());
                Err(self.problem(format!("mention is {:?}", quote(word)), fix))
            }
        }
    }

    fn yes_or_no(&self, key: &str) -> Result<bool, Problem> {
        match self.get(key) {
            None | Some("yes") => Ok(true),
            Some("no") => Ok(false),
            Some(word) => {
                Err(self.problem(format!("{key} is {:?}", quote(word)), "use yes or no".to_owned()))
            }
        }
    }

    fn topic(&self) -> Result<Option<i64>, Problem> {
        let Some(text) = self.get("topic") else { return Ok(None) };
        match text.parse() {
            Ok(topic @ 1..) => Ok(Some(topic)),
            _ => Err(self.problem(
                format!("topic is {:?}", quote(text)),
                "use the topic's number: the last but one in a link to one of its messages".to_owned(),
            )),
        }
    }

    fn seconds(&self, key: &str, default: i64) -> Result<i64, Problem> {
        let Some(text) = self.get(key) else { return Ok(default) };
        parse_span_s(text).filter(|seconds| (1..=EVERY_S_MAX).contains(seconds)).ok_or_else(|| {
            self.problem(format!("{key} is {:?}", quote(text)), "use a span such as 10m or 1h".to_owned())
        })
    }
}

/// The server and the topic of an ntfy URL.
pub fn ntfy_topic(url: &str) -> Option<(&str, &str)> {
    let (server, topic) = url.trim_end_matches('/').rsplit_once('/')?;
    let is_topic = !topic.is_empty()
        && topic.len() <= 64
        && topic.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    (is_topic && !server.ends_with('/')).then_some((server, topic))
}

/// Parses `whsec_` keys, separated by spaces.
fn parse_signing_keys(text: &str) -> Result<Vec<SigningKey>, &'static str> {
    use base64::Engine as _;
    let decode = |key: &str| {
        let encoded = key.strip_prefix("whsec_").ok_or("the signing secret does not begin with whsec_")?;
        let key = base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .map_err(|_| "the signing secret is not base64")?;
        if (24..=64).contains(&key.len()) {
            Ok(SigningKey(key))
        } else {
            Err("the signing secret does not have 24 to 64 bytes")
        }
    };
    text.split_whitespace().map(decode).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::MailTls;
    use super::*;

    fn read_secret(source: &SecretSource) -> Result<Option<Secret>, String> {
        match source {
            SecretSource::File("/url") => Ok(Some(Secret::new("https://hooks.example/T0/secret\n"))),
            SecretSource::File("/empty") => Ok(Some(Secret::new("\n"))),
            SecretSource::File(_) => Err("no such file".to_owned()),
            SecretSource::Credential("slack-url") => {
                Ok(Some(Secret::new("https://hooks.example/credential")))
            }
            SecretSource::Credential(_) | SecretSource::Variable(_) => Ok(None),
        }
    }

    fn parsed(spec: &str) -> Result<Channel, Problem> {
        parse(spec, &read_secret)
    }

    #[test]
    fn valid_specifications() {
        let slack = parsed("slack").unwrap();
        assert_eq!((slack.url(), slack.min), ("https://hooks.example/credential", Level::Ok));
        let slack = parsed("slack, name=night, min=critical, resolved=no, url-file=/url").unwrap();
        assert_eq!((slack.name.as_str(), slack.resolved), ("night", false));
        assert_eq!(
            (slack.min, slack.url()),
            (Level::From(Severity::Critical), "https://hooks.example/T0/secret")
        );
        let telegram = parsed("telegram,token=12:ab,chat=-100").unwrap();
        assert_eq!((telegram.url(), telegram.chat.as_str()), ("https://api.telegram.org", "-100"));
        let topic = parsed("telegram,token=12:ab,chat=-100,topic=7").unwrap();
        assert_eq!((telegram.topic, topic.topic), (None, Some(7)));
        let matrix = parsed("matrix,url=https://m.example,token=t,room=!abc:m.example").unwrap();
        assert_eq!(
            (matrix.chat.as_str(), matrix.redacted_url().as_str()),
            ("!abc:m.example", "https://m.example")
        );
        let mail = parsed(
            "email,server=mx.example,user=u,password=p w,from=a@x.example,to=b@x.example c+d@y.example",
        )
        .unwrap();
        assert_eq!(mail.redacted_url(), "b@x.example, c+d@y.example by mx.example:587");
        assert_eq!(mail.token.unwrap().reveal(), "p w");
        for (options, port, tls) in [
            ("server=h:465", 465, MailTls::Implicit),
            ("server=h:2525", 2525, MailTls::Starttls),
            ("server=h,tls=implicit", 465, MailTls::Implicit),
            ("server=h,tls=none", 25, MailTls::None),
        ] {
            let channel = parsed(&format!("email,{options},from=a@h,to=b@h")).unwrap();
            let Receiver::Mail(mail) = channel.receiver else { panic!("{options}") };
            assert_eq!((mail.port, mail.tls), (port, tls), "{options}");
        }
        let am = parsed("alertmanager,url=http://127.0.0.1:9093,every=5m").unwrap();
        assert_eq!((am.every_s, am.redacted_url().as_str()), (300, "http://127.0.0.1:9093"));
        let key = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
        let generic = parsed(&format!("generic,url=http://h/x,secret={key} {key}")).unwrap();
        assert_eq!(generic.signing_keys, vec![SigningKey(b"012345678901234567890123".to_vec()); 2]);
    }

    /// Every error has a fix, and none contains a secret.
    #[rstest]
    #[case::empty("", "channel \"\": unknown kind", "begin with one of slack, teams,")]
    #[case::unknown_kind(
        "slak,url=https://h/SECRET",
        "channel \"slak\": unknown kind",
        "did you mean slack?"
    )]
    #[case::url_as_kind("https://h/SECRET", "channel \"https://h/***\": unknown kind", "begin with")]
    #[case::url_without_key(
        "slack,https://h/SECRET",
        "channel slack: \"***\" has no option before it",
        "write OPTION=VALUE"
    )]
    #[case::unknown_option(
        "slack,colour=red",
        "channel slack: unknown option \"colour\"",
        "slack takes name, min, resolved, after, mention, mention-min, url,"
    )]
    #[case::given_twice("slack,url=https://h/SECRET,url=x", "channel slack: url is given twice", "keep one")]
    #[case::two_sources(
        "slack,url=https://h/SECRET,url-file=/url",
        "channel slack: url is given in more than one way",
        "keep one of url, url-file,"
    )]
    #[case::empty_value("slack,url=", "channel slack: url is empty", "write url=VALUE")]
    #[case::unreadable_file(
        "slack,url-file=/none",
        "channel slack: url cannot be read: no such file",
        "name a file"
    )]
    #[case::empty_file("slack,url-file=/empty", "channel slack: url is empty", "write the url into it")]
    #[case::missing_credential(
        "slack,url-credential=none",
        "channel slack: there is no credential \"none\"",
        "load it with LoadCredential="
    )]
    #[case::required_url(
        "teams",
        "channel teams: url is needed",
        "add url-file=PATH, or the credential teams-url"
    )]
    #[case::scheme(
        "slack,url=ftp://h/SECRET",
        "channel slack: the URL does not begin with http:// or https://",
        "write http://HOST"
    )]
    #[case::character(
        "slack,url=https://h/SEC RET",
        "channel slack: the URL contains a space or another character",
        "write"
    )]
    #[case::host("slack,url=https:///SECRET", "channel slack: the URL has no host", "write")]
    #[case::level(
        "slack,min=loud,url-file=/url",
        "channel slack: min is \"loud\"",
        "use one of ok, info, unknown, warning, critical"
    )]
    #[case::mention(
        "slack,mention=here @ops,url-file=/url",
        "channel slack: mention is \"@ops\"",
        "slack takes channel, here, the id of"
    )]
    #[case::mention_min(
        "slack,mention=here,mention-min=loud,url-file=/url",
        "channel slack: mention-min is \"loud\"",
        "use one of ok,"
    )]
    #[case::mention_of_mail(
        "email,server=h,from=a@h,to=b@h,mention=c",
        "channel email: unknown option \"mention\"",
        "email takes name,"
    )]
    #[case::name(
        "slack,name=a b,url-file=/url",
        "channel slack: the name \"a b\" cannot be used",
        "use at most 40"
    )]
    #[case::resolved(
        "slack,resolved=maybe,url-file=/url",
        "channel slack: resolved is \"maybe\"",
        "use yes or no"
    )]
    #[case::chat("telegram,token=12:SECRET", "channel telegram: chat is needed", "add chat=ID")]
    #[case::topic(
        "telegram,token=12:ab,chat=1,topic=x",
        "channel telegram: topic is \"x\"",
        "use the topic's number"
    )]
    #[case::no_topic(
        "telegram,token=12:ab,chat=1,topic=0",
        "channel telegram: topic is \"0\"",
        "use the topic's number"
    )]
    #[case::room("matrix,url=https://h,token=SECRET", "channel matrix: room is needed", "add room=ID")]
    #[case::alias(
        "matrix,url=https://h,token=SECRET,room=#ops:h",
        "channel matrix: the room \"#ops:h\" is not a room id",
        "add room=ID"
    )]
    #[case::server("email,from=a@h,to=b@h", "channel email: server is needed", "add server=HOST")]
    #[case::server_port(
        "email,server=h:smtp,from=a@h,to=b@h",
        "channel email: the port of server \"h:smtp\" is not",
        "write"
    )]
    #[case::server_url(
        "email,server=smtp://h,from=a@h,to=b@h",
        "channel email: the port of server \"smtp://h\" is not",
        "write HOST"
    )]
    #[case::from("email,server=h,to=b@h", "channel email: from is needed", "add from=ADDRESS")]
    #[case::no_recipient("email,server=h,from=a@h", "channel email: to is needed", "add to=ADDRESS")]
    #[case::bad_recipient(
        "email,server=h,from=a@h,to=b@h ops",
        "channel email: to is \"ops\", not an e-mail address",
        "write NAME@DOMAIN"
    )]
    #[case::bad_sender(
        "email,server=h,from=A <a@h>,to=b@h",
        "channel email: from is \"A <a@h>\", not an",
        "write"
    )]
    #[case::no_password(
        "email,server=h,user=u,from=a@h,to=b@h",
        "channel email: user is given without a password",
        "add password-file"
    )]
    #[case::no_user(
        "email,server=h,password=SECRET,from=a@h,to=b@h",
        "channel email: a password is given without user",
        "add user"
    )]
    #[case::bare_password(
        "email,server=h,tls=none,user=u,password=SECRET,from=a@h,to=b@h",
        "channel email: a password needs TLS",
        "leave tls=none out"
    )]
    #[case::tls(
        "email,server=h,tls=ssl,from=a@h,to=b@h",
        "channel email: tls is \"ssl\"",
        "use starttls, implicit"
    )]
    #[case::ntfy("ntfy,url=https://ntfy.sh/", "channel ntfy: the URL has no topic", "end it with the topic")]
    #[case::ntfy_topic("ntfy,url=https://ntfy.sh/SECRET?x", "channel ntfy: the URL has no topic", "end it")]
    #[case::opsgenie("opsgenie", "channel opsgenie: key is needed", "add key-file=PATH")]
    #[case::token("telegram,chat=1", "channel telegram: token is needed", "add token-file=PATH")]
    #[case::key("pagerduty", "channel pagerduty: key is needed", "add key-file=PATH")]
    #[case::every(
        "alertmanager,url=http://h,every=soon",
        "channel alertmanager: every is \"soon\"",
        "use a span"
    )]
    #[case::signing_prefix(
        "generic,url=http://h,secret=SECRET",
        "channel generic: the signing secret does not begin with whsec_",
        "use whsec_"
    )]
    #[case::signing_length(
        "generic,url=http://h,secret=whsec_U0VDUkVU",
        "channel generic: the signing secret does not have 24 to 64 bytes",
        "use whsec_"
    )]
    fn mistakes(#[case] spec: &str, #[case] problem: &str, #[case] fix: &str) {
        let error = parsed(spec).unwrap_err();
        assert!(error.to_string().starts_with(problem), "{error}");
        assert!(error.fix.starts_with(fix), "{}", error.fix);
        assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
    }

    #[test]
    fn the_old_webhook_may_have_commas_in_its_address() {
        let url = WebhookUrl::Given("https://h/x?list=a,b");
        let channel = webhook(ChannelKind::Generic, url, &read_secret).unwrap();
        assert_eq!((channel.name.as_str(), channel.full_url.reveal()), ("webhook", "https://h/x?list=a,b"));
        let missing = webhook(ChannelKind::Slack, WebhookUrl::File("/none"), &read_secret).unwrap_err();
        assert_eq!(missing.to_string(), "channel webhook: url cannot be read: no such file");
    }

    #[test]
    fn the_page_lists_every_kind_and_option() {
        let page = include_str!("../../../../docs/reference/notify.md");
        for (name, kind) in ChannelKind::ALL {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("docs/reference/notify.md has no row for {name}"));
            let options = kind.secrets().iter().map(|(key, _)| key).chain(kind.plain_options());
            for option in options {
                assert!(
                    row.contains(&format!("`{option}`")),
                    "docs/reference/notify.md: {name} lacks {option}"
                );
            }
        }
    }

    #[test]
    fn receivers_texts_are_sanitized() {
        let slack = parsed("slack,url-file=/url").unwrap();
        assert_eq!(
            slack.sanitize("no hook\n at https://hooks.example/T0/secret or T0/secret"),
            "no hook at *** or ***"
        );
        let url = "slack,url=https://user:password@h/T0/B0000001?key=12345678";
        let echo = "password, B0000001 and 12345678 at h";
        assert_eq!(parsed(url).unwrap().sanitize(echo), "***, *** and *** at h");
        assert!(!format!("{slack:?}").contains("secret\""), "{slack:?}");
    }
}
