//! Flipped bits on disk are detected: nothing is shown that was not written, the doctor reports the
//! damage, and indexing repairs it.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinglet::SearchOptions;
use kinglet::index::Index;
use kinglet::ingest::{NoProgress, Summary};
use kinglet::search::{IndexSources, Query};
use kinglet::{Config, ErrorKind, Hint, Kinglet};

const QUESTIONS: [&str; 4] = ["how heavy is a wren", "heading number 7", "kinglets sing in the forest", "lease"];

/// Pseudo-random numbers, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % below as u64) as usize
    }
}

fn write_documents(folder: &Path) -> Vec<PathBuf> {
    let mut dice = Dice(7);
    let words = ["wren", "kinglet", "weighs", "sings", "forest", "lease", "rent", "heavy", "small", "ends", "in", "a"];
    for number in 0..60 {
        let mut text = format!("# Heading number {number}\n\n");
        for _ in 0..200 + dice.roll(200) {
            text.push_str(words[dice.roll(words.len())]);
            text.push_str(if dice.roll(9) == 0 { ".\n\n" } else { " " });
        }
        // Some files are duplicates, and some cannot be read.
        if number % 10 == 9 {
            text = std::fs::read_to_string(folder.join(format!("{:02}.md", number - 1))).unwrap();
        }
        support::write(folder, &[(&format!("{number:02}.md"), &text)]);
    }
    support::write(folder, &[("picture.png", "\u{89}PNG\0\0")]);
    vec![folder.canonicalize().unwrap()]
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &target) } else { drop(std::fs::copy(entry.path(), target)) }
    }
}

/// Flips bits of a file.
fn flip(path: &Path, bits: usize, dice: &mut Dice) {
    let mut bytes = std::fs::read(path).unwrap();
    for _ in 0..bits {
        let bit = dice.roll(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    std::fs::write(path, bytes).unwrap();
}

/// The rows of all tables of a store; `None` if SQLite cannot read them.
fn rows(store: &Path) -> Option<Vec<String>> {
    let connection = rusqlite::Connection::open(store).ok()?;
    let mut found = Vec::new();
    for table in ["roots", "documents", "chunks"] {
        let mut select = connection.prepare(&format!("SELECT * FROM {table} ORDER BY id")).ok()?;
        let columns: Vec<String> = select.column_names().map(str::to_owned).collect();
        let mut rows = select.query([]).ok()?;
        while let Some(row) = rows.next().ok()? {
            let values = (0..columns.len()).map(|column| row.get_ref(column).map(|value| format!("{value:?}")));
            let values: rusqlite::Result<Vec<String>> = values.collect();
            found.push(format!("{table} {columns:?} {:?}", values.ok()?));
        }
    }
    Some(found)
}

/// A place for indexes, one for each trial.
struct Bench {
    temporary: tempfile::TempDir,
    roots: Vec<PathBuf>,
}

impl Bench {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let roots = write_documents(&temporary.path().join("documents"));
        let bench = Bench { temporary, roots };
        let summary = bench.index("good", &bench.roots).unwrap();
        assert_eq!(summary.repaired, 0);
        bench
    }

    fn kinglet(&self, name: &str) -> Kinglet {
        let config = Config { embedder: "hashing-256".into(), ..Config::default() };
        Kinglet::new(self.temporary.path().join(name), config)
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.kinglet(name).index_folder("notes").unwrap()
    }

    fn copy_of_good(&self, name: &str) -> PathBuf {
        copy(&self.folder("good"), &self.folder(name));
        self.folder(name)
    }

    fn index(&self, name: &str, roots: &[PathBuf]) -> kinglet::Result<Summary> {
        self.kinglet(name).index("notes", roots, &NoProgress)
    }

    fn shown(&self, name: &str, question: &str) -> kinglet::Result<Vec<String>> {
        let found = self.kinglet(name).open("notes")?.search(question, &SearchOptions::limited(8))?.results;
        Ok(found
            .into_iter()
            .flat_map(|found| {
                let duplicates =
                    found.duplicates.into_iter().map(|other| format!("{:?} {:?}", other.path, other.chunk));
                duplicates.chain([format!("{:?} {:?}", found.path, found.chunk)]).collect::<Vec<_>>()
            })
            .collect())
    }

    fn is_sound(&self, name: &str) -> bool {
        self.kinglet(name).check_index("notes").iter().all(|(_, check)| check.is_ok())
    }
}

fn contents(folder: &Path) -> BTreeSet<String> {
    let index = Index::open(folder).unwrap();
    let chunks = index.chunks(&index.chunk_ids().unwrap()).unwrap();
    chunks.into_iter().map(|stored| format!("{:?} {:?}", stored.path, stored.chunk)).collect()
}

#[test]
fn eight_flipped_bits_in_the_store_are_detected_never_shown_and_repaired_by_indexing() {
    let bench = Bench::new();
    let written = contents(&bench.folder("good"));
    let stored = rows(&bench.folder("good").join("documents.sqlite")).unwrap();
    assert!(bench.is_sound("good"));
    let (mut changed, mut mended, mut made_anew) = (0, 0, 0);
    for seed in 0..24 {
        let name = format!("trial-{seed}");
        let folder = bench.copy_of_good(&name);
        let store = folder.join("documents.sqlite");
        flip(&store, 8, &mut Dice(seed));
        let differs = rows(&store).as_ref() != Some(&stored);
        changed += usize::from(differs);
        assert!(!differs || !bench.is_sound(&name), "seed {seed}: the doctor saw nothing");
        for question in QUESTIONS {
            for passage in bench.shown(&name, question).unwrap_or_default() {
                assert!(written.contains(&passage), "seed {seed}: {passage} was never written");
            }
        }
        match bench.index(&name, &[]) {
            Ok(summary) => {
                assert!(!differs || summary.repaired > 0, "seed {seed}: {summary:?}");
                mended += usize::from(differs);
            }
            // Only the names of the folders cannot be restored from the documents.
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Damaged, "seed {seed}: {error}");
                assert!(error.hint().is_some(), "seed {seed}: {error} has no hint");
                made_anew += 1;
                std::fs::remove_dir_all(&folder).unwrap();
                bench.index(&name, &bench.roots).unwrap();
            }
        }
        assert_eq!(contents(&folder), written, "seed {seed}");
        assert!(bench.is_sound(&name), "seed {seed}: {:?}", bench.kinglet(&name).check_index("notes"));
    }
    eprintln!("of 24 trials {changed} changed a row, {mended} of which were mended, {made_anew} were made anew");
    assert!(changed >= 16, "only {changed} trials changed a row");
    assert!(mended >= changed * 3 / 4, "only {mended} of {changed} were mended");
}

