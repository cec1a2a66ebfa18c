//! What can be typed, and the environment: the only file that knows clap or reads variables.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand};
use kinglet::config::ResolvedConfig;
use kinglet::experiment::test_collection::DEFAULT_SPLIT;
use kinglet::models::reference::EmbedderRef;
use kinglet::{Error, Result};

/// Index a folder of documents, ask questions over it with small models, offline.
#[derive(Parser)]
#[command(
    name = "kinglet",
    version,
    max_term_width = 100,
    after_help = "Start with:\n  kinglet index ~/notes\n  kinglet search \"when does the lease end\" --index notes\n  \
                  kinglet ask \"When does the lease end?\" --index notes\n\n\
                  Exit codes: 0 done, 1 nothing found, 2 could not, 3 the documents do not say, 130 interrupted"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

#[derive(Args)]
pub struct Global {
    /// Print JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more: reasons, timings, files
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// Never use the network [also: KINGLET_OFFLINE=1]
    #[arg(long, global = true)]
    pub offline: bool,
}

#[derive(Args)]
pub struct IndexArg {
    /// The index [default: the one whose folder holds the current folder]
    #[arg(long, alias = "name", value_name = "NAME")]
    pub index: Option<String>,
}

#[derive(Args)]
pub struct CollectionArgs {
    /// Questions over an index: a table of question, tab, and path or text of the answer; or lines
    /// of JSON (.jsonl)
    #[arg(long, value_name = "FILE")]
    pub questions: Option<PathBuf>,
    #[command(flatten)]
    pub index: IndexArg,
    /// A collection in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/test.tsv; with
    /// --questions, only its documents
    #[arg(long, value_name = "FOLDER", conflicts_with = "index")]
    pub beir: Option<PathBuf>,
    /// Which judgments of the collection: qrels/SPLIT.tsv
    #[arg(long, alias = "set", value_name = "SPLIT", default_value = DEFAULT_SPLIT)]
    pub split: String,
}

#[derive(Args)]
pub struct DocumentArgs {
    #[command(flatten)]
    pub index: IndexArg,
    /// A collection in BEIR's layout instead of an index
    #[arg(long, value_name = "FOLDER", conflicts_with = "index")]
    pub beir: Option<PathBuf>,
}

