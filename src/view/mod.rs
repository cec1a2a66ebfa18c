//! Serialisable results, the same for the command line and for servers. The handbook's page
//! `json.md` documents every key.

mod answer;
mod calibration;
mod check;
mod evaluation;
mod file;
mod files;
mod index;
mod model;
mod search;
mod settings;
mod text_check;

use std::path::Path;

use serde::Serialize;

pub use answer::{
    AnswerView, AnswerableView, CascadeView, CitationView, DisagreementView, LeftOutView, SourceView, TimingsView,
};
pub use calibration::CalibrationView;
pub use check::{CheckView, ChecksView};
pub use evaluation::{AnswerEvaluationView, ComparisonView, EvaluationView, GeneratedQuestionsView, TuningView};
pub use file::{ChunkView, FileView};
pub use files::{FileCountView, FilesView};
pub use index::{
    FileInstructionsView, FileReasonView, FileWarningView, IndexEntryView, IndexListView, IndexView, IndexingView,
};
pub use model::{MeasuredSpeedView, ModelListView, ModelView, SpeedListView};
pub use search::{CorrectionView, DuplicateView, HitView, LegView, PendingView, SearchView, SnippetView};
pub use settings::{SettingView, SettingsView};
pub use text_check::{QuoteView, SentenceView, TextCheckView, TextSentenceView};

use crate::chunking::Chunk;
use kinglet_formats::LocationUnit;

/// A location in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Location {
    /// The unit of `start` and `end`, such as `line` or `page`.
    pub unit: &'static str,
    /// The first unit, from 1.
    pub start: u32,
    /// The last unit.
    pub end: u32,
    /// The suffix that makes the path open there, such as `:3-7` or `#page=3`.
    pub suffix: String,
}

impl Location {
    fn new(unit: LocationUnit, start: u32, end: u32, suffix: &str) -> Self {
        Location { unit: unit.name(), start, end, suffix: suffix.to_string() }
    }

    fn of(chunk: &Chunk) -> Self {
        Location::new(chunk.unit, chunk.first, chunk.last, &chunk.after_path())
    }
}

/// Leaves out what is only worth saying if it is true.
fn is_false(value: &bool) -> bool {
    !value
}

