//! Whom a chat notifies by name: the words that each service takes.

use super::ChannelKind;

/// The longest `mention`, in bytes: payloads leave as much room within the limits of a service.
pub const MENTION_BYTES_MAX: usize = 200;

impl ChannelKind {
    /// What a channel of this kind can mention, for a hint; `None` if it mentions nobody.
    pub fn mentionable(self) -> Option<&'static str> {
        match self {
            Self::Slack => {
                Some("channel, here, the id of a member such as U0123ABCD, or of a group such as S0123ABCD")
            }
            Self::Discord => Some("everyone, here, the id of a user, or that of a role after &"),
            Self::Telegram => Some("a username such as @name"),
            Self::Mattermost => Some("@all, @channel, @here or a username such as @name"),
            Self::Rocketchat => Some("@all, @here or a username such as @name"),
            Self::Teams => Some("the address of a member such as name@example.org"),
            Self::Matrix => Some("room, or a user such as @name:example.org"),
            Self::Pagerduty
            | Self::Opsgenie
            | Self::Ntfy
            | Self::Email
            | Self::Alertmanager
            | Self::Generic
            | Self::Ping => None,
        }
    }

    /// Whether a channel of this kind can mention somebody by this word.
    pub fn can_mention(self, word: &str) -> bool {
        let is_all = |text: &str, known: fn(char) -> bool| !text.is_empty() && text.chars().all(known);
        let is_digits = |text: &str| is_all(text, |c| c.is_ascii_digit());
        let is_name = |text: &str| is_all(text, |c| c.is_ascii_alphanumeric() || "._-".contains(c));
        match self {
            Self::Slack => {
                let is_id = |text: &str| is_all(text, |c| c.is_ascii_uppercase() || c.is_ascii_digit());
                ["channel", "here", "everyone"].contains(&word)
                    || (word.len() > 2 && word.starts_with(['U', 'W', 'S']) && is_id(word))
            }
            Self::Discord => {
                ["everyone", "here"].contains(&word) || is_digits(word.strip_prefix('&').unwrap_or(word))
            }
            Self::Telegram => word
                .strip_prefix('@')
                .is_some_and(|name| is_all(name, |c| c.is_ascii_alphanumeric() || c == '_')),
            Self::Mattermost | Self::Rocketchat => word.strip_prefix('@').is_some_and(is_name),
            Self::Teams => word.split_once('@').is_some_and(|(user, host)| {
                is_all(user, |c| c.is_ascii_alphanumeric() || "._-+'".contains(c)) && is_name(host)
            }),
            Self::Matrix => {
                let user = word.strip_prefix('@').and_then(|user| user.split_once(':'));
                word == "room"
                    || user.is_some_and(|(user, host)| {
                        is_all(user, |c| c.is_ascii_alphanumeric() || "._=/+-".contains(c))
                            && is_all(host, |c| c.is_ascii_alphanumeric() || ".-:".contains(c))
                    })
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::slack(ChannelKind::Slack, &["channel", "here", "U0123ABCD", "S0123ABCD"], &["@ops", "ops", "U", "U1>", "C0123ABCD"])]
    #[case::discord(ChannelKind::Discord, &["everyone", "80351110224678912", "&165511591545143296"], &["@ops", "&", "<@1>", "&&1"])]
    #[case::telegram(ChannelKind::Telegram, &["@ops_1"], &["ops", "@", "@a<b"])]
    #[case::mattermost(ChannelKind::Mattermost, &["@all", "@a.b-c"], &["all", "@", "@a/b"])]
    #[case::teams(ChannelKind::Teams, &["o'neil+x@example.org"], &["@all", "a@", "@b", "a@b@c", "<at>a@b</at>"])]
    #[case::matrix(ChannelKind::Matrix, &["room", "@ops:example.org:8448"], &["@room", "@ops", "ops:h", "@a:", "@:h", "@a<:h"])]
    #[case::mail(ChannelKind::Email, &[], &["a@b.test", "@all"])]
    fn words(#[case] kind: ChannelKind, #[case] known: &[&str], #[case] wrong: &[&str]) {
        for (words, expected) in [(known, true), (wrong, false)] {
            for word in words {
                assert_eq!(kind.can_mention(word), expected, "{word}");
            }
        }
        assert!(!kind.can_mention(""));
        assert_eq!(kind.mentionable().is_some(), !known.is_empty());
    }
}
