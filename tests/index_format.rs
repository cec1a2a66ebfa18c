//! The repository has an index of every format so far. Every later version opens them, and writes
//! them in its own format.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinglet::chunking::Chunking;
use kinglet::index::fusion_weights::FusionWeights;
use kinglet::index::manifest::{FORMAT, Manifest};
use kinglet::index::{Index, IndexWriter};
use kinglet::ingest::{IngestPlan, NoProgress, Summary, ingest};
use kinglet::search::{Fusion, IndexSources, Pipeline, Query, Retriever};
use kinglet::subprocess::Isolation;

const DOCUMENTS: [(&str, &str); 3] = [
    ("birds.md", "# Birds\n\n## Kinglet\n\nA kinglet weighs five grams.\n\n## Wren\n\nA wren sings loudly.\n"),
    ("page.html", "<h1>Lease</h1>\n<p>The lease ends\non 31 May 2027.</p>\n"),
    ("notes/code.py", "def weigh(bird):\n    return bird.grams\n"),
];

/// Copies the index of this format.
fn copied(format: u32) -> tempfile::TempDir {
    let temporary = tempfile::tempdir().unwrap();
    support::copy(&support::package().join(format!("indexes/v{format}-tiny")), temporary.path());
    temporary
}

/// The format in the manifest on disk.
fn stored_format(index: &Path) -> u32 {
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(index.join("manifest.json")).unwrap()).unwrap();
    manifest["format"].as_u64().unwrap() as u32
}

/// Indexes `roots`, or the folders of the last run if there are none, with the embedder that needs
/// no model.
fn index(index: &Path, roots: &[PathBuf]) -> Summary {
    let mut writer = IndexWriter::open(index).unwrap();
    let plan = IngestPlan {
        roots,
        chunking: Chunking::default(),
        max_file_bytes: 1 << 20,
        dropped: &[],
        exclude: &[],
        embedders: &[support::embedder()],
        encoders: &[],
        language: None,
        keep_tokens: false,
        isolation: &Isolation::InProcess,
    };
    ingest(&mut writer, &plan, &NoProgress).unwrap()
}

fn assert_answers(index: &Path) {
    let index = Arc::new(Index::open(index).unwrap());
    let sources = IndexSources::new(index.clone());
    let retrievers = match index.manifest().sparse.is_empty() {
        true => support::lexical_and_dense(&sources).unwrap(),
        false => support::all_retrievers(&sources).unwrap(),
    };
    let pipeline = Pipeline::new(sources, retrievers, Fusion::MinMax);
    for (question, path) in
        [("how heavy are kinglets", "birds.md"), ("end of the lease", "page.html"), ("def weigh", "code.py")]
    {
        let hits = pipeline.retrieve(&Query::new(question), 1).unwrap();
        assert!(index.chunks(&[hits[0].chunk]).unwrap()[0].path.ends_with(path), "{question}");
    }
}

#[test]
fn an_index_of_every_format_opens_and_answers_and_keeps_its_manifest() {
    for format in 1..=FORMAT {
        let index = copied(format);
        let contents: Vec<String> = support::contents(&Index::open(index.path()).unwrap())
            .into_iter()
            .map(|(path, line, text)| {
                format!("{}:{line} {}", path.display(), text.replace('\n', "⏎")).trim_start_matches('/').to_owned()
            })
            .collect();
        assert_eq!(
            contents,
            [
                "documents/birds.md:1 # Birds⏎⏎## Kinglet⏎⏎A kinglet weighs five grams.⏎⏎## Wren⏎⏎A wren sings loudly.",
                "documents/notes/code.py:1 def weigh(bird):⏎    return bird.grams",
                "documents/page.html:1 Lease⏎⏎The lease ends⏎on 31 May 2027.",
            ]
        );
        assert_answers(index.path());
        assert_eq!(stored_format(index.path()), format);
    }
}

#[test]
fn the_next_run_writes_this_format_and_embeds_only_what_is_extracted_differently_now() {
    let (index_folder, documents) = (copied(1), tempfile::tempdir().unwrap());
    support::write(documents.path(), &DOCUMENTS);
    let root = documents.path().canonicalize().unwrap();
    let store = rusqlite::Connection::open(index_folder.path().join("documents.sqlite")).unwrap();
    store.execute("UPDATE roots SET path = ?1", [root.to_str().unwrap()]).unwrap();
    drop(store);
    let summary = index(index_folder.path(), &[]);
    assert_eq!((summary.read, summary.removed, summary.embedded), (3, 0, 1), "{summary:?}");
    assert_eq!(stored_format(index_folder.path()), FORMAT);
    assert_answers(index_folder.path());
}

#[test]
fn the_facts_of_a_format_1_manifest_are_kept_and_no_file_is_read_again() {
    let (documents, index_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    support::write(documents.path(), &DOCUMENTS);
    let root = documents.path().canonicalize().unwrap();
    assert_eq!(index(index_folder.path(), std::slice::from_ref(&root)).read, 3);
    let now = Manifest::read(index_folder.path()).unwrap().unwrap();
    let weights = FusionWeights { dense: 2.0, ..FusionWeights::default() };
    let old = serde_json::json!({
        "format": 1, "chunking": now.chunking, "reading": now.extraction, "all_read": true, "language": now.language,
        "embedders": now.embedders, "chosen": { "mode": "dense" }, "tuned": { "hashing-256": weights },
    });
    std::fs::write(index_folder.path().join("manifest.json"), serde_json::to_vec_pretty(&old).unwrap()).unwrap();
    let summary = index(index_folder.path(), &[]);
    assert_eq!((summary.read, summary.unchanged, summary.embedded), (0, 3, 0));
    let expected = Manifest {
        defaults: [("mode".to_string(), "dense".to_string())].into(),
        fusion_weights: [("hashing-256".to_string(), weights)].into(),
        ..now
    };
    assert_eq!(Manifest::read(index_folder.path()).unwrap(), Some(expected));
}

#[test]
fn an_index_of_a_later_format_is_refused_by_name() {
    let index = copied(1);
    let path = index.path().join("manifest.json");
    let manifest = std::fs::read_to_string(&path).unwrap();
    let later = manifest.replace("\"format\": 1", &format!("\"format\": {}", FORMAT + 1));
    assert_ne!(manifest, later);
    std::fs::write(&path, later).unwrap();
    let error = Index::open(index.path()).map(|_| ()).unwrap_err();
    let says = format!("has format {}; this kinglet reads the formats 1 to {FORMAT}", FORMAT + 1);
    assert!(error.to_string().contains(&says) && error.hint().is_some(), "{error}");
}

/// Makes the fixture of the current format: `cargo test --test index_format -- --ignored`.
#[test]
#[ignore = "writes an index into indexes/"]
fn make_the_fixture() {
    let temporary = tempfile::tempdir().unwrap();
    support::write(&temporary.path().join("documents"), &DOCUMENTS);
    let target = support::package().join(format!("indexes/v{FORMAT}-tiny"));
    assert!(!target.exists(), "{} stands for the indexes that people have", target.display());
    // The rows of the store have checksums, so the folder must keep the name with which it was
    // indexed.
    std::env::set_current_dir(temporary.path()).unwrap();
    support::index_observed(&["documents".into()], &target, &NoProgress).unwrap();
    let store = rusqlite::Connection::open(target.join("documents.sqlite")).unwrap();
    store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}
