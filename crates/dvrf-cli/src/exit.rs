//! The exit codes: one table for all tools, and how several outcomes fold into one.

/// The exit code of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: fine.
    Done,
    /// 1: problem found: deposit low, a finding, not ready.
    No,
    /// 2: status unknown or action failed: usage, configuration, chain unreachable, undecodable, delivery failed.
    CannotAnswer,
    /// 75: another run holds the lock (`EX_TEMPFAIL`).
    Busy,
    /// A code of the Nagios plugin convention.
    Passed(u8),
}

/// The table for `--help`.
pub const HELP: &str = "Exit codes:\n  0   fine\n  1   problem found (deposit low, a finding, not ready)\n  2   status unknown, or action failed (usage, configuration, chain unreachable, undecodable, delivery failed)\n  75  another run holds the lock";

impl Exit {
    /// The numeric code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::CannotAnswer => 2,
            Self::Busy => 75,
            Self::Passed(code) => code,
        }
    }

    /// Combines the exits of two records: a problem outranks an unknown status, and both outrank a healthy record.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Done => 0,
            Self::CannotAnswer => 1,
            Self::No => 2,
            Self::Busy => 3,
            Self::Passed(_) => 4,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fold_of_every_pair() {
        use Exit::{Busy, CannotAnswer, Done, No, Passed};
        let ordered = [Done, CannotAnswer, No, Busy, Passed(9)];
        for (i, &low) in ordered.iter().enumerate() {
            for &high in &ordered[i..] {
                assert_eq!(low.and(high), high);
                assert_eq!(high.and(low), high);
            }
        }
        assert_eq!(Passed(9).and(Passed(8)), Passed(9), "the first of equals");
    }

    #[test]
    fn codes() {
        let codes = [Exit::Done, Exit::No, Exit::CannotAnswer, Exit::Busy, Exit::Passed(3)].map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 75, 3]);
        for code in ["  0  ", "  1  ", "  2  ", "  75 "] {
            assert!(HELP.contains(code));
        }
    }
}
