//! A full-screen terminal: lines drawn in place, keys read one by one. The terminal is as before when the value is dropped.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};

use crate::signals;

/// The alternate screen without cursor and line wrapping, and back.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// `q`.
    Quit,
    /// Escape.
    Back,
    /// Enter.
    Enter,
    /// Up, or `k`.
    Up,
    /// Down, or `j`.
    Down,
    /// Any other.
    Other,
}

impl Key {
    /// The keys of one read; without a byte the terminal is gone.
    fn all(bytes: &[u8]) -> Vec<Self> {
        let mut keys = Vec::new();
        let mut rest = bytes;
        loop {
            let length = match rest {
                [0x1b, b'[' | b'O', after @ ..] => {
                    let end = after.iter().position(u8::is_ascii_alphabetic);
                    end.map_or(rest.len(), |end| end + 3)
                }
                _ => 1,
            };
            let (key, more) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            keys.push(Self::of(key));
            rest = more;
            if rest.is_empty() {
                return keys;
            }
        }
    }

    fn of(bytes: &[u8]) -> Self {
        match bytes {
            b"q" | b"Q" | b"" | [3 | 4] => Self::Quit,
            b"\x1b" => Self::Back,
            b"\r" | b"\n" => Self::Enter,
            b"k" | b"\x1b[A" | b"\x1bOA" => Self::Up,
            b"j" | b"\x1b[B" | b"\x1bOB" => Self::Down,
            _ => Self::Other,
        }
    }
}

/// How long the rest of an escape sequence may take; after that it is the key Escape.
const ESCAPE_WAIT: Duration = Duration::from_millis(50);
/// How much is read before keys are handled.
const KEYS_BYTES_MAX: usize = 4096;

/// Whether the bytes end in an escape sequence whose end has not been read yet.
fn ends_in_escape(bytes: &[u8]) -> bool {
    let last = bytes.iter().rposition(|byte| *byte == 0x1b).and_then(|start| bytes.get(start + 1..));
    match last {
        Some([b'[' | b'O', rest @ ..]) => !rest.iter().any(u8::is_ascii_alphabetic),
        Some(rest) => rest.is_empty(),
        None => false,
    }
}

/// The terminal of stdin and stdout.
pub struct Screen {
    before: Termios,
    is_over: Arc<AtomicBool>,
    /// What stderr was: a log line in the middle of the screen would spoil it.
    stderr: Option<OwnedFd>,
}

impl Screen {
    /// Takes the terminal over.
    pub fn open() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let is_over = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&is_over))?;
        }
        // A change of the size interrupts the wait for a key.
        signal_hook::flag::register(SIGWINCH, Arc::new(AtomicBool::new(false)))?;
        signals::leave_ending_to_caller();
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        // A stopped process would leave its screen to the shell.
        raw.special_codes[SpecialCodeIndex::VSUSP] = 0;
        let stderr = rustix::io::fcntl_dupfd_cloexec(io::stderr(), 3).ok();
        // From here on every return restores the terminal.
        let screen = Self { before, is_over, stderr };
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        if let (Some(_), Ok(nowhere)) = (&screen.stderr, File::options().write(true).open("/dev/null")) {
            rustix::stdio::dup2_stderr(&nowhere)?;
        }
        write(ENTER)?;
        Ok(screen)
    }

    /// The lines and columns.
    pub fn size(&self) -> (usize, usize) {
        let size = tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
        size.map_or((24, 80), |size| (size.ws_row.into(), size.ws_col.into()))
    }

    /// Draws these lines from the top, as many as there is room for.
    pub fn draw(&self, lines: &[String]) -> io::Result<()> {
        let (height, _) = self.size();
        let mut text = "\u{1b}[H".to_owned();
        for (index, line) in lines.iter().take(height).enumerate() {
            if index > 0 {
                text.push_str("\r\n");
            }
            text.push_str(line);
            text.push_str("\u{1b}[K");
        }
        text.push_str("\u{1b}[J");
        write(&text)
    }

    /// Waits for keys; none after this time, or when the size may have changed.
    pub fn keys(&self, wait: Duration) -> Vec<Key> {
        let stdin = io::stdin();
        let span = Timespec::try_from(wait).ok();
        let ready = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], span.as_ref());
        if self.is_over.load(Ordering::SeqCst) {
            return vec![Key::Quit];
        }
        if !ready.is_ok_and(|count| count > 0) {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        loop {
            let mut chunk = [0; 64];
            // The descriptor itself: std's stdin would keep what it reads ahead.
            let length = rustix::io::read(&stdin, &mut chunk).unwrap_or(0);
            bytes.extend(chunk.iter().take(length));
            let awaits_more = length > 0 && bytes.len() < KEYS_BYTES_MAX && ends_in_escape(&bytes);
            let more = Timespec::try_from(ESCAPE_WAIT).ok();
            if !awaits_more
                || !poll(&mut [PollFd::new(&stdin, PollFlags::IN)], more.as_ref()).is_ok_and(|n| n > 0)
            {
                return Key::all(&bytes);
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = write(LEAVE);
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
        if let Some(stderr) = &self.stderr {
            let _ = rustix::stdio::dup2_stderr(stderr);
        }
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::quit(b"q", Key::Quit)]
    #[case::end_of_input(b"", Key::Quit)]
    #[case::escape(b"\x1b", Key::Back)]
    #[case::up(b"\x1b[A", Key::Up)]
    #[case::down_of_an_application(b"\x1bOB", Key::Down)]
    #[case::enter(b"\r", Key::Enter)]
    #[case::another(b"\x1b[5~", Key::Other)]
    fn keys(#[case] bytes: &[u8], #[case] key: Key) {
        assert_eq!(Key::all(bytes), [key]);
    }

    #[rstest]
    #[case::letters(b"jj", false)]
    #[case::escape(b"j\x1b", true)]
    #[case::half_an_arrow(b"\x1b[B\x1b[", true)]
    #[case::a_whole_one(b"\x1b[B\x1b[B", false)]
    #[case::a_page_key(b"\x1b[5", true)]
    #[case::escape_and_a_letter(b"\x1bq", false)]
    fn sequences_that_go_on(#[case] bytes: &[u8], #[case] goes_on: bool) {
        assert_eq!(ends_in_escape(bytes), goes_on);
    }

    #[test]
    fn a_key_that_is_held() {
        assert_eq!(Key::all(b"\x1b[B\x1b[Bj\r"), [Key::Down, Key::Down, Key::Down, Key::Enter]);
        assert_eq!(Key::all(b"\x1b["), [Key::Other]);
    }
}
