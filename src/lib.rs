//! kinglet indexes a folder of documents and answers questions over it with small models, offline.
//!
//! ```
//! use kinglet::{Config, Kinglet, NoProgress};
//!
//! # let folder = tempfile::tempdir()?;
//! # let (home, notes) = (folder.path().join("home"), folder.path().join("notes"));
//! # std::fs::create_dir(&notes)?;
//! std::fs::write(notes.join("lease.md"), "# Lease\n\nThe lease ends on 31 May 2027.\nThe rent is 900 euros.")?;
//!
//! // This embedder and this generator need no files; the defaults are all-minilm-l6-v2 and smollm2-135m-instruct.
//! let config = Config { embedder: "hashing-256".into(), generator: "extractive".into(), ..Config::default() };
//! let kinglet = Kinglet::new(home, config);
//! kinglet.index("notes", &[notes], &NoProgress)?;
//!
//! let found = kinglet.search("notes", "when does the lease end", 5)?;
//! assert_eq!((found[0].chunk.first, found[0].chunk.last), (1, 4));
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let answer = kinglet.ask("notes", "When does the lease end?", &mut |sentence| print!("{sentence}")).await?;
//! assert_eq!(answer.answer, "The lease ends on 31 May 2027. [1]");
//! assert_eq!(answer.citations[0].first, 3);
//! # Ok::<_, kinglet::Error>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! The rooms, from the ground up; lower ones never name higher ones:
//!
//! | Room | What it is |
//! |---|---|
//! | [`error`] | what went wrong, whose fault, what next |
//! | [`text`], [`vector`] | spans and sentences; unit vectors |
//! | [`scan`] | a folder → its files, and their changes |
//! | [`alike`] | texts that say the same |
//! | [`chunk`] | a document → chunks with exact spans |
//! | [`reading`] | a file → chunks, in a process that can be given up |
//! | [`models`] | embedders and generators behind their seams; the catalog, and fetching |
//! | [`index`] | what is on disk |
//! | [`ingest`] | a folder → an index, only what changed |
//! | [`search`] | a question → hits |
//! | [`answer`] | passages → an answer, each sentence held against them |
//! | [`eval`] | rankings against judgments |
//! | [`config`] | every knob |
//! | [`assemble`] | configuration → parts → the three flows |
//! | [`names`], [`doctor`], [`trial`] | which index is meant; whether it is sound; how good the pipeline is on judged questions |
//!
//! One's own embedder or generator goes in by [`Kinglet::with_embedder`] and [`Kinglet::with_generator`]; `examples/` shows how.

pub mod answer;
pub mod chunking;
pub mod config;
pub mod engine;
pub mod error;
pub mod eval;
pub mod experiment;
pub mod extract;
pub mod index;
pub mod ingest;
pub mod language;
pub mod models;
pub mod near_duplicate;
pub mod scan;
pub mod search;
pub mod subprocess;
pub mod text;
pub mod vector;
pub mod view;

pub use answer::{
    Answer, AnswerEvent, AnswerSentence, Citation, CitedSource, Passage, SentenceSupport, Timings, collect_answer,
};
pub use config::Config;
pub use engine::{Embedders, Kinglet, OpenIndex};
pub use error::{Error, ErrorKind, Hint, Result};
pub use ingest::NoProgress;
pub use kinglet_formats as formats;
pub use search::{Filter, PendingWork, SearchOptions, SearchResponse, SearchResult};
