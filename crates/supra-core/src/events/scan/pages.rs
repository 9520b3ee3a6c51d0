//! Reads events over REST v3: pages with a cursor, for all types in parallel.

use super::{EventQuery, Found, Presence, Rows, Scanner, decode};
use crate::error::Error;
use crate::failure::FailureKind;
use crate::transport::{Absent, EventPage, PAGE_V3, Request};

/// The largest number of pages of one type, which guards against endless paging.
const PAGES_MAX: usize = 1_000_000;

/// A node's page where no limit is given: a gateway that drops the limit cuts there.
const PAGE_USUAL: usize = 20;

/// The progress of reading one type.
struct Progress {
    from: u64,
    cursor: Option<String>,
    found: Vec<Found>,
    pages: usize,
    done: bool,
}

impl Progress {
    /// Goes on at the last block read, without a cursor: its rows are read again.
    fn restart(&mut self) -> bool {
        let Some(last) = self.found.last().map(|row| row.height) else { return false };
        if last <= self.from {
            return false;
        }
        self.found.retain(|row| row.height < last);
        (self.from, self.cursor) = (last, None);
        true
    }

    fn add_page(&mut self, page: EventPage, kind: usize, to: u64) -> Result<(), Error> {
        let rows = page.rows.len();
        let is_last = page.cursor.as_deref() == Some("");
        let moved = page.cursor.is_some() && page.cursor != self.cursor;
        // A cursor is the place of the last row: one that did not change brings no row that is new.
        let repeats = page.cursor.is_some() && !moved;
        let before = self.found.len();
        let floor = self.found.last().map_or(self.from, |row| row.height.max(self.from));
        let mut past_the_end = false;
        for row in page.rows.into_iter().filter(|_| !repeats) {
            let height = row.height.unwrap_or_default();
            past_the_end |= height >= to;
            // Some nodes go past the end, or back, when a cursor is given.
            if (floor..to).contains(&height) {
                self.found.push(Found { height, hash: row.hash, kind, index: 0, data: row.data });
            }
        }
        self.pages += 1;
        self.cursor = page.cursor.filter(|cursor| !cursor.is_empty());
        // A short page is not the last one: gateways cap pages.
        self.done = rows == 0 || past_the_end || (rows < PAGE_V3 && is_last);
        if self.done {
            return Ok(());
        }
        if self.pages >= PAGES_MAX || (before == self.found.len() && !repeats) {
            return Err(Error::new(FailureKind::Undecodable, "the node repeats a page of events"));
        }
        if !moved || is_last {
            // Without a cursor that leads on, the rest begins at the last block.
            self.done = !self.restart();
            if self.done && rows >= PAGE_USUAL {
                let message =
                    "the list may be cut: the node names no next page although a block may have more events";
                return Err(Error::new(FailureKind::Undecodable, message));
            }
        }
        Ok(())
    }
}

impl Scanner<'_> {
    pub(super) fn read_pages(&self, query: &EventQuery) -> Result<Rows, Error> {
        let (mut from, mut to) = (query.from, query.to);
        let mut notes = Vec::new();
        let fresh = |from: u64| Progress { from, cursor: None, found: Vec::new(), pages: 0, done: false };
        let mut all: Vec<Progress> = query.types.iter().map(|_| fresh(from)).collect();
        while all.iter().any(|progress| !progress.done) {
            let open: Vec<usize> = (0..all.len()).filter(|kind| !all[*kind].done).collect();
            let request = |kind: &usize| Request::Events {
                type_tag: query.types[*kind].clone(),
                from: all[*kind].from,
                to,
                cursor: all[*kind].cursor.clone(),
            };
            let requests: Vec<Request> = open.iter().map(request).collect();
            let mut absent = None;
            for (kind, reply) in open.iter().zip(self.ask(&requests)) {
                match reply.and_then(|value| decode::<EventPage>(&value)) {
                    Ok(Presence::Present(page)) => all[*kind].add_page(page, *kind, to)?,
                    Ok(Presence::Absent(why)) => absent = Some(why),
                    // Another node may reject the cursor of the previous one.
                    Err(failure)
                        if failure.kind() == FailureKind::Undecodable
                            && all[*kind].cursor.is_some()
                            && all[*kind].restart() => {}
                    Err(failure) => return Err(failure),
                }
                let progress = &mut all[*kind];
                progress.done |= query.limit.is_some_and(|limit| progress.found.len() >= limit);
            }
            match absent {
                None => {}
                Some(Absent::NotYet) => {
                    let end = self.indexed_end(from, to, |from, to| Request::Events {
                        type_tag: query.types[0].clone(),
                        from,
                        to,
                        cursor: None,
                    })?;
                    notes.push(not_indexed_note(end, to));
                    to = end;
                    for progress in &mut all {
                        progress.found.retain(|row| row.height < to);
                        progress.done |= progress.from >= to;
                    }
                }
                Some(Absent::Pruned(oldest)) => {
                    from = oldest_available(oldest, from)?;
                    notes.push(pruned_note(query.from, from));
                    if from >= to {
                        break;
                    }
                    all = query.types.iter().map(|_| fresh(from)).collect();
                }
            }
        }
        let found = all.into_iter().flat_map(|progress| progress.found).collect();
        Ok(Rows { found, from: from.min(to), to, notes })
    }

    /// Finds the block after the last one that the node has indexed.
    pub(super) fn indexed_end(
        &self,
        from: u64,
        to: u64,
        request: impl Fn(u64, u64) -> Request,
    ) -> Result<u64, Error> {
        let known = |end: u64| -> Result<bool, Error> {
            let reply = self.ask_one(request(end.saturating_sub(1), end))?;
            Ok(matches!(decode::<EventPage>(&reply)?, Presence::Present(_)))
        };
        let (mut bad, mut step) = (to, 1);
        let mut good = from;
        while bad > from {
            let end = bad.saturating_sub(step).max(from);
            if end == from {
                break;
            }
            if known(end)? {
                good = end;
                break;
            }
            (bad, step) = (end, step.saturating_mul(2));
        }
        while bad.saturating_sub(good) > 1 {
            let middle = good.midpoint(bad);
            if known(middle)? {
                good = middle;
            } else {
                bad = middle;
            }
        }
        Ok(good)
    }
}

pub(super) fn not_indexed_note(end: u64, to: u64) -> String {
    format!("blocks {end} to {} are not indexed yet", to.saturating_sub(1))
}

pub(super) fn pruned_note(from: u64, oldest: u64) -> String {
    format!("blocks {from} to {} are pruned on this node", oldest.saturating_sub(1))
}

pub(super) fn oldest_available(oldest: Option<u64>, from: u64) -> Result<u64, Error> {
    oldest.filter(|oldest| *oldest > from).ok_or_else(|| {
        let message = format!("the node has pruned block {from} and does not say what is left");
        Error::new(FailureKind::Unsupported, message)
            .with_hint("begin later with --since, or ask an archive node")
    })
}
