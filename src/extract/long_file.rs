//! Reads and cuts long files piece by piece, where their format allows it.

use std::fs::File;
use std::io::{Error, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Extracted, Extraction, FAILED, Part, PartSink, Request, name, no_text};
use crate::chunking::chunk_piece;
use kinglet_formats::{Document, LongFile, LongFileLimits, Skip, read_long_file};

/// Smaller files are read in one piece.
const LONG_BYTES: u64 = 8 << 20;

/// Reads a file of at least [`LONG_BYTES`]; `None` for smaller files and for formats that are read
/// in one piece.
pub(super) fn read(request: &Request, progress: &dyn Fn(), sink: &mut PartSink<'_>) -> Option<Extraction> {
    read_at_least(LONG_BYTES, &LongFileLimits::default(), request, progress, sink)
}

fn read_at_least(
    min_bytes: u64,
    limits: &LongFileLimits,
    request: &Request,
    progress: &dyn Fn(),
    sink: &mut PartSink<'_>,
) -> Option<Extraction> {
    let is_long = |file: &File| file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() >= min_bytes);
    let file = File::open(&request.path).ok().filter(is_long)?;
    if request.previous_hash.is_some()
        && request.previous_hash == HashingReader::new(File::open(&request.path).ok()?, progress).hash()
    {
        return Some(Extraction::Unchanged);
    }
    let mut file = HashingReader::new(file, progress);
    let mut held = Part::default();
    let mut bytes_before = 0;
    let mut each_piece = |document: Document, lines_before: u32| {
        let chunks = chunk_piece(&document, &request.chunking, bytes_before, lines_before);
        bytes_before += document.text.len();
        let part = Part { chunks, text: request.with_text.then_some(document.text) };
        // The last part with chunks is returned with the outcome.
        if !part.chunks.is_empty() && !held.chunks.is_empty() {
            sink(std::mem::take(&mut held))?;
        }
        held.add(part);
        Ok(())
    };
    let read = catch_unwind(AssertUnwindSafe(|| read_long_file(&name(request), &mut file, limits, &mut each_piece)));
    let result = match read {
        Ok(Ok(LongFile::Indivisible)) => return None,
        Ok(Ok(LongFile::ReadInPieces { warning })) if !held.chunks.is_empty() => Ok(warning),
        Ok(Ok(LongFile::ReadInPieces { .. })) => Err(no_text()),
        Ok(Err(skip)) => Err(skip),
        Err(_) => return Some(Extraction::GivenUp { reason: FAILED.to_string() }),
    };
    let hash = file.hash().unwrap_or_default();
    Some(match result {
        Ok(warning) => {
            let Part { chunks, text } = held;
            Extraction::Read { hash, extracted: Extracted { chunks, text, warning, ..Extracted::default() } }
        }
        Err(Skip { reason }) => Extraction::Skipped { hash, reason },
    })
}

/// A reader that hashes a file while it is read.
struct HashingReader<'p> {
    file: File,
    hasher: blake3::Hasher,
    failed: Option<Error>,
    progress: &'p dyn Fn(),
}

impl<'p> HashingReader<'p> {
    fn new(file: File, progress: &'p dyn Fn()) -> Self {
        HashingReader { file, hasher: blake3::Hasher::new(), failed: None, progress }
    }

    /// Reads to the end of the file and returns the hash of all of it; `None` if the file cannot be
    /// read.
    fn hash(mut self) -> Option<[u8; 32]> {
        let mut buffer = vec![0; 1 << 18];
        while self.failed.is_none() && self.read(&mut buffer).ok()? > 0 {}
        self.failed.is_none().then(|| *self.hasher.finalize().as_bytes())
    }
}

