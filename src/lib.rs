//! kinglet indexes a folder of documents and answers questions over it with small models, offline.
//!
//! ```
//! use kinglet::{Config, Kinglet, NoProgress, SearchOptions, collect_answer};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let folder = tempfile::tempdir()?;
//!     let notes = folder.path().join("notes");
//!     std::fs::create_dir(&notes)?;
//!     let text = "# Lease\n\nThe lease ends on 31 May 2027.\nThe rent is 900 euros.";
//!     std::fs::write(notes.join("lease.md"), text)?;
//!
//!     // It needs no files. The default is all-minilm-l6-v2.
//!     let config = Config { embedder: "hashing-256".into(), ..Config::default() };
//!     let kinglet = Kinglet::new(folder.path().join("home"), config);
//!     kinglet.index("notes", &[notes], &NoProgress)?;
//!
//!     // An open index serves many questions from many threads, also while a writer changes it.
//!     let index = kinglet.open("notes")?;
//!     let found = index.search("when does the lease end", &SearchOptions::default())?;
//!     assert_eq!((found.results[0].chunk.first, found.results[0].chunk.last), (1, 4));
//!
//!     let events = index.ask("When does the lease end?", &SearchOptions::default());
//!     let answer = collect_answer(events).await?;
//!     assert_eq!(answer.answer, "The lease ends on 31 May 2027. [1]");
//!     assert_eq!(answer.citations[0].first, 3);
//!     Ok(())
//! }
//! ```
//!
//! Where to begin:
//!
//! * [`Kinglet`] has the home folder and the configuration; it indexes folders and opens indexes.
//! * [`OpenIndex`] searches and answers. An answer is a stream of [`AnswerEvent`]s, which
//!   [`collect_answer`] reads to the end.
//! * [`Embedder`] and [`Generator`] are the traits for models of your own, see
//!   [`Kinglet::with_embedder`] and [`Kinglet::with_generator`]. [`Retriever`] is the trait for
//!   retrievers. `examples/` has one of each.
//! * [`formats`] reads files: bytes become text with sections and locations.
//!
//! The modules are public for the command line and the tests of this package. Only what is
//! re-exported here is meant to stay as it is.

#[doc(hidden)]
pub mod answer;
#[doc(hidden)]
pub mod chunking;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod error;
#[doc(hidden)]
pub mod eval;
#[doc(hidden)]
pub mod experiment;
#[doc(hidden)]
pub mod extract;
#[doc(hidden)]
pub mod index;
#[doc(hidden)]
pub mod ingest;
#[doc(hidden)]
pub mod language;
#[doc(hidden)]
pub mod models;
#[doc(hidden)]
pub mod near_duplicate;
#[doc(hidden)]
pub mod scan;
#[doc(hidden)]
pub mod search;
#[doc(hidden)]
pub mod subprocess;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod vector;
#[doc(hidden)]
pub mod view;

pub use kinglet_formats as formats;

pub use answer::{
    Answer, AnswerEvent, AnswerEvents, AnswerSentence, Citation, CitedSource, Passage, SentenceSupport, Timings,
    collect_answer,
};
pub use chunking::Chunk;
pub use config::Config;
pub use engine::{Embedders, Kinglet, OpenIndex};
pub use error::{Error, ErrorKind, Hint, Result};
pub use ingest::{Event, FasterEmbedder, FileNote, NoProgress, Progress, Summary};
pub use models::contracts::{EmbeddedText, Embedder, EmbedderCard, Generator, Pooling, Role, Token, TokenEmbedder};
pub use models::prompt::{AnswerForm, Prompt};
pub use models::reference::{EmbedderRef, GeneratorRef, RerankerRef, SparseEncoderRef};
pub use search::snippet::Snippet;
pub use search::{
    DuplicateLocation, FileWithWords, FilesResponse, Filter, Hit, LegScore, PendingWork, Query, Retriever,
    SearchOptions, SearchResponse, SearchResult,
};
pub use subprocess::Isolation;
pub use text::Span;
pub use vector::Vector;
