//! The container of Office files from before 2007, and of encrypted ones since: streams in one file.

use std::io::{Cursor, Read};

use crate::corpus::formats::Skip;

/// A compound file in memory.
pub(super) struct Compound<'b> {
    file: cfb::CompoundFile<Cursor<&'b [u8]>>,
    bytes: u64,
}

impl<'b> Compound<'b> {
    /// Whether the bytes begin like one.
    pub(super) fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    }

    /// Reads the list of streams.
    ///
    /// # Errors
    /// When it is damaged, or holds nothing but an encrypted document.
    pub(super) fn open(bytes: &'b [u8]) -> Result<Self, Skip> {
        let file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|_| Skip::because("damaged Office file"))?;
        if file.is_stream("EncryptedPackage") {
            return Err(Skip::because("protected by a password"));
        }
        Ok(Compound { file, bytes: bytes.len() as u64 })
    }

    /// The bytes of a stream; `None` if there is none of this name.
    pub(super) fn stream(&mut self, name: &str) -> Result<Option<Vec<u8>>, Skip> {
        if !self.file.is_stream(name) {
            return Ok(None);
        }
        let damaged = |_| Skip::because("damaged Office file");
        let stream = self.file.open_stream(name).map_err(damaged)?;
        let mut bytes = Vec::new();
        // No stream is longer than the file it lies in.
        stream.take(self.bytes).read_to_end(&mut bytes).map_err(damaged)?;
        Ok(Some(bytes))
    }
}

/// The little-endian number at `at`; `None` beyond the end.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

/// The little-endian number at `at`; `None` beyond the end.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}
