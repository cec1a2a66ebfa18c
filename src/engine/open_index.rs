//! An index that stays open: its parts and its models are loaded once and serve many questions.

use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, StreamExt};
use tokio::runtime::Handle;

use super::Kinglet;
use crate::answer::{
    AnswerEvents, AnswerWriter, FoundPassages, Passage, TextSentence, Timings, answer, check_sentence, elapsed_ms,
    sentences_to_check,
};
use crate::error::{Error, Result};
use crate::index::store::ChunkId;
use crate::index::{Index, IndexReader};
use crate::models::contracts::SupportChecker;
use crate::search::{Query, ScoredSentence, SearchOptions, SearchResponse, SearchResult, sub_questions};
use crate::text::Span;

/// An open index. It answers searches and questions from many threads at once and is cheap to
/// clone: clones share the opened parts and the loaded models.
///
/// Each question sees the index as it is when the question begins. What a writer commits meanwhile
/// is seen by the next question. Nothing here takes the writer's lock or waits for it.
#[derive(Clone)]
pub struct OpenIndex {
    kinglet: Kinglet,
    name: Arc<str>,
    reader: IndexReader,
}

impl Kinglet {
    /// Opens the index called `name` for reading.
    ///
    /// # Errors
    /// When there is no such index, its first run has committed nothing yet, or a part of it is
    /// damaged.
    pub fn open(&self, name: &str) -> Result<OpenIndex> {
        let reader = IndexReader::open(&self.index_folder(name)?)?;
        Ok(OpenIndex { kinglet: self.clone(), name: name.into(), reader })
    }
}

impl OpenIndex {
    /// The name of the index.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The passages that fit `question` best, best first.
    ///
    /// # Errors
    /// When nothing in the index passes the filters, the index has no vectors of the configured
    /// embedder, or a model or a part of the index fails.
    pub fn search(&self, question: &str, options: &SearchOptions) -> Result<SearchResponse> {
        let query = Query::new(question).with_filter(options.filter.clone());
        self.search_in(&self.snapshot()?, &query, self.kinglet.config.hits, options)
    }

    /// Answers `question`. Poll the events on a tokio runtime: the search runs on its blocking
    /// threads, and generators behind a server need its network.
    ///
    /// The stream yields the errors of [`OpenIndex::search`] and of [`answer()`].
    pub fn ask(&self, question: &str, options: &SearchOptions) -> AnswerEvents {
        let (this, asked, options) = (self.clone(), question.to_string(), options.clone());
        let question = question.to_string();
        let limits = self.kinglet.config.answer_limits();
        let prepare = async move {
            let runtime = Handle::try_current().map_err(|cause| {
                Error::input("an answer is written on a tokio runtime, and there is none").with_cause(cause)
            })?;
            runtime
                .spawn_blocking(move || this.prepare(&asked, &options))
                .await
                .map_err(|cause| Error::model(format!("the search broke off: {cause}")).with_cause(cause))?
        };
        stream::once(prepare)
            .flat_map(move |prepared| match prepared {
                Ok((generator, checker, found)) => answer(generator, checker, &question, found, limits),
                Err(error) => stream::iter([Err(error)]).boxed(),
            })
            .boxed()
    }

    /// Holds each sentence of a text that somebody else wrote against the passages that are found
    /// for it. Calls `done` with the number of sentences checked and of all.
    ///
    /// # Errors
    /// As [`OpenIndex::search`].
    pub fn check(&self, text: &str, options: &SearchOptions, done: &dyn Fn(usize, usize)) -> Result<Vec<TextSentence>> {
        let index = self.snapshot()?;
        let model = match self.kinglet.checks_with_models(Some(index.manifest())) {
            true => Some(self.kinglet.open_support_checker()?),
            false => None,
        };
        let sentences = sentences_to_check(text);
        let count = sentences.len();
        let mut checked = Vec::with_capacity(count);
        for (at, (line, sentence)) in sentences.into_iter().enumerate() {
            done(at, count);
            let query = Query::new(&sentence).with_filter(options.filter.clone());
            let found = self.search_in(&index, &query, self.kinglet.config.passages, options)?;
            let passages: Vec<Passage> = found.results.into_iter().map(|result| passage(result, Vec::new())).collect();
            checked.push(check_sentence(line, sentence, &passages, model.clone())?);
        }
        Ok(checked)
    }