/// The path, relative to `base` if it is below it.
pub fn relative(path: &Path, base: &Path) -> String {
    match path.strip_prefix(base) {
        Ok(below) if !base.as_os_str().is_empty() && !below.as_os_str().is_empty() => below.display().to_string(),
        _ => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::answer::{Conflict, SupportLabel};
    use crate::engine::generator_speed::GeneratorSpeed;
    use crate::eval::comparison::tests::system_run;
    use crate::eval::comparison::{AnswerShares, Stage, compare_runs};
    use crate::eval::report::{About, Report};
    use crate::eval::significance::difference;
    use crate::eval::{estimates, metrics::Metrics};
    use crate::index::calibration::ReadingFeatures;
    use crate::index::fusion_weights::FusionWeights;
    use crate::models::contracts::SupportScores;

    /// Objects whose keys are data.
    const MAPS: [&str; 3] = ["vectors", "defaults", "settings"];

    fn location() -> Location {
        Location { unit: "page", start: 3, end: 4, suffix: "#page=3-4".to_string() }
    }

    fn text() -> String {
        "text".to_string()
    }

    fn pending() -> Option<PendingView> {
        Some(PendingView {
            lexical: 1,
            dense: 1,
            sparse: 1,
            passages: 2,
            unread_files: true,
            without_late_interaction: true,
        })
    }

    fn search() -> SearchView {
        let (path, location, truncated) = (text(), location(), Some(text()));
        let duplicates = vec![DuplicateView { path: text(), location: location.clone() }];
        let legs = vec![LegView { leg: text(), rank: 1, score: 1.0, contribution: 1.0 }];
        let snippet = SnippetView { text: text(), location: location.clone(), headings: vec![text()] };
        let (headings, partial, instructions) = (vec![text()], vec![text()], vec![text()]);
        let hit = HitView {
            path,
            location,
            headings,
            score: 1.0,
            legs,
            text: text(),
            snippet,
            duplicates,
            more_in_file: Some(1),
            index: Some(text()),
            partial,
            instructions,
            truncated,
            gone: true,
        };
        SearchView {
            hits: vec![hit],
            confidence: Some(0.9),
            corrections: corrections(),
            absent_phrases: vec![text()],
            pending: pending(),
        }
    }

    fn corrections() -> Vec<CorrectionView> {
        vec![CorrectionView { typed: text(), searched: text() }]
    }

    fn files() -> FilesView {
        let file = FileCountView { path: text(), passages: 1 };
        FilesView { files: vec![file], words: vec![text()], corrections: corrections(), pending: pending() }
    }

    fn quote() -> QuoteView {
        QuoteView { source: Some(1), quote: text(), path: text(), place: location(), span: [1, 2] }
    }

    fn sentence() -> SentenceView {
        let model = SupportScores { supported: 0.5, partly: 0.25, not: 0.25, contradicted: 0.5 };
        SentenceView {
            text: text(),
            label: SupportLabel::Supported,
            score: 0.5,
            quotes: vec![quote()],
            conflicts: vec![Conflict::Negation],
            overlap: 0.5,
            model: Some(model),
        }
    }

    fn answer() -> AnswerView {
        AnswerView {
            answer: text(),
            citations: vec![CitationView { n: 1, path: text(), location: location(), quote: text(), span: [1, 2] }],
            sentences: vec![sentence()],
            answerable: vec![AnswerableView {
                probability: 0.5,
                answered: true,
                shifted: false,
                lead: 1.0,
                disagreements: vec![DisagreementView { answer: text(), quote: quote() }],
                scores: ReadingFeatures { answerable: 1.0, span_margin: 1.0 },
            }],
            refused: false,
            unsupported: vec![text()],
            unknown_citations: vec![7],
            generator: text(),
            prompt_tokens: 1,
            confidence: 0.5,
            cascade: Some(CascadeView { small: text(), confidence: 0.4, doubt: Some(text()), small_ms: 1 }),
            sources: vec![SourceView {
                n: 1,
                path: text(),
                location: location(),
                heading: text(),
                truncated: Some(text()),
                gone: true,
            }],
            nearest: vec![CitationView { n: 1, path: text(), location: location(), quote: text(), span: [1, 2] }],
            instructions_left_out: vec![LeftOutView { path: text(), location: location(), sentences: 1 }],
            timings_ms: TimingsView { retrieve: 1, load: 1, read: 1, write: 1 },
            corrections: corrections(),
            pending: pending(),
        }
    }

    fn indexing() -> IndexingView {
        let files = || vec![FileReasonView { path: text(), reason: text() }];
        IndexingView {
            name: text(),
            read: 1,
            unchanged: 1,
            removed: 1,
            repaired: Some(1),
            gone: vec![text().into()],
            skipped: files(),
            truncated: files(),
            chunks: 1,
            embedded: 1,
            read_ms: 1,
            embed_ms: 1,
            commit_ms: 1,
        }
    }

    fn index() -> IndexView {
        IndexView {
            name: text(),
            folder: text().into(),
            roots: vec![text().into()],
            documents: 1,
            skipped: vec![FileReasonView { path: text(), reason: text() }],
            warnings: vec![FileWarningView { path: text(), warning: text(), truncated: true }],
            instructions: vec![FileInstructionsView { path: text(), passages: 1 }],
            chunks: 3,
            exact_duplicates: 1,
            near_duplicates: 1,
            boilerplate_lines: 1,
            vectors: BTreeMap::from([("hashing-256".to_string(), 2)]),
            complete: true,
            language: text(),
            embedders: vec![text()],
            sparse_encoders: vec![text()],
            defaults: BTreeMap::from([("mode".to_string(), "dense".to_string())]),
            generation: 1,
            size_bytes: 1,
        }
    }

    fn indexes() -> IndexListView {
        let searchable =
            IndexEntryView::Searchable { name: text(), documents: 1, chunks: 1, roots: vec![text().into()] };
        IndexListView { indexes: vec![searchable, IndexEntryView::Unreadable { name: text(), error: text() }] }
    }

    fn file() -> FileView {
        let (location, headings, text_) = (location(), vec![text()], text());
        let tokens = Some(1);
        let chunk =
            ChunkView { location, start_byte: 0, end_byte: 1, headings, tokens, over_token_limit: false, text: text_ };
        FileView { path: text(), chunks: vec![chunk] }
    }

    fn models() -> ModelListView {
        let model = ModelView {
            id: text(),
            kind: text(),
            size_bytes: Some(1),
            estimated_bytes: Some(1),
            licence: text(),
            description: text(),
            parameters: Some(1),
            installed: true,
            memory_bytes: Some(1),
            fits: Some(true),
            speed: Some(speed()),
        };
        ModelListView { models: vec![model] }
    }

    fn speed() -> GeneratorSpeed {
        GeneratorSpeed { read_tokens_per_second: 1.0, write_tokens_per_second: Some(1.0) }
    }

    fn checks() -> ChecksView {
        ChecksView { checks: vec![CheckView { part: text(), ok: false, detail: text(), hint: Some(text()) }] }
    }

    fn settings() -> SettingsView {
        let setting = SettingView { value: toml::Value::Integer(10), source: text() };
        SettingsView { home: text().into(), settings: BTreeMap::from([("hits".to_string(), setting)]) }
    }

    fn evaluation() -> EvaluationView {
        let estimates = estimates(&[Metrics::default()]).to_vec();
        let (collection, means) = (text(), Metrics::default());
        EvaluationView { collection, documents: 1, questions: 1, means, estimates, p50_ms: 1.0, p95_ms: 1.0 }
    }

    fn tuning() -> TuningView {
        TuningView {
            collection: text(),
            embedder: text(),
            weights: FusionWeights::default(),
            training_questions: 1,
            held_out_questions: 1,
            training_ndcg_at_10: [0.0, 1.0],
            held_out_ndcg_at_10: [0.0, 1.0],
            difference: difference(&[1.0], &[0.0]),
            is_kept: true,
        }
    }

    fn comparison() -> ComparisonView {
        let mut comparisons =
            compare_runs(&[system_run("a:dense", &[1; 12], 1.0), system_run("bm25", &[2; 12], 1.0)], None);
        let comparison = &mut comparisons[0];
        comparison.slices.push(crate::eval::comparison::slices::Slice {
            by: "length",
            name: text(),
            questions: 5,
            means: vec![1.0, 0.5],
        });
        let right = comparison.systems[0].estimates[0];
        comparison.systems[0].answers =
            Some(AnswerShares { answered: 1.0, refused: 0.0, supported: 1.0, right, right_by_question: vec![1.0] });
        comparison.systems[0].cost.stages.push(Stage { name: text(), p50_ms: 1.0, p95_ms: 1.0 });
        let about = About {
            name: text(),
            documents: 1,
            chunks: 1,
            machine: text(),
            version: text(),
            left_out: vec![text()],
            can_be_used: true,
        };
        ComparisonView { report: Report { about, comparisons }, page: text().into() }
    }

    fn generated_questions() -> GeneratedQuestionsView {
        GeneratedQuestionsView { file: text().into(), questions: 1, copied: 1, not_found: 1, duplicates: 1 }
    }

    /// Every key of every object in `value`.
    fn keys(value: &Value, names: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    names.push(key.clone());
                    let data = value.as_object().filter(|_| MAPS.contains(&key.as_str()));
                    match data {
                        Some(entries) => entries.values().for_each(|entry| keys(entry, names)),
                        None => keys(value, names),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| keys(value, names)),
            _ => {}
        }
    }

    fn json(view: impl Serialize) -> Value {
        serde_json::to_value(view).unwrap()
    }

    #[test]
    fn the_handbook_documents_every_key_in_its_section() {
        let page = include_str!("../../corpora/handbook/json.md");
        let section = |heading: &str| {
            let from = page.split(&format!("\n## {heading}\n")).nth(1);
            from.unwrap_or_else(|| panic!("no section {heading}")).split("\n## ").next().unwrap()
        };
        for (sections, example) in [
            (&["search --json", "Locations"][..], json(search())),
            (&["search --files --json", "search --json"], json(files())),
            (&["ask --json", "Locations", "search --json"], json(answer())),
            (&["index --json"], json(indexing())),
            (&["status --json"], json(index())),
            (&["ls --json"], json(indexes())),
            (&["inspect --json", "Locations"], json(file())),
            (&["models --json"], json(models())),
            (&["models --json"], json(SpeedListView::new(vec![(text(), speed())]))),
            (&["config show --json"], json(settings())),
            (&["doctor --json"], json(checks())),
            (&["eval --json"], json(evaluation())),
            (&["eval --json", "compare --json"], json(tuning())),
            (&["compare --json", "eval --json"], json(comparison())),
            (&["questions make --json"], json(generated_questions())),
        ] {
            let text: String = sections.iter().map(|heading| section(heading)).collect();
            let mut names = Vec::new();
            keys(&example, &mut names);
            assert!(!names.is_empty());
            for key in names {
                let is_there = [format!("`{key}`"), format!("\"{key}\"")].iter().any(|written| text.contains(written));
                assert!(is_there, "json.md does not say in {sections:?} what `{key}` is");
            }
        }
    }

    #[test]
    fn only_paths_below_the_base_become_relative() {
        let base = Path::new("/notes");
        assert_eq!(relative(Path::new("/notes/a/b.md"), base), "a/b.md");
        assert_eq!(relative(Path::new("/notes-2/b.md"), base), "/notes-2/b.md");
        assert_eq!(relative(Path::new("/notes"), base), "/notes");
        assert_eq!(relative(Path::new("/notes/a.md"), Path::new("")), "/notes/a.md");
    }
}
