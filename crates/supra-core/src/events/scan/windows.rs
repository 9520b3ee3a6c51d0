//! REST v1: windows of ten blocks without heights; the block of each event is found by halving its window.

use super::pages::{above_floor, not_indexed, pruned};
use super::{Found, Rows, Scanner, There, Wanted, decoded};
use crate::error::Error;
use crate::failure::FailureKind;
use crate::transport::{Absent, EventPage, EventRow, Request, WINDOW_V1};

/// Events of one type that are somewhere in `from..to`.
struct Part {
    kind: usize,
    from: u64,
    to: u64,
    rows: Vec<EventRow>,
}

impl Scanner<'_> {
    pub(super) fn windows(&self, wanted: &Wanted) -> Result<Rows, Error> {
        let (mut from, mut to) = (wanted.from, wanted.to);
        let mut notes = Vec::new();
        let probe = |from, to| Request::EventsV1 { type_tag: wanted.types[0].clone(), from, to };
        // The ends are tried first: every window between them is then there.
        if let There::No(Absent::Pruned(oldest)) = self.window(probe(from, from.saturating_add(1)))? {
            from = above_floor(oldest, from)?;
            notes.push(pruned(wanted.from, from));
        }
        if from < to && matches!(self.window(probe(to.saturating_sub(1), to))?, There::No(_)) {
            let end = self.known_end(from, to, probe)?;
            notes.push(not_indexed(end, to));
            to = end;
        }
        let mut found = Vec::new();
        let mut next = from;
        // A span at a time, so that a limit need not read the rest.
        let span = WINDOW_V1 * (super::BATCH / wanted.types.len().max(1)).max(1) as u64;
        while next < to && wanted.limit.is_none_or(|limit| found.len() < limit) {
            let end = to.min(next.saturating_add(span));
            let parts = self.parts(wanted, next, end)?;
            found.extend(self.located(wanted, parts)?);
            next = end;
        }
        Ok(Rows { found, from: from.min(to), to: next.max(from.min(to)), notes })
    }

    fn window(&self, request: Request) -> Result<There<EventPage>, Error> {
        decoded(&self.one(request)?)
    }

    /// The windows of all types between two heights that hold anything.
    fn parts(&self, wanted: &Wanted, from: u64, to: u64) -> Result<Vec<Part>, Error> {
        let step = usize::try_from(WINDOW_V1).unwrap_or(1);
        let windows: Vec<(usize, u64, u64)> = (0..wanted.types.len())
            .flat_map(|kind| {
                (from..to).step_by(step).map(move |low| (kind, low, to.min(low.saturating_add(WINDOW_V1))))
            })
            .collect();
        self.counted(wanted, &windows)
    }

    fn counted(&self, wanted: &Wanted, windows: &[(usize, u64, u64)]) -> Result<Vec<Part>, Error> {
        let request = |(kind, from, to): &(usize, u64, u64)| Request::EventsV1 {
            type_tag: wanted.types[*kind].clone(),
            from: *from,
            to: *to,
        };
        let requests: Vec<Request> = windows.iter().map(request).collect();
        let mut parts = Vec::new();
        for ((kind, from, to), reply) in windows.iter().zip(self.ask(&requests)) {
            match decoded::<EventPage>(&reply?)? {
                There::Yes(page) => parts.push(Part { kind: *kind, from: *from, to: *to, rows: page.rows }),
                There::No(_) => {
                    let message =
                        format!("the node lacks events of blocks {from} to {}", to.saturating_sub(1));
                    return Err(Error::new(FailureKind::Unreachable, message)
                        .with_hint("nodes behind one address differ: ask again"));
                }
            }
        }
        parts.retain(|part| !part.rows.is_empty());
        Ok(parts)
    }

    /// Halves windows until every event has its block. Only left halves are asked about: the rest is on the right.
    fn located(&self, wanted: &Wanted, parts: Vec<Part>) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        let mut open = parts;
        while !open.is_empty() {
            let (known, wide): (Vec<Part>, Vec<Part>) =
                open.into_iter().partition(|part| part.to.saturating_sub(part.from) <= 1);
            found.extend(known.into_iter().flat_map(|part| {
                let Part { kind, from: height, rows, .. } = part;
                rows.into_iter().map(move |row| Found {
                    height,
                    hash: row.hash,
                    kind,
                    index: 0,
                    data: row.data,
                })
            }));
            let middle = |part: &Part| part.from.midpoint(part.to);
            let lefts: Vec<_> = wide.iter().map(|part| (part.kind, part.from, middle(part))).collect();
            let mut counted = self.counted(wanted, &lefts)?.into_iter().peekable();
            open = Vec::new();
            for mut part in wide {
                let middle = middle(&part);
                let is_ours = |left: &Part| (left.kind, left.from, left.to) == (part.kind, part.from, middle);
                let left = counted.next_if(is_ours);
                let rest =
                    part.rows.split_off(left.as_ref().map_or(0, |left| left.rows.len()).min(part.rows.len()));
                open.extend(left);
                if !rest.is_empty() {
                    open.push(Part { kind: part.kind, from: middle, to: part.to, rows: rest });
                }
            }
        }
        Ok(found)
    }
}
