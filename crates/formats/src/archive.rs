//! Archives that documents are made of: members are read into memory, never onto a disk, and never
//! more than a budget.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::limits::{ARCHIVE_BYTES, ARCHIVE_MEMBERS};
use crate::skip::Skip;

/// All members of one file that are read may expand to this many bytes, whatever their headers say.
const MAX_EXPANDED_BYTES: u64 = ARCHIVE_BYTES.most as u64;
/// An archive with more members is not a document.
const MAX_MEMBERS: usize = ARCHIVE_MEMBERS.most;

/// A zip archive in memory.
pub(crate) struct Archive<'b> {
    zip: ZipArchive<Cursor<&'b [u8]>>,
    left_bytes: u64,
}

impl<'b> Archive<'b> {
    /// Reads the list of members.
    pub(crate) fn open(bytes: &'b [u8]) -> Result<Self, Skip> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Skip::because("damaged archive"))?;
        if zip.len() > MAX_MEMBERS {
            return Err(Skip::because(format!("archive with more than {MAX_MEMBERS} members")));
        }
        Ok(Archive { zip, left_bytes: MAX_EXPANDED_BYTES })
    }

    /// The names of the members, in the order of the archive, without those in no encoding known.
    /// They are names, not paths: nothing is ever written there.
    pub(crate) fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.zip.file_names().filter_map(Result::ok)
    }

    /// The bytes of a member; `None` if there is none of this name.
    ///
    /// # Errors
    /// The member is damaged or encrypted, or what was read so far expands beyond the budget.
    pub(crate) fn member(&mut self, name: &str) -> Result<Option<Vec<u8>>, Skip> {
        let member = match self.zip.by_name(name) {
            Ok(member) => member,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(ZipError::UnsupportedArchive(why)) if why == ZipError::PASSWORD_REQUIRED => {
                return Err(Skip::needs_password());
            }
            Err(_) => return Err(Skip::because("damaged archive")),
        };
        let mut bytes = Vec::new();
        let read = member.take(self.left_bytes + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > self.left_bytes {
            return Err(Skip::because(format!("expands to more than {} MiB", MAX_EXPANDED_BYTES >> 20)));
        }
        read.map_err(|_| Skip::because("damaged archive"))?;
        self.left_bytes -= bytes.len() as u64;
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in members {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn members_are_read_up_to_the_budget() {
        let zeros = vec![0; 1 << 20];
        let bytes = archive(&[("a", b"one"), ("../../b", &zeros)]);
        let mut open = Archive::open(&bytes).unwrap();
        assert_eq!(open.names().collect::<Vec<_>>(), ["a", "../../b"]);
        assert_eq!(open.member("a").unwrap().as_deref(), Some(b"one".as_slice()));
        assert_eq!(open.member("c").unwrap(), None);
        open.left_bytes = 1 << 19;
        assert!(open.member("../../b").unwrap_err().reason.starts_with("expands to more than"));
    }

    #[test]
    fn what_is_cut_short_is_damaged() {
        let bytes = archive(&[("a", b"one")]);
        assert_eq!(
            Archive::open(&bytes[..bytes.len() - 9]).err().map(|it| it.reason).as_deref(),
            Some("damaged archive")
        );
    }
}
