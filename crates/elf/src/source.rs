//! Where an image is read from: bytes in memory, or a file of which only what is asked for is read.

use crate::{ElfError, Image};
use object::ReadRef;
use std::fmt::Debug;
use std::ops::Range;
use std::path::Path;

/// A file that can be encoded.
pub trait Input: Debug + Sync {
    fn image(&self) -> Result<Image<'_>, ElfError>;

    /// To be asked when all is read: an error where the file was cut or written into meanwhile, so that what was read is
    /// of no use.
    fn verify(&self, path: &Path) -> Result<(), ElfError>;
}

/// What is read when it is asked for.
pub(crate) trait Ranges: Debug + Sync {
    fn len(&self) -> u64;

    /// Bytes that lie inside the file, whose length is [`len`](Self::len).
    fn range(&self, range: Range<u64>) -> Result<&[u8], ElfError>;
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'data> {
    Bytes(&'data [u8]),
    Ranges(&'data dyn Ranges),
}

impl<'data> Source<'data> {
    pub fn len(self) -> u64 {
        match self {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Ranges(file) => file.len(),
        }
    }

    /// Of a range that does not lie inside the file, nothing.
    pub fn range(self, range: Range<u64>) -> Result<Option<&'data [u8]>, ElfError> {
        if range.start > range.end || range.end > self.len() {
            return Ok(None);
        }
        match self {
            Source::Bytes(bytes) => Ok(Some(&bytes[range.start as usize..range.end as usize])),
            Source::Ranges(file) => file.range(range).map(Some),
        }
    }

    /// The first bytes, as many as there are.
    pub fn first(self, count: u64) -> Result<&'data [u8], ElfError> {
        Ok(self.range(0..self.len().min(count))?.unwrap_or_default())
    }
}

/// For what the `object` crate finds itself.
impl<'data> ReadRef<'data> for Source<'data> {
    fn len(self) -> Result<u64, ()> {
        Ok(Source::len(self))
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'data [u8], ()> {
        let end = offset.checked_add(size).ok_or(())?;
        self.range(offset..end).ok().flatten().ok_or(())
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'data [u8], ()> {
        let bytes = self.range(range).ok().flatten().ok_or(())?;
        memchr::memchr(delimiter, bytes).map(|end| &bytes[..end]).ok_or(())
    }
}
