//! The order of points, and which of them are kept.

use super::{DAY_S, DETAIL_S, KEPT_S, LINES_MAX, Point, QUARTER_S};

/// The points in the order of time: the longest run of them whose times do not fall. What a clock that jumped for a while
/// has dated is left out, whichever way it jumped.
pub(super) fn in_order(points: Vec<Point>) -> Vec<Point> {
    if points.is_sorted_by_key(|point| point.at_s) {
        return points;
    }
    // `ends[n]` is the point with the lowest time that ends an ordered choice of n + 1 points.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(points.len());
    let time = |index: usize| points.get(index).map(|point| point.at_s);
    for (index, point) in points.iter().enumerate() {
        let length = ends.partition_point(|end| time(*end) <= Some(point.at_s));
        before.push(length.checked_sub(1).and_then(|last| ends.get(last)).copied());
        match ends.get_mut(length) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut is_kept = vec![false; points.len()];
    let mut next = ends.last().copied();
    while let Some(index) = next {
        if let Some(kept) = is_kept.get_mut(index) {
            *kept = true;
        }
        next = before.get(index).copied().flatten();
    }
    points.into_iter().zip(is_kept).filter_map(|(point, kept)| kept.then_some(point)).collect()
}

/// Keeps the last point of each quarter of an hour for 14 days and of each day for a year, and at most [`LINES_MAX`] less a
/// quarter of them: the file is not replaced by every run.
pub(super) fn thin(points: Vec<Point>, now_s: i64) -> Vec<Point> {
    let slot = |point: &Point| {
        let length = if now_s.saturating_sub(point.at_s) <= DETAIL_S { QUARTER_S } else { DAY_S };
        (length, point.at_s.div_euclid(length))
    };
    let mut kept: Vec<Point> = Vec::new();
    for point in points.into_iter().filter(|point| now_s.saturating_sub(point.at_s) <= KEPT_S) {
        match kept.last_mut() {
            Some(last) if slot(last) == slot(&point) => *last = point,
            _ => kept.push(point),
        }
    }
    let surplus = kept.len().saturating_sub(LINES_MAX - LINES_MAX / 4);
    kept.drain(..surplus);
    kept
}