#[derive(Args)]
pub struct CompareArgs {
    /// The embedders; words alone (bm25) are always compared too
    #[arg(long, value_name = "ID,ID", value_delimiter = ',', required = true)]
    pub embedders: Vec<EmbedderRef>,
    /// How each is searched with: dense, sparse, hybrid, hybrid+maxsim, hybrid+maxsim+neighbours,
    /// hybrid+RERANKER, or default [default: dense,hybrid,default]
    #[arg(long, value_name = "MODE,MODE", value_delimiter = ',')]
    pub modes: Vec<String>,
    /// Compare the values of a setting too: reranker, fusion, chunking, generator, neighbours,
    /// sparse, tuning; may be given again
    #[arg(long, value_name = "KEY=A,B")]
    pub vary: Vec<String>,
    /// Where the report goes [default: comparisons/NAME in kinglet's folder]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Index folders and files; run it again to bring the index up to date
    #[command(after_help = "Examples:\n  kinglet index ~/notes\n  kinglet index docs README.md --index manual\n  \
                            kinglet index --index manual       what was indexed under that name, again\n  \
                            kinglet index --index manual --add-embedder hashing-256\n  \
                            kinglet index ~/notes --watch      and follow every change, until Ctrl-C")]
    Index {
        /// Folders and files; none means those of the last run
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The name of the index [default: the name of the first folder]
        #[arg(long, alias = "name", value_name = "NAME")]
        index: Option<String>,
        /// Hold vectors of exactly these embedders, the first of which answers
        #[arg(long, value_name = "ID,ID", value_delimiter = ',', conflicts_with = "add_embedder")]
        embedder: Vec<EmbedderRef>,
        /// Hold vectors of these embedders too
        #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
        add_embedder: Vec<EmbedderRef>,
        /// How documents are cut: auto (as before), short, standard or long
        #[arg(long)]
        chunking: Option<String>,
        /// Hold learned terms of this sparse encoder too, such as splade-tiny
        #[arg(long, value_name = "ID")]
        sparse: Option<String>,
        /// Then wait for changes and follow them, until Ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Find passages
    #[command(
        after_help = "Examples:\n  kinglet search \"error E0599\"\n  kinglet search \"who pays for repairs\" -n 3 --explain\n  \
                            kinglet search repairs --filter 'path=contracts/**' --filter 'modified>=2025-01-01'\n  \
                            kinglet search rent --mode lexical --json | jq .hits[0].path"
    )]
    Search {
        /// The question or words, as they are: nothing in them is a query language
        question: String,
        #[command(flatten)]
        index: IndexArg,
        /// How many hits to show
        #[arg(short = 'n', long, value_name = "N")]
        hits: Option<usize>,
        /// Which legs: lexical, dense, sparse or hybrid
        #[arg(long)]
        mode: Option<String>,
        /// Whose vectors: an embedder that the index has [default: its first]
        #[arg(long, value_name = "ID")]
        embedder: Option<String>,
        /// Learned terms as a leg of hybrid mode: none or splade-tiny
        #[arg(long, value_name = "ID")]
        sparse: Option<String>,
        /// How the legs become one ranking: min-max or rrf
        #[arg(long)]
        fusion: Option<String>,
        /// What looks at the first hits more closely: auto, none or maxsim
        #[arg(long)]
        rerank: Option<String>,
        /// Whether hits that are alike support each other in hybrid mode: on or off
        #[arg(long)]
        neighbours: Option<String>,
        /// Only passages that pass: path=GLOB, type=KIND, heading=GLOB, meta.KEY=GLOB,
        /// modified>=YYYY-MM-DD; may be given again
        #[arg(long, value_name = "FILTER")]
        filter: Vec<String>,
        /// Only the best passage of each: document
        #[arg(long, value_name = "WHAT", value_parser = ["document"])]
        group_by: Option<String>,
        /// Show what each leg said of each hit
        #[arg(long)]
        explain: bool,
    },
    /// Answer a question from the documents, with citations
    #[command(
        after_help = "Examples:\n  kinglet ask \"Who pays for repairs?\"\n  kinglet ask \"Who pays for repairs?\" --generator extractive\n  \
                            OPENAI_BASE_URL=http://localhost:11434/v1 kinglet ask \"Who pays?\" --generator openai:llama3.2"
    )]
    Ask {
        /// The question
        question: String,
        #[command(flatten)]
        index: IndexArg,
        /// Who writes: smollm2-135m-instruct, openai:MODEL (any OpenAI-compatible server), or
        /// extractive (quotes only)
        #[arg(long, value_name = "GENERATOR")]
        generator: Option<String>,
        /// Only passages that pass: path=GLOB, type=KIND, heading=GLOB, meta.KEY=GLOB,
        /// modified>=YYYY-MM-DD; may be given again
        #[arg(long, value_name = "FILTER")]
        filter: Vec<String>,
        /// How many passages the answer may be made from
        #[arg(long, value_name = "N")]
        passages: Option<usize>,
        /// Whose vectors: an embedder that the index has [default: its first]
        #[arg(long, value_name = "ID")]
        embedder: Option<String>,
    },
    /// Show what an index holds
    Status {
        #[command(flatten)]
        index: IndexArg,
    },
    /// List the indexes
    Ls,
    /// Remove an index; the documents are not touched
    Rm {
        /// The index
        #[arg(value_name = "NAME")]
        index: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Check runtime, models and index; each failure prints the command that mends it
    Doctor {
        #[command(flatten)]
        index: IndexArg,
    },
    /// Measure the search on questions with known answers
    #[command(
        after_help = "Examples:\n  kinglet eval --questions questions.tsv --index notes\n  kinglet eval --beir ~/data/scifact\n  kinglet eval --beir ~/data/scifact --mode lexical --json\n  \
                            kinglet eval --beir ~/data/scifact --trec scifact.run\n  kinglet eval --beir ~/data/scifact --tune"
    )]
    Eval {
        #[command(flatten)]
        collection: CollectionArgs,
        /// Which legs: lexical, dense, sparse or hybrid
        #[arg(long)]
        mode: Option<String>,
        /// Whose vectors [default: all-minilm-l6-v2]
        #[arg(long, value_name = "ID")]
        embedder: Option<String>,
        /// Learned terms as a leg of hybrid mode: none or splade-tiny
        #[arg(long, value_name = "ID")]
        sparse: Option<String>,
        /// How the legs become one ranking: min-max or rrf
        #[arg(long)]
        fusion: Option<String>,
        /// What looks at the first hits more closely: auto, none or maxsim
        #[arg(long)]
        rerank: Option<String>,
        /// Whether hits that are alike support each other in hybrid mode: on or off
        #[arg(long)]
        neighbours: Option<String>,
        /// Whose weights hybrid mode has: auto (the index's own, if it was tuned) or none
        #[arg(long)]
        tuning: Option<String>,
        /// Find weights on half of the questions, hold them against the other half, and keep them
        /// if they are better
        #[arg(long, conflicts_with_all = ["trec", "tuning"])]
        tune: bool,
        /// Write the rankings to this file, in TREC's format
        #[arg(long, value_name = "FILE")]
        trec: Option<PathBuf>,
    },
    /// Say which embedder serves your documents best, how sure that is, and what it costs
    #[command(
        after_help = "Examples:\n  kinglet compare --embedders all-minilm-l6-v2,wordllama-256 --questions questions.tsv --index notes\n  \
                            kinglet compare --embedders all-minilm-l6-v2 --modes hybrid --vary fusion=min-max,rrf --questions q.tsv\n  \
                            kinglet compare --embedders all-minilm-l6-v2,paraphrase-minilm-l3-v2 --beir ~/data/scifact --out scifact\n\n\
                            Interrupted, the same command goes on where it was."
    )]
    Compare {
        #[command(flatten)]
        collection: CollectionArgs,
        #[command(flatten)]
        compare: CompareArgs,
    },
    /// Make one of the compared systems the default of an index; nothing is removed
    #[command(
        after_help = "Examples:\n  kinglet use wordllama-256 --index notes\n  kinglet use all-minilm-l6-v2:hybrid --index notes\n  \
                            kinglet use bm25 --index notes"
    )]
    Use {
        /// bm25, an embedder, or EMBEDDER:MODE as `kinglet compare` names it
        system: String,
        #[command(flatten)]
        index: IndexArg,
    },
    /// Make questions from your documents, and look them through
    #[command(subcommand)]
    Questions(QuestionsCommand),
    /// Measure one system: what `kinglet compare` runs for each
    #[command(hide = true)]
    Measure,
    /// Read files: what `kinglet index` runs so that a hostile file cannot harm it
    #[command(hide = true)]
    Read,
    /// Show how a file is read and cut: chunks, tokens, lines
    Inspect {
        /// The file
        file: PathBuf,
        /// Print only the text that is read, as it is
        #[arg(long)]
        text: bool,
    },
    /// List, fetch and show the small models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Show the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script
    #[command(after_help = "Example:\n  kinglet completions bash > ~/.local/share/bash-completion/completions/kinglet")]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

