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
use crate::config::{Config, Mode};
use crate::error::{Error, Result};
use crate::index::store::ChunkId;
use crate::index::{Index, IndexReader};
use crate::models::contracts::SupportChecker;
use crate::search::{
    Correction, FilesResponse, Filter, IndexSources, PendingWork, Query, ScoredSentence, SearchOptions, SearchResponse,
    SearchResult, TypedQuery, correct, files, sub_questions, symbols,
};
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

    /// The passages that fit `question` best, best first. Words in double quotes stand next to each
    /// other in all of them, and a word after a dash (`-word`) in none; misspelled words are
    /// corrected. The options can switch both off.
    ///
    /// # Errors
    /// When nothing in the index passes the filters, the index has no vectors of the configured
    /// embedder, or a model or a part of the index fails.
    pub fn search(&self, question: &str, options: &SearchOptions) -> Result<SearchResponse> {
        let index = self.snapshot()?;
        let Typed { text, corrections, filter, is_unmet, absent_phrases } = self.typed(&index, question, options)?;
        if is_unmet {
            return Ok(SearchResponse { is_unmet, absent_phrases, ..SearchResponse::default() });
        }
        let query = Query::new(text).with_filter(filter);
        let found = self.kinglet.search_in(&index, &query, self.kinglet.config.hits, options);
        let found = found.map_err(|error| error.in_index(&self.name))?;
        Ok(SearchResponse { corrections, ..found })
    }

    /// All passages of source code in which `symbol` is defined: a name, or a title such as `struct
    /// SegmentReader`. Those with the same capitals come first.
    ///
    /// # Errors
    /// When nothing in the index passes the filters, or the index fails.
    pub fn symbols(&self, symbol: &str, options: &SearchOptions) -> Result<SearchResponse> {
        let index = self.snapshot()?;
        let results = symbols(&IndexSources::new(index.clone()), symbol, options.filter.as_ref());
        let results = results.map_err(|error| error.in_index(&self.name))?;
        let (lexical, passages) = (index.pending_lexical()?, index.searchable() as u64);
        let unread_files = !index.manifest().complete;
        let pending = PendingWork { lexical, passages, unread_files, ..PendingWork::default() };
        let pending = (lexical > 0 || unread_files).then_some(pending);
        Ok(SearchResponse { results, pending, ..SearchResponse::default() })
    }

    /// All files with a passage that has every word of `question`, except words like "who" and
    /// "the". Words in quotes stand next to each other, and a word after a dash does not occur. It
    /// needs no model.
    ///
    /// # Errors
    /// When nothing in the index passes the filter, or a part of the index fails.
    pub fn files(&self, question: &str, options: &SearchOptions) -> Result<FilesResponse> {
        let index = self.snapshot()?;
        let Typed { text, corrections, filter, is_unmet, absent_phrases } = self.typed(&index, question, options)?;
        if is_unmet {
            return Ok(FilesResponse { is_unmet, absent_phrases, ..FilesResponse::default() });
        }
        let found = files(IndexSources::new(index.clone()).as_ref(), &text, filter.as_ref());
        let found = found.map_err(|error| error.in_index(&self.name))?;
        let lexical = Config { mode: Mode::Lexical, ..self.kinglet.config.clone() };
        Ok(FilesResponse { pending: self.kinglet.clone().with_config(lexical).pending(&index)?, corrections, ..found })
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
            let found = self.passages_for(&index, &query, options)?;
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

    /// Takes apart what was typed, and corrects its words.
    fn typed(&self, index: &Arc<Index>, question: &str, options: &SearchOptions) -> Result<Typed> {
        let typed = if options.literal { TypedQuery::literal(question) } else { TypedQuery::parse(question) };
        if !typed.conditions.is_empty() && !typed.text.contains(char::is_alphanumeric) {
            return Err(Error::input("there is nothing to look for, only something to leave out")
                .with_hint("add what you look for; or use --literal, which takes a dash as it is"));
        }
        let filter = Filter::all(options.filter.iter().chain(&typed.conditions).cloned().collect());
        let mut absent_phrases = Vec::new();
        let mut is_unmet = false;
        if let Some(filter) = filter.as_ref().filter(|_| !typed.conditions.is_empty()) {
            let sources = IndexSources::new(index.clone());
            sources.filtered(options.filter.as_ref()).map_err(|error| error.in_index(&self.name))?;
            is_unmet = !sources.passes_any(filter).map_err(|error| error.in_index(&self.name))?;
            for phrase in typed.phrases.into_iter().filter(|_| is_unmet) {
                if !sources.passes_any(&Filter::Phrase(phrase.clone()))? {
                    absent_phrases.push(phrase);
                }
            }
        }
        let (text, corrections) = match is_unmet {
            true => (typed.text, Vec::new()),
            false => corrected(index, &typed.text, options)?,
        };
        Ok(Typed { text, corrections, filter, is_unmet, absent_phrases })
    }

    /// Finds the passages that an answer or a check reads, of which nothing is shown.
    fn passages_for(&self, index: &Arc<Index>, query: &Query, options: &SearchOptions) -> Result<SearchResponse> {
        let found = self.kinglet.passages_in(index, query, self.kinglet.config.passages, options);
        found.map_err(|error| error.in_index(&self.name))
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
        let (mut asked, mut corrections) = (Vec::new(), Vec::new());
        for (part, question) in parts.iter().enumerate() {
            let (text, corrected) = corrected(&index, question, options)?;
            corrections.extend(corrected.into_iter().filter(|it| !corrections.contains(it)).collect::<Vec<_>>());
            let query = Query::new(&text).with_filter(options.filter.clone());
            asked.push(text);
            let SearchResponse { results, pending, .. } = self.passages_for(&index, &query, options)?;
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
            if all_pending.is_none() || pending.is_some_and(|pending| pending.without_late_interaction) {
                all_pending = pending;
            }
        }
        found.sort_by_key(|(rank, ..)| *rank); // stable: the first part first
        let passages = found.into_iter().map(|(.., passage)| passage).collect();
        let found = FoundPassages { passages, pending: all_pending, corrections, ..FoundPassages::default() };
        let mut found = found.readable(self.kinglet.config.answer_limits());
        let Some(reader) = reader else { return Ok(found) };
        for (question, first) in asked.iter().zip(first_hits) {
            let is_first = |passage: &Passage| {
                first.as_ref().is_some_and(|(path, span)| passage.path == *path && passage.chunk.span == *span)
            };
            let first = found.passages.iter().position(is_first).unwrap_or_default();
            found.readings.extend(reader.read(question, first, &mut found.passages)?);
        }
        Ok(found)
    }
}

/// A question with its misspelled words corrected, and these words.
fn corrected(index: &Arc<Index>, question: &str, options: &SearchOptions) -> Result<(String, Vec<Correction>)> {
    if options.literal || options.keep_spelling {
        return Ok((question.to_string(), Vec::new()));
    }
    correct(question, IndexSources::new(index.clone()).as_ref())
}

/// What was typed, taken apart.
struct Typed {
    text: String,
    corrections: Vec<Correction>,
    /// What passages must pass.
    filter: Option<Filter>,
    /// True if no passage passes.
    is_unmet: bool,
    /// The phrases that no passage has.
    absent_phrases: Vec<String>,
}

/// What an answer needs.
type PreparedAnswer = (AnswerWriter, Option<Arc<dyn SupportChecker>>, FoundPassages);

fn passage(result: SearchResult, sentences: Vec<ScoredSentence>) -> Passage {
    let SearchResult { path, chunk, truncated, gone, .. } = result;
    Passage { path: path.display().to_string(), chunk, truncated, gone, sentences }
}
