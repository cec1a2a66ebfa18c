//! The configuration of a search becomes a pipeline over a snapshot of an index.

use std::sync::Arc;

use super::Kinglet;
use crate::config::{Mode, RerankerChoice, Switch, TunedWeights};
use crate::error::{Error, Result};
use crate::index::Index;
use crate::index::fusion_weights::FusionWeights;
use crate::index::manifest::Manifest;
use crate::models::reference::RerankerRef;
use crate::search::sources::ChunkSource;
use crate::search::{
    DenseRetriever, IndexSources, LexicalRetriever, MaxSim, PassageScorer, PendingWork, Pipeline, Query, QueryEncoder,
    Retriever, SearchConfidence, SearchOptions, SearchResponse, SearchResult, SentenceScorer, SparseRetriever,
};

impl Kinglet {
    /// The passages of `index` that fit `query` best, best first; `limit` of them unless the
    /// options have a limit. The defaults of the index apply where nothing is configured.
    ///
    /// # Errors
    /// As [`Kinglet::pipeline`]; also when nothing passes the filter.
    pub(super) fn search_in(
        &self,
        index: &Arc<Index>,
        query: &Query,
        limit: usize,
        options: &SearchOptions,
    ) -> Result<SearchResponse> {
        let this = self.with_index_defaults(index.manifest())?;
        this.search_with(&this.pipeline(index)?, index, query, limit, options)
    }

    /// The same for a caller who shows nothing of the passages, so that no sentences are chosen.
    ///
    /// # Errors
    /// As [`Kinglet::pipeline`]; also when nothing passes the filter.
    pub(super) fn passages_in(
        &self,
        index: &Arc<Index>,
        query: &Query,
        limit: usize,
        options: &SearchOptions,
    ) -> Result<SearchResponse> {
        let this = self.with_index_defaults(index.manifest())?;
        this.search_with(&this.pipeline(index)?.showing_nothing(), index, query, limit, options)
    }

    fn search_with(
        &self,
        pipeline: &Pipeline,
        index: &Arc<Index>,
        query: &Query,
        limit: usize,
        options: &SearchOptions,
    ) -> Result<SearchResponse> {
        let limit = options.limit.unwrap_or(limit);
        let mut response = pipeline.search(query, limit, options.one_per_document)?;
        let compares_tokens =
            pipeline.reranks() && !matches!(self.config.rerank, RerankerChoice::Use(RerankerRef::CrossEncoder(_)));
        let results = &response.results;
        let without_late_interaction = compares_tokens && !results.is_empty() && !results.iter().any(is_compared);
        response.pending = self.pending(index)?.map(|pending| PendingWork { without_late_interaction, ..pending });
        match (options.min_confidence, response.confidence) {
            (Some(least), Some(confidence)) if confidence < least => response.results.clear(),
            (Some(_), None) if !response.results.is_empty() => {
                return Err(Error::input("such a search has no confidence, so none can be required")
                    .with_hint("leave out --min-confidence, or search English documents in hybrid or lexical mode without a sparse retriever"));
            }
            _ => {}
        }
        Ok(response)
    }

    /// The same with the defaults of an index where nothing is configured, see
    /// [`Config::with_index_defaults`](crate::Config::with_index_defaults).
    ///
    /// # Errors
    /// When the manifest has a setting that this version does not know.
    pub fn with_index_defaults(&self, manifest: &Manifest) -> Result<Kinglet> {
        Ok(self.clone().with_config(self.config.with_index_defaults(&manifest.defaults)?))
    }

    /// The fusion weights that are configured for an index.
    pub(crate) fn fusion_weights(&self, manifest: &Manifest) -> FusionWeights {
        let answering = self.answering_embedder(Some(manifest));
        let own = || manifest.fusion_weights.get(answering.as_str()).copied();
        match self.config.tuning {
            TunedWeights::Auto if self.config.is_hybrid() => own().unwrap_or_default(),
            TunedWeights::Auto | TunedWeights::None => FusionWeights::default(),
        }
    }