#[derive(Subcommand)]
pub enum ModelsCommand {
    /// All models that kinglet knows, and which are here
    List,
    /// Fetch models; what is here already is left alone
    #[command(
        after_help = "Examples:\n  kinglet models pull all-minilm-l6-v2\n  kinglet models pull smollm2-135m-instruct --from /media/stick"
    )]
    Pull {
        /// Which; `kinglet models list` shows them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Take the files from this folder instead of the network
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
        /// Check what is here already too, and fetch again what is damaged
        #[arg(long)]
        force: bool,
    },
    /// Add a model of your own: a folder with its files and a model.toml that says what it is
    #[command(
        after_help = "Examples:\n  kinglet models add ~/models/my-embedder\n\nmodel.toml:\n  id = \"my-embedder\"\n  \
                            kind = \"embedder\"            or reranker\n  dimension = 384\n  max_tokens = 512\n  \
                            pooling = \"mean\"             or cls\n  query_prefix = \"query: \"     and passage_prefix\n\n\
                            Beside it: model.onnx and tokenizer.json, or with engine = \"static\" model.safetensors"
    )]
    Add {
        /// The folder
        folder: PathBuf,
    },
    /// Everything known of one model
    Show { id: String },
    /// Where the files of one model are
    Path { id: String },
}