#[test]
fn a_damaged_row_names_its_file_and_indexing_reads_that_file_alone() {
    let bench = Bench::new();
    let changes = [
        "UPDATE chunks SET text = replace(text, 'wren', 'wrem') WHERE document = (SELECT id FROM documents WHERE path = '11.md')",
        "UPDATE chunks SET last_line = last_line + 1 WHERE document = (SELECT id FROM documents WHERE path = '11.md')",
        "UPDATE chunks SET hash = zeroblob(32) WHERE document = (SELECT id FROM documents WHERE path = '11.md')",
        "UPDATE chunks SET sketch = NULL WHERE document = (SELECT id FROM documents WHERE path = '11.md')",
        "UPDATE documents SET metadata = '[[\"tags\",\"rotten\"]]' WHERE path = '11.md'",
        "UPDATE documents SET path = '11.mE' WHERE path = '11.md'",
    ];
    for (at, change) in changes.iter().enumerate() {
        let name = format!("row-{at}");
        let folder = bench.copy_of_good(&name);
        let store = rusqlite::Connection::open(folder.join("documents.sqlite")).unwrap();
        assert!(store.execute(change, []).unwrap() > 0);
        drop(store);
        let error = bench.shown(&name, "heading number 11").unwrap_err();
        assert!(error.to_string().contains("11.m"), "{change}: {error}");
        assert!(matches!(error.hint(), Some(Hint::UpdateIndex { index: Some(_), .. })), "{change}: {error}");
        let checks = bench.kinglet(&name).check_index("notes");
        let (_, documents) = checks.iter().find(|(what, _)| what == "documents").unwrap();
        assert!(documents.as_ref().unwrap_err().to_string().contains("11.m"), "{change}: {documents:?}");
        let summary = bench.index(&name, &[]).unwrap();
        assert_eq!((summary.repaired, summary.read, summary.embedded), (1, 1, 0), "{change}");
        assert_eq!(contents(&folder), contents(&bench.folder("good")), "{change}");
        assert!(bench.is_sound(&name), "{change}");
    }
}