    /// Looks at the disk now, and opens what has changed, so that the next question does not have
    /// to. Returns the generation of the index: the number of its commits.
    ///
    /// # Errors
    /// As [`Kinglet::open`].
    pub fn refresh(&self) -> Result<u64> {
        Ok(self.snapshot()?.generation())
    }

    /// The index as it is now. It stays the same until it is dropped; drop it soon,
    /// because the log of the store cannot shrink meanwhile.
    ///
    /// # Errors
    /// As [`Kinglet::open`].
    #[doc(hidden)]
    pub fn snapshot(&self) -> Result<Arc<Index>> {
        self.reader.snapshot()
    }

    fn search_in(
        &self,
        index: &Arc<Index>,
        query: &Query,
        limit: usize,
        options: &SearchOptions,
    ) -> Result<SearchResponse> {
        self.kinglet.search_in(index, query, limit, options).map_err(|error| error.in_index(&self.name))
    }

    /// Searches, and loads the generator meanwhile.
    fn prepare(&self, question: &str, options: &SearchOptions) -> Result<PreparedAnswer> {
        let index = self.snapshot()?;
        std::thread::scope(|scope| {
            let load =
                || Ok::<_, Error>((self.kinglet.open_answer_writer()?, self.kinglet.answer_checker(index.manifest())?));
            let loading = scope.spawn(load);
            let started = Instant::now();
            let mut found = self.find_passages(question, options)?;
            let retrieve = elapsed_ms(started);
            let started = Instant::now();
            let (generator, checker) =
                loading.join().map_err(|_| Error::model("loading the generator broke off"))??;
            found.timings_ms = Timings { retrieve, load: elapsed_ms(started), ..Timings::default() };
            Ok((generator, checker, found))
        })
    }

    /// The passages that an answer is written from: those that are found for each part of the
    /// question, the best of each first; and what a reader found in them.
    ///
    /// # Errors
    /// As [`OpenIndex::search`]; also when the reader fails.
    pub(crate) fn find_passages(&self, question: &str, options: &SearchOptions) -> Result<FoundPassages> {
        let index = self.snapshot()?;
        let reader = self.kinglet.answer_reader(index.manifest())?;
        let scorer = self.kinglet.sentence_scorer(&index)?;
        let parts = sub_questions(question);
        let mut first_hits: Vec<Option<(String, Span)>> = Vec::new();
        let mut found: Vec<(usize, ChunkId, Passage)> = Vec::new();
        let mut all_pending = None;
        for (part, question) in parts.iter().enumerate() {
            let query = Query::new(question).with_filter(options.filter.clone());
            let SearchResponse { results, pending, .. } =
                self.search_in(&index, &query, self.kinglet.config.passages, options)?;
            let chunks: Vec<_> = results.iter().map(|result| (&result.chunk, result.hit.score)).collect();
            let sentences = scorer.score(&query, &chunks)?;
            let first = results.first();
            first_hits.push(first.map(|result| (result.path.display().to_string(), result.chunk.span)));
            for (rank, (result, mut sentences)) in results.into_iter().zip(sentences).enumerate() {
                sentences.iter_mut().for_each(|sentence| sentence.part = part);
                match found.iter_mut().find(|(_, chunk, _)| *chunk == result.hit.chunk) {
                    Some((_, _, known)) => known.take_better_scores(&sentences),
                    None => found.push((rank, result.hit.chunk, passage(result, sentences))),
                }
            }
            all_pending = all_pending.or(pending);
        }
        found.sort_by_key(|(rank, ..)| *rank); // stable: the first part first
        let passages = found.into_iter().map(|(.., passage)| passage).collect();
        let found = FoundPassages { passages, pending: all_pending, ..FoundPassages::default() };
        let mut found = found.readable(self.kinglet.config.answer_limits());
        let Some(reader) = reader else { return Ok(found) };
        for (question, first) in parts.iter().zip(first_hits) {
            let is_first = |passage: &Passage| {
                first.as_ref().is_some_and(|(path, span)| passage.path == *path && passage.chunk.span == *span)
            };
            let first = found.passages.iter().position(is_first).unwrap_or_default();
            found.readings.extend(reader.read(question, first, &mut found.passages)?);
        }
        Ok(found)
    }
}

/// What an answer needs.
type PreparedAnswer = (AnswerWriter, Option<Arc<dyn SupportChecker>>, FoundPassages);

fn passage(result: SearchResult, sentences: Vec<ScoredSentence>) -> Passage {
    let SearchResult { path, chunk, truncated, .. } = result;
    Passage { path: path.display().to_string(), chunk, truncated, sentences }
}
