//! Lines that break between words, commands that break between flags, abbreviated addresses.

/// Where the text of a line begins.
const INDENT: usize = 12;
/// The shortest run of hex digits that is abbreviated.
const DIGITS_MIN: usize = 20;

/// Abbreviates every long address or hash in a text: `0x9a96…4490`.
pub fn abbreviated(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(position) = rest.find("0x") {
        let (before, from) = rest.split_at(position);
        let digits = from.chars().skip(2).take_while(char::is_ascii_hexdigit).count();
        let (hex, after) = from.split_at(2 + digits);
        shown.push_str(before);
        match (hex.get(..6), hex.get(hex.len().saturating_sub(4)..)) {
            (Some(head), Some(tail)) if digits >= DIGITS_MIN => {
                shown.push_str(head);
                shown.push('…');
                shown.push_str(tail);
            }
            _ => shown.push_str(hex),
        }
        rest = after;
    }
    shown + rest
}

/// Breaks a text between words so that no line is wider than `width` unless a single word is.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A labelled line. The text may have several lines; one that begins with spaces keeps its indent when it is broken, and
/// one that begins with `$ ` is a command, which is broken between its flags so that it can be pasted.
pub fn line(label: &str, text: &str, width: usize) -> String {
    let mut shown = String::new();
    let pad = INDENT.saturating_sub(2 + label.chars().count());
    let mut lead = format!("  {label}{}", " ".repeat(pad.max(1)));
    for part in text.lines() {
        let trimmed = part.trim_start();
        let (inner, parts) = if let Some(command) = trimmed.strip_prefix("$ ") {
            (3, broken_command(command, width.saturating_sub(INDENT + 3)))
        } else {
            let number = number_width(trimmed);
            (number, wrapped(trimmed, width.saturating_sub(INDENT + number)))
        };
        let is_command = trimmed.starts_with("$ ");
        // A long word, such as a hash, would be indented beyond the width.
        let fits = parts.iter().all(|part| part.chars().count() + INDENT + inner <= width);
        for (position, part) in parts.iter().enumerate() {
            let hanging = if is_command || position > 0 && fits { inner } else { 0 };
            shown.push_str(&format!("{lead}{}{part}\n", " ".repeat(hanging)));
            lead = " ".repeat(INDENT);
        }
    }
    shown
}

/// The width of a step's number, under which the step does not continue.
fn number_width(text: &str) -> usize {
    let number = text.split_once(". ").filter(|(number, _)| number.parse::<u8>().is_ok());
    number.map_or(0, |(number, _)| number.len() + 2)
}

/// A command on several lines, each but the last with a backslash at its end.
fn broken_command(command: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in command.split(' ') {
        let begins = lines.is_empty() || word.starts_with("--");
        match lines.last_mut() {
            // Two columns are for the backslash.
            Some(line)
                if !begins || line.chars().count() + word.chars().count() + 3 <= width && line.len() < 30 =>
            {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(if lines.is_empty() { word.to_owned() } else { format!("  {word}") }),
        }
    }
    let last = lines.len().saturating_sub(1);
    lines
        .iter()
        .enumerate()
        .map(|(at, line)| if at < last { format!("{line} \\") } else { line.clone() })
        .collect()
}
