//! Row groups that are found without the table's footer. Behind each stands a footer of its own, of this group alone, which other readers
//! of Parquet pass over; the model says where. So a stage's rows are one request, however large the application is.

use std::io;
use std::ops::Range;

use parquet::errors::Result;
use parquet::file::metadata::{
    FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};
use serde::{Deserialize, Serialize};

/// The tables whose groups are found so.
pub(super) const TASKS: &str = "tasks";
pub(super) const TASK_ACCUMULATORS: &str = "task_accumulators";
pub(super) const TASK_PEAKS: &str = "task_peaks";
pub(super) const OTHER_EVENTS: &str = "other_events";

/// A group that holds several stages has at most this many rows: what is read for a small stage is little.
const PACKED_ROWS: usize = 8 * 1024;
/// A group of one stage has at most this many: what is held at once.
pub(super) const GROUP_ROWS: usize = 128 * 1024;
/// Longer footers are none.
const MAX_FOOTER_BYTES: u64 = 1024 * 1024;

/// Where a row group is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Its rows in the table.
    pub(super) rows: Range<usize>,
    /// Its bytes in the object, its own footer among them.
    pub(super) bytes: Range<u64>,
    /// How many of these the footer has.
    footer_bytes: u64,
}

impl Place {
    /// The place of a group that begins at `start`, and what to write behind it, whose own bytes end at `end`.
    ///
    /// # Errors
    /// What the encoder said.
    pub(super) fn behind(
        rows: Range<usize>,
        bytes: Range<u64>,
        group: &RowGroupMetaData,
        identity: Vec<KeyValue>,
    ) -> Result<(Self, Vec<u8>)> {
        let file = FileMetaData::new(1, group.num_rows(), None, Some(identity), group.schema_descr_ptr(), None);
        let mut text = Vec::new();
        ParquetMetaDataWriter::new(&mut text, &ParquetMetaData::new(file, vec![group.clone()])).finish()?;
        let footer = zstd::bulk::compress(&text, 1)?;
        let footer_bytes = footer.len() as u64;
        Ok((Self { rows, bytes: bytes.start..bytes.end + footer_bytes, footer_bytes }, footer))
    }

    /// What the footer says that ends these bytes, which are those of the place.
    ///
    /// # Errors
    /// Where there is no footer of one group.
    pub(super) fn group(&self, bytes: &[u8]) -> Result<(RowGroupMetaData, Vec<KeyValue>)> {
        let at = usize::try_from(self.footer_bytes).ok().and_then(|length| bytes.len().checked_sub(length));
        let packed = at.and_then(|at| bytes.get(at..)).unwrap_or_default();
        let text = zstd::bulk::decompress(packed, MAX_FOOTER_BYTES as usize)?;
        // Behind the thrift stand its length and a magic number, as in a file.
        let thrift = text.get(..text.len().saturating_sub(8)).unwrap_or_default();
        let footer = ParquetMetaDataReader::decode_metadata(thrift)?;
        let said = footer.file_metadata().key_value_metadata().cloned().unwrap_or_default();
        let group = footer.row_groups().first().cloned();
        Ok((group.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?, said))
    }
}

/// The groups that have any of `rows`, of groups in order.
pub(super) fn holding<'a>(places: &'a [Place], rows: &Range<usize>) -> &'a [Place] {
    let from = places.partition_point(|place| place.rows.end <= rows.start);
    let to = places.partition_point(|place| place.rows.start < rows.end);
    places.get(from..to).unwrap_or_default()
}

/// Where groups end: stages of few rows share one, those of many have one or several of their own.
pub(super) fn ends(stages: impl IntoIterator<Item = Range<usize>>) -> Vec<usize> {
    let (mut ends, mut start, mut end) = (Vec::new(), 0, 0);
    for rows in stages {
        if rows.end - start > PACKED_ROWS && start < end {
            ends.push(end);
            start = end;
        }
        while rows.end - start > GROUP_ROWS {
            start += GROUP_ROWS;
            ends.push(start);
        }
        end = rows.end;
    }
    if start < end {
        ends.push(end);
    }
    ends
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn groups_are_all_rows_and_a_small_stage_is_in_one(counts in prop::collection::vec(prop_oneof![0..200usize, 0..300_000usize], 0..60)) {
            let mut all = 0;
            let stages: Vec<_> = counts.iter().map(|count| { all += count; all - count..all }).collect();
            let ends = ends(stages.iter().cloned());
            let starts = || std::iter::once(0).chain(ends.iter().copied());
            let places: Vec<_> = starts().zip(&ends).map(|(start, end)| Place { rows: start..*end, bytes: 0..0, footer_bytes: 0 }).collect();
            prop_assert!(places.iter().all(|place| !place.rows.is_empty() && place.rows.len() <= GROUP_ROWS));
            prop_assert_eq!(ends.last().copied().unwrap_or(0), all);
            for rows in stages.iter().filter(|rows| !rows.is_empty()) {
                let held = holding(&places, rows);
                let (first, last) = (held.first().unwrap(), held.last().unwrap());
                prop_assert!(first.rows.start <= rows.start && rows.end <= last.rows.end);
                if rows.len() <= PACKED_ROWS {
                    prop_assert!(held.len() == 1 && first.rows.len() <= PACKED_ROWS);
                }
            }
        }
    }
}