    /// Builds the configured search over `index`. A mode other than hybrid has one retriever,
    /// hybrid has all of them.
    ///
    /// # Errors
    /// When the index has no vectors of the embedder or no terms of the sparse encoder, or one of
    /// these models cannot be opened or cannot do what is configured.
    pub fn pipeline(&self, index: &Arc<Index>) -> Result<Pipeline> {
        let sources = IndexSources::new(index.clone());
        let weights = self.fusion_weights(index.manifest());
        let lexical = Arc::new(LexicalRetriever::new(sources.clone()));
        let sparse = self.config.searching_encoder().map(|encoder| {
            let encoder = self.open_sparse_encoder(&encoder)?;
            let terms = sources.encoder(encoder.card())?;
            Ok(Arc::new(SparseRetriever::new(terms, encoder)) as Arc<dyn Retriever>)
        });
        let sparse = sparse.transpose()?;
        // The terms of an earlier version have not the forms in which exact things are looked for.
        let has_terms = index.lexical().generation() > 0;
        if self.needs_no_embedder() {
            let sentences = Arc::new(SentenceScorer::new(sources.clone(), sources.language(), None));
            let pipeline = |retriever: Arc<dyn Retriever>| {
                let confidence = confidence(&sources, std::slice::from_ref(&retriever), None);
                let pipeline = Pipeline::new(sources.clone(), vec![retriever], self.config.fusion);
                pipeline.weighted(weights).showing(sentences.clone()).confident(confidence)
            };
            return Ok(match sparse {
                Some(sparse) => pipeline(sparse),
                None if has_terms => pipeline(lexical).preferring_exact(sources.clone()),
                None => pipeline(lexical),
            });
        }
        let embedder = match &self.embedder {
            Some(own) => own.clone(),
            None => self.open_embedder(&self.answering_embedder(Some(index.manifest())))?,
        };
        let card = embedder.card().clone();
        let vectors = || sources.embedder(&card);
        let is_hybrid = self.config.is_hybrid();
        let compares_tokens = match &self.config.rerank {
            RerankerChoice::Auto => is_hybrid && embedder.token_embedder().is_some(),
            RerankerChoice::Use(RerankerRef::MaxSim) => true,
            RerankerChoice::None | RerankerChoice::Use(RerankerRef::CrossEncoder(_)) => false,
        };
        let encoder =
            Arc::new(if compares_tokens { QueryEncoder::with_tokens(embedder)? } else { QueryEncoder::new(embedder) });
        let dense = || Ok::<_, Error>(Arc::new(DenseRetriever::new(vectors()?, encoder.clone())));
        let mut retrievers: Vec<Arc<dyn Retriever>> = match self.config.mode {
            Mode::Lexical => vec![lexical],
            Mode::Dense => vec![dense()?],
            Mode::Sparse => Vec::new(),
            Mode::Auto | Mode::Hybrid => vec![lexical, dense()?],
        };
        retrievers.extend(sparse);
        let is_unfinished = index.pending_dense(&card)? > 0;
        let maxsim = || {
            let maxsim = MaxSim::new(sources.clone(), vectors()?, encoder.clone());
            Ok::<_, Error>(Arc::new(if is_unfinished { maxsim.unfinished() } else { maxsim }))
        };
        let maxsim = if compares_tokens { Some(maxsim()?) } else { None };
        let scorer: Option<Arc<dyn PassageScorer>> = match &self.config.rerank {
            RerankerChoice::Use(RerankerRef::CrossEncoder(id)) => Some(Arc::new(self.open_cross_encoder(id)?)),
            RerankerChoice::Auto | RerankerChoice::None | RerankerChoice::Use(RerankerRef::MaxSim) => {
                maxsim.clone().map(|maxsim| maxsim as Arc<dyn PassageScorer>)
            }
        };
        // Where vectors are missing, what is shown is not worth the time that token vectors take.
        let shown_by = maxsim.filter(|_| !is_unfinished);
        let sentences = Arc::new(SentenceScorer::new(sources.clone(), sources.language(), shown_by));
        let confidence = confidence(&sources, &retrievers, Some(&card.id));
        let mut pipeline = Pipeline::new(sources.clone(), retrievers, self.config.fusion).weighted(weights);
        pipeline = pipeline.showing(sentences).confident(confidence);
        if has_terms && matches!(self.config.mode, Mode::Auto | Mode::Hybrid | Mode::Lexical) {
            pipeline = pipeline.preferring_exact(sources.clone());
        }
        if let Some(scorer) = scorer {
            pipeline = pipeline.reranked(scorer);
        }
        if is_hybrid && self.config.neighbours != Switch::Off {
            pipeline = pipeline.regularized(vectors()?);
        }
        Ok(pipeline)
    }

