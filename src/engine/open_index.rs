//! An index that stays open: its parts and its models are loaded once and serve many questions.

use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, StreamExt};
use tokio::runtime::Handle;

use super::Kinglet;
use crate::answer::{AnswerEvent, AnswerEvents, Passage, Timings, answer, elapsed_ms};
use crate::error::{Error, Result};
use crate::index::{Index, IndexReader};
use crate::models::contracts::Generator;
use crate::search::{SearchOptions, SearchResponse};

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

/// What an answer is written from.
struct PreparedAnswer {
    response: SearchResponse,
    generator: Arc<dyn Generator>,
    retrieve_ms: u64,
    load_ms: u64,
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
        self.search_in(&self.view()?, question, self.kinglet.config.hits, options)
    }

    /// Answers `question`. Poll the events on a tokio runtime: the search runs on its blocking
    /// threads, and generators behind a server need its network.
    ///
    /// The stream yields the errors of [`OpenIndex::search`] and of [`answer()`].
    pub fn ask(&self, question: &str, options: &SearchOptions) -> AnswerEvents {
        let (this, asked, options) = (self.clone(), question.to_string(), options.clone());
        let question = question.to_string();
        let answer_tokens = self.kinglet.config.answer_tokens;
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
                Ok(prepared) => prepared.events(&question, answer_tokens),
                Err(error) => stream::iter([Err(error)]).boxed(),
            })
            .boxed()
    }

    /// Looks at the disk now, and opens what has changed, so that the next question does not have
    /// to. Returns the generation of the index: the number of its commits.
    ///
    /// # Errors
    /// As [`Kinglet::open`].
    pub fn refresh(&self) -> Result<u64> {
        Ok(self.view()?.generation())
    }

    /// A view of the index as it is now. It stays the same until it is dropped; drop it soon,
    /// because the log of the store cannot shrink meanwhile.
    ///
    /// # Errors
    /// As [`Kinglet::open`].
    #[doc(hidden)]
    pub fn view(&self) -> Result<Arc<Index>> {
        self.reader.snapshot()
    }

    fn search_in(
        &self,
        index: &Arc<Index>,
        question: &str,
        limit: usize,
        options: &SearchOptions,
    ) -> Result<SearchResponse> {
        self.kinglet.search_in(index, question, limit, options).map_err(|error| error.in_index(&self.name))
    }

    fn prepare(&self, question: &str, options: &SearchOptions) -> Result<PreparedAnswer> {
        let started = Instant::now();
        let index = self.view()?;
        let response = self.search_in(&index, question, self.kinglet.config.passages, options)?;
        let retrieve_ms = elapsed_ms(started);
        let started = Instant::now();
        let generator = self.kinglet.open_generator()?;
        Ok(PreparedAnswer { response, generator, retrieve_ms, load_ms: elapsed_ms(started) })
    }
}

impl PreparedAnswer {
    fn events(self, question: &str, answer_tokens: usize) -> AnswerEvents {
        let PreparedAnswer { response: SearchResponse { results, pending }, generator, retrieve_ms, load_ms } = self;
        let passages: Vec<Passage> = results
            .into_iter()
            .map(|result| Passage {
                path: result.path.display().to_string(),
                chunk: result.chunk,
                truncated: result.truncated,
            })
            .collect();
        let found = AnswerEvent::PassagesFound { passages: passages.clone(), pending };
        let written = answer(generator, question, passages, answer_tokens).map(move |event| {
            event.map(|event| match event {
                AnswerEvent::Finished(mut answer) => {
                    answer.timings_ms = Timings { retrieve: retrieve_ms, load: load_ms, ..answer.timings_ms };
                    answer.pending = pending;
                    AnswerEvent::Finished(answer)
                }
                event => event,
            })
        });
        stream::iter([Ok(found)]).chain(written).boxed()
    }
}