#[derive(Subcommand)]
pub enum QuestionsCommand {
    /// Make questions from the documents, offline: from headings, definitions and salient words
    #[command(
        after_help = "Examples:\n  kinglet questions make --index notes\n  kinglet questions make --index notes --generator smollm2-135m-instruct\n  \
                            kinglet compare --embedders all-minilm-l6-v2,wordllama-256 --questions notes-questions.jsonl --index notes"
    )]
    Make {
        #[command(flatten)]
        documents: DocumentArgs,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 100)]
        count: usize,
        /// Let this language model write questions too, such as smollm2-135m-instruct
        #[arg(long, value_name = "GENERATOR")]
        generator: Option<String>,
        /// Where they go [default: NAME-questions.jsonl]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Keep, drop or edit questions one after the other
    #[command(after_help = "Example:\n  kinglet questions review notes-questions.jsonl")]
    Review {
        /// A file of `kinglet questions make`
        file: PathBuf,
    },
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Every setting, its value and where it came from
    Show,
}

impl Command {
    /// Whether an interruption should wait for the piece of work at hand.
    pub fn keeps_work(&self) -> bool {
        matches!(
            self,
            Command::Index { .. }
                | Command::Eval { .. }
                | Command::Compare { .. }
                | Command::Models(ModelsCommand::Pull { .. })
        )
    }

    /// The settings that were given as flags.
    fn flags(&self) -> Vec<(&'static str, String)> {
        let mut flags = Vec::new();
        let mut set = |key, value: Option<String>| flags.extend(value.map(|value| (key, value)));
        match self {
            Command::Index { sparse, chunking, .. } => {
                set("chunking", chunking.clone());
                set("sparse", sparse.clone());
            }
            Command::Search { hits, mode, embedder, sparse, fusion, rerank, neighbours, .. } => {
                set("embedder", embedder.clone());
                set("hits", hits.map(|hits| hits.to_string()));
                set("mode", mode.clone());
                set("sparse", sparse.clone());
                set("fusion", fusion.clone());
                set("rerank", rerank.clone());
                set("neighbours", neighbours.clone());
            }
            Command::Eval { mode, embedder, sparse, fusion, rerank, neighbours, tuning, .. } => {
                set("tuning", tuning.clone());
                set("embedder", embedder.clone());
                set("mode", mode.clone());
                set("sparse", sparse.clone());
                set("fusion", fusion.clone());
                set("rerank", rerank.clone());
                set("neighbours", neighbours.clone());
            }
            Command::Ask { generator, passages, embedder, .. } => {
                set("embedder", embedder.clone());
                set("generator", generator.clone());
                set("passages", passages.map(|passages| passages.to_string()));
            }
            _ => {}
        }
        flags
    }
}

/// Kinglet's own folder.
pub fn home() -> Result<PathBuf> {
    match std::env::var_os("KINGLET_HOME").filter(|home| !home.is_empty()) {
        Some(home) => std::path::absolute(&home).map_err(|cause| Error::io("find", Path::new(&home), cause)),
        None => directories::ProjectDirs::from("", "", "kinglet")
            .map(|folders| folders.data_dir().to_path_buf())
            .ok_or_else(|| {
                Error::input("no home folder is known on this machine").with_hint("set KINGLET_HOME to a folder")
            }),
    }
}

/// Whether the network must not be used.
pub fn is_offline(global: &Global) -> bool {
    global.offline || is_set("KINGLET_OFFLINE")
}

/// Whether models must not be fetched.
pub fn is_without_hub(global: &Global) -> bool {
    is_offline(global) || is_set("HF_HUB_OFFLINE")
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// The settings from flags, environment and `home`'s configuration file.
pub fn config(command: &Command, home: &Path) -> Result<ResolvedConfig> {
    let path = home.join("config.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => None,
        Err(cause) => return Err(Error::io("read", &path, cause)),
    };
    let file = text.as_deref().map(|text| (path.as_path(), text));
    ResolvedConfig::from_layers(file, |name| std::env::var(name).ok(), &command.flags())
}

/// Prints the completion script for `shell`.
pub fn print_completions(shell: clap_complete::Shell) {
    clap_complete::generate(shell, &mut Cli::command(), "kinglet", &mut std::io::stdout());
}

/// What was typed; prints help or usage and ends the process where that is the answer.
pub fn parse() -> Cli {
    Cli::parse()
}