    /// Scores the sentences of passages of `index`, by late interaction where the embedder of
    /// searches has token vectors.
    ///
    /// # Errors
    /// As [`Kinglet::pipeline`].
    pub(crate) fn sentence_scorer(&self, index: &Arc<Index>) -> Result<SentenceScorer> {
        let this = self.with_index_defaults(index.manifest())?;
        let sources = IndexSources::new(index.clone());
        let embedder = match &this.embedder {
            _ if this.needs_no_embedder() => None,
            Some(own) => Some(own.clone()),
            None => Some(this.open_embedder(&this.answering_embedder(Some(index.manifest())))?),
        };
        let embedder = embedder.filter(|embedder| embedder.token_embedder().is_some());
        let late_interaction = embedder.map(|embedder| {
            let vectors = sources.embedder(embedder.card())?;
            let encoder = Arc::new(QueryEncoder::with_tokens(embedder)?);
            Ok::<_, Error>(Arc::new(MaxSim::new(sources.clone(), vectors, encoder)))
        });
        Ok(SentenceScorer::new(sources.clone(), sources.language(), late_interaction.transpose()?))
    }

    /// The work that is pending in the parts that this search reads.
    pub(super) fn pending(&self, index: &Index) -> Result<Option<PendingWork>> {
        let manifest = index.manifest();
        let answering = self.answering_embedder(Some(manifest));
        let card = manifest.embedders.iter().find(|card| card.id == answering.as_str() && !self.needs_no_embedder());
        let is_lexical = matches!(self.config.mode, Mode::Auto | Mode::Hybrid | Mode::Lexical);
        let encoder = self.config.searching_encoder();
        let is_searched = |id: &str| encoder.as_ref().is_some_and(|encoder| encoder.model().as_str() == id);
        let terms = manifest.sparse.iter().find(|card| is_searched(&card.id));
        let pending = PendingWork {
            lexical: if is_lexical { index.pending_lexical()? } else { 0 },
            dense: card.map_or(Ok(0), |card| index.pending_dense(card))?,
            sparse: terms.map_or(Ok(0), |card| index.pending_sparse(card))?,
            passages: index.searchable() as u64,
            unread_files: !manifest.complete,
            without_late_interaction: false,
        };
        let is_any = pending.lexical + pending.dense + pending.sparse > 0 || pending.unread_files;
        Ok(is_any.then_some(pending))
    }
}

/// True if late interaction has scored this result.
fn is_compared(result: &SearchResult) -> bool {
    result.hit.legs.iter().any(|leg| leg.leg == RerankerRef::MAXSIM)
}

/// How sure searches with these retrievers are, if that is known.
fn confidence(
    sources: &Arc<IndexSources>,
    retrievers: &[Arc<dyn Retriever>],
    embedder: Option<&str>,
) -> Option<SearchConfidence> {
    let names: Vec<&str> = retrievers.iter().map(|retriever| retriever.name()).collect();
    SearchConfidence::new(&names, embedder, sources.language(), sources.clone())
}
