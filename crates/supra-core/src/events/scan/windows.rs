//! Reads events over REST v1, which returns windows of ten blocks without heights: bisects each window to find the
//! block of each event.

use super::pages::{not_indexed_note, oldest_available, pruned_note};
use super::{EventQuery, Found, Presence, Rows, Scanner, decode};
use crate::error::Error;
use crate::failure::FailureKind;
use crate::transport::{Absent, EventPage, EventRow, Request, WINDOW_V1};

/// Events of one type in the blocks `from..to`.
struct Part {
    kind: usize,
    from: u64,
    to: u64,
    rows: Vec<EventRow>,
}

impl Scanner<'_> {
    pub(super) fn read_windows(&self, query: &EventQuery) -> Result<Rows, Error> {
        let (mut from, mut to) = (query.from, query.to);
        let mut notes = Vec::new();
        let probe = |from, to| Request::EventsV1 { type_tag: query.types[0].clone(), from, to };
        // If the node has both ends, it has every window between them.
        if let Presence::Absent(Absent::Pruned(oldest)) = self.window(probe(from, from.saturating_add(1)))? {
            from = oldest_available(oldest, from)?;
            notes.push(pruned_note(query.from, from));
        }
        if from < to && matches!(self.window(probe(to.saturating_sub(1), to))?, Presence::Absent(_)) {
            let end = self.indexed_end(from, to, probe)?;
            notes.push(not_indexed_note(end, to));
            to = end;
        }
        let mut found = Vec::new();
        let mut next = from;
        // Reads one span at a time and stops at the limit.
        let span = WINDOW_V1 * (super::BATCH / query.types.len().max(1)).max(1) as u64;
        while next < to && query.limit.is_none_or(|limit| found.len() < limit) {
            let end = to.min(next.saturating_add(span));
            let parts = self.parts(query, next, end)?;
            found.extend(self.locate(query, parts)?);
            next = end;
        }
        Ok(Rows { found, from: from.min(to), to: next.max(from.min(to)), notes })
    }

    fn window(&self, request: Request) -> Result<Presence<EventPage>, Error> {
        decode(&self.ask_one(request)?)
    }

    /// Reads the windows of all types between two heights, and returns those that contain events.
    fn parts(&self, query: &EventQuery, from: u64, to: u64) -> Result<Vec<Part>, Error> {
        let step = usize::try_from(WINDOW_V1).unwrap_or(1);
        let windows: Vec<(usize, u64, u64)> = (0..query.types.len())
            .flat_map(|kind| {
                (from..to).step_by(step).map(move |low| (kind, low, to.min(low.saturating_add(WINDOW_V1))))
            })
            .collect();
        self.count_rows(query, &windows)
    }

    fn count_rows(&self, query: &EventQuery, windows: &[(usize, u64, u64)]) -> Result<Vec<Part>, Error> {
        let request = |(kind, from, to): &(usize, u64, u64)| Request::EventsV1 {
            type_tag: query.types[*kind].clone(),
            from: *from,
            to: *to,
        };
        let requests: Vec<Request> = windows.iter().map(request).collect();
        let mut parts = Vec::new();
        for ((kind, from, to), reply) in windows.iter().zip(self.ask(&requests)) {
            match decode::<EventPage>(&reply?)? {
                Presence::Present(page) => {
                    parts.push(Part { kind: *kind, from: *from, to: *to, rows: page.rows });
                }
                Presence::Absent(_) => {
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

    /// Bisects windows until the block of each event is known. Reads only the left halves: the other events are in the
    /// right ones.
    fn locate(&self, query: &EventQuery, parts: Vec<Part>) -> Result<Vec<Found>, Error> {
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
            let mut counted = self.count_rows(query, &lefts)?.into_iter().peekable();
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