impl Read for HashingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        (self.progress)();
        match self.file.read(buffer) {
            Ok(length) => {
                self.hasher.update(&buffer[..length]);
                Ok(length)
            }
            Err(cause) => {
                self.failed = Some(Error::new(cause.kind(), cause.to_string()));
                Err(cause)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunking::Chunking;
    use crate::extract;

    fn request(name: &str, text: &[u8], folder: &std::path::Path) -> Request {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        Request { path, chunking: Chunking { target_tokens: 40 }, previous_hash: None, with_text: true }
    }

    fn read_in_pieces(request: &Request) -> (Option<Extraction>, usize) {
        let limits = LongFileLimits { window_bytes: 1000, piece_bytes: 3000, record_bytes: 2000, letter_bytes: 5000 };
        let (mut parts, mut count) = (Part::default(), 0);
        let outcome = read_at_least(10, &limits, request, &|| {}, &mut |part| {
            count += 1;
            parts.add(part);
            Ok(())
        });
        let outcome = outcome.map(|outcome| match outcome {
            Extraction::Read { hash, mut extracted } => {
                extracted.follow(parts);
                Extraction::Read { hash, extracted }
            }
            other => other,
        });
        (outcome, count)
    }

    #[test]
    fn chunks_of_pieces_have_their_places_in_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let log: String =
            (0..400).map(|at| format!("{at} kinglet: a line of the log, the {at}th of them.\n")).collect();
        let table: String = (0..4000).map(|at| format!("bird {at},{at},\"small,\n{at}\"\n")).collect();
        let json: String = (0..400).map(|at| format!("{{\"name\": \"bird {at}\", \"size\": {at}}}\n")).collect();
        for (name, text) in [("a.log", log), ("a.csv", format!("name,size,note\n{table}")), ("a.jsonl", json)] {
            let request = request(name, text.as_bytes(), folder.path());
            let (Some(Extraction::Read { hash, extracted }), count) = read_in_pieces(&request) else {
                panic!("{name} is not read")
            };
            let mut parts = Part::default();
            let read = extract::read(&request, &|| {}, &mut |part| {
                parts.add(part);
                Ok(())
            });
            let Extraction::Read { hash: hash_at_once, extracted: mut at_once } = read else {
                panic!("{name} is not read in one piece")
            };
            at_once.follow(parts);
            assert!(count > 3, "{name}: {count} parts");
            assert_eq!(
                (hash, &extracted.text, &extracted.warning),
                (hash_at_once, &at_once.text, &at_once.warning),
                "{name}"
            );
            let whole = extracted.text.unwrap();
            let mut end = 0;
            for chunk in &extracted.chunks {
                assert_eq!(chunk.span.of(&whole), chunk.text, "{name}");
                assert!(
                    whole[end..chunk.span.start].trim().is_empty(),
                    "{name}: between {end} and {}",
                    chunk.span.start
                );
                end = chunk.span.end;
                if chunk.places.is_none() {
                    assert_eq!(chunk.first as usize, whole[..chunk.span.start].matches('\n').count() + 1, "{name}");
                }
            }
            assert!(whole[end..].trim().is_empty(), "{name}");
            // Chunks that begin at the same text in both readings have the same place.
            let mut same = 0;
            for chunk in &at_once.chunks {
                if let Some(other) = extracted.chunks.iter().find(|other| other.span.start == chunk.span.start) {
                    assert_eq!((other.first, &other.headings), (chunk.first, &chunk.headings), "{name}");
                    same += 1;
                }
            }
            assert!(same > 10, "{name}: {same} of {} chunks", at_once.chunks.len());
        }
    }

    #[test]
    fn a_long_file_with_a_known_hash_is_unchanged_and_one_that_turns_out_binary_is_skipped_with_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let words = "words of the log\n".repeat(500);
        let mut known = request("a.log", words.as_bytes(), folder.path());
        known.previous_hash = Some(*blake3::hash(words.as_bytes()).as_bytes());
        assert_eq!(read_in_pieces(&known), (Some(Extraction::Unchanged), 0));
        let late = [words.as_bytes(), b"\0\0", words.as_bytes()].concat();
        let (outcome, count) = read_in_pieces(&request("b.log", &late, folder.path()));
        let hash = *blake3::hash(&late).as_bytes();
        assert_eq!(outcome, Some(Extraction::Skipped { hash, reason: "binary".to_string() }));
        assert!(count > 0, "parts were given before the zero bytes");
        assert_eq!(read_in_pieces(&request("c.md", words.as_bytes(), folder.path())), (None, 0));
    }
}