#[test]
fn a_store_with_a_damaged_structure_is_rebuilt_and_no_vector_is_computed_again() {
    let bench = Bench::new();
    let folder = bench.copy_of_good("structure");
    let path = folder.join("documents.sqlite");
    let store = rusqlite::Connection::open(&path).unwrap();
    let page = "SELECT rootpage, (SELECT * FROM pragma_page_size) FROM sqlite_master WHERE name = 'chunks_of_document'";
    let (page, size) = store.query_row(page, [], |row| Ok((row.get::<_, usize>(0)?, row.get::<_, usize>(1)?))).unwrap();
    drop(store);
    // The last byte of a page of a database index belongs to a row number.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[page * size - 1] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(!bench.is_sound("structure"));
    let summary = bench.index("structure", &[]).unwrap();
    assert_eq!((summary.repaired, summary.read, summary.embedded), (60, 60, 0));
    assert_eq!(contents(&folder), contents(&bench.folder("good")));
    assert!(bench.is_sound("structure"));
    assert_eq!(bench.index("structure", &[]).unwrap().unchanged, 60);
}

#[test]
fn after_the_name_of_a_folder_was_damaged_the_folder_must_be_named_again() {
    let bench = Bench::new();
    let folder = bench.copy_of_good("root");
    let store = rusqlite::Connection::open(folder.join("documents.sqlite")).unwrap();
    store.execute("UPDATE roots SET path = '/nowhere'", []).unwrap();
    drop(store);
    let error = bench.index("root", &[]).unwrap_err();
    assert!(format!("{:?}", error.hint()).contains("kinglet index FOLDER"), "{error}");
    bench.index("root", &bench.roots).unwrap();
    assert_eq!(contents(&folder), contents(&bench.folder("good")));
}

#[test]
fn flipped_bits_in_words_and_vectors_never_change_a_ranking_silently() {
    let bench = Bench::new();
    let search = |folder: &Path| -> kinglet::Result<Vec<Vec<(u64, f32)>>> {
        let sources = IndexSources::new(Arc::new(Index::open(folder)?));
        let mut found = Vec::new();
        for retriever in support::lexical_and_dense(&sources)? {
            for question in QUESTIONS {
                let hits = retriever.retrieve(&Query::new(question), 1000)?;
                found.push(hits.into_iter().map(|hit| (hit.chunk, hit.score)).collect());
            }
        }
        Ok(found)
    };
    let good = bench.folder("good");
    let expected = search(&good).unwrap();
    let folder = bench.copy_of_good("derived");
    let (mut trials, mut seen) = (0, 0);
    for part in ["lexical", "dense", "manifest.json"] {
        let mut left = vec![good.join(part)];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let copy = folder.join(path.strip_prefix(&good).unwrap());
                for seed in 0..if std::fs::metadata(&path).unwrap().len() > 0 { 12 } else { 0 } {
                    flip(&copy, 1, &mut Dice(seed));
                    // A search compares all vectors, so it reads every vector of the index.
                    match search(&folder) {
                        Ok(found) => assert_eq!(found, expected, "{} with seed {seed}", path.display()),
                        Err(error) => {
                            assert!(error.hint().is_some(), "{error} has no hint");
                            seen += 1;
                        }
                    }
                    trials += 1;
                    std::fs::copy(&path, &copy).unwrap();
                }
            }
        }
    }
    eprintln!("{seen} of {trials} flipped bits were seen");
    assert!(seen * 2 > trials, "only {seen} of {trials} were seen");
}

#[test]
fn the_next_run_adds_checks_to_an_older_index_and_reads_its_damaged_files_again() {
    let bench = Bench::new();
    let folder = bench.copy_of_good("earlier");
    let store = rusqlite::Connection::open(folder.join("documents.sqlite")).unwrap();
    for (table, column) in [("roots", "root_check"), ("documents", "document_check"), ("chunks", "chunk_check")] {
        store.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN {column}")).unwrap();
    }
    store.execute("UPDATE chunks SET text = 'Rotten.' WHERE id = 5", []).unwrap();
    drop(store);
    assert!(!bench.shown("earlier", QUESTIONS[0]).unwrap().is_empty(), "it is searched before that");
    let summary = bench.index("earlier", &[]).unwrap();
    assert_eq!((summary.repaired, summary.read), (1, 1));
    assert_eq!(contents(&folder), contents(&bench.folder("good")));
    assert!(bench.is_sound("earlier"));
}
