//! The command line and the environment: the only file that uses clap or reads environment
//! variables.

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
                  Exit codes: 0 done, 1 nothing found, 2 failed, 3 no answer in the documents, 130 interrupted"
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
    /// Print more: reasons, timings, files
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
pub struct IndexesArg {
    /// The index, several with commas between them, or all [default: the one whose folder holds the
    /// current folder]
    #[arg(long, alias = "name", value_name = "NAME", value_delimiter = ',')]
    pub index: Vec<String>,
}

#[derive(Args)]
pub struct CollectionArgs {
    /// Questions on an index, one a line: question, tab, and path or text of the answer; or JSON
    /// lines (.jsonl)
    #[arg(long, value_name = "FILE")]
    pub questions: Option<PathBuf>,
    #[command(flatten)]
    pub index: IndexArg,
    /// A test collection in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/test.tsv; with
    /// --questions, only its documents are used
    #[arg(long, value_name = "FOLDER", conflicts_with = "index")]
    pub beir: Option<PathBuf>,
    /// The judgments to use: qrels/SPLIT.tsv
    #[arg(long, alias = "set", value_name = "SPLIT", default_value = DEFAULT_SPLIT)]
    pub split: String,
}

#[derive(Args)]
pub struct DocumentArgs {
    #[command(flatten)]
    pub index: IndexArg,
    /// A test collection in BEIR's layout instead of an index
    #[arg(long, value_name = "FOLDER", conflicts_with = "index")]
    pub beir: Option<PathBuf>,
}

#[derive(Args)]
pub struct CompareArgs {
    /// The embedders; the words alone, and what the index uses now, are always compared too
    #[arg(long, value_name = "ID,ID", value_delimiter = ',', required = true)]
    pub embedders: Vec<EmbedderRef>,
    /// Modes to compare for each embedder: dense, sparse, hybrid, hybrid+maxsim,
    /// hybrid+maxsim+neighbours, hybrid+RERANKER, or default [default: dense,hybrid,default; for
    /// generators: default]
    #[arg(long, value_name = "MODE,MODE", value_delimiter = ',')]
    pub modes: Vec<String>,
    /// Also compare the values of a setting: reranker, fusion, chunking, neighbours, sparse,
    /// tuning; repeatable; or compare generators by their answers: generator=A,B
    #[arg(long, value_name = "KEY=A,B")]
    pub vary: Vec<String>,
    /// Folder for the report [default: comparisons/NAME in kinglet's home folder]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Index folders and files, or update an index
    #[command(after_help = "Examples:\n  kinglet index ~/notes\n  kinglet index docs README.md --index manual\n  \
                            kinglet index --index manual       update that index\n  \
                            kinglet index --index manual --add-embedder hashing-256\n  \
                            kinglet index --index manual --drop ~/docs/old\n  \
                            kinglet index ~/notes --watch      index every change, until Ctrl-C")]
    Index {
        /// Folders and files [default: those that the index covers]
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The name of the index [default: the name of the first folder]
        #[arg(long, alias = "name", value_name = "NAME")]
        index: Option<String>,
        /// Keep vectors of exactly these embedders; the first is the default
        #[arg(long, value_name = "ID,ID", value_delimiter = ',', conflicts_with = "add_embedder")]
        embedder: Vec<EmbedderRef>,
        /// Add vectors of these embedders
        #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
        add_embedder: Vec<EmbedderRef>,
        /// Chunk size: auto (unchanged), short, standard or long
        #[arg(long)]
        chunking: Option<String>,
        /// Add sparse vectors of this encoder, such as splade-tiny
        #[arg(long, value_name = "ID")]
        sparse: Option<String>,
        /// Take this folder or file out of the index; the documents are not touched
        #[arg(long, value_name = "PATH", requires = "index")]
        drop: Vec<PathBuf>,
        /// Watch for changes and keep indexing, until Ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Find passages
    #[command(
        after_help = "Examples:\n  kinglet search \"error E0599\"\n  kinglet search \"who pays for repairs\" -n 3 --explain\n  \
                            kinglet search '\"cold start\" time -memory'\n  kinglet search --symbol SegmentReader\n  \
                            kinglet search --files \"deposit repairs\"\n  kinglet search rent --index notes,contracts\n  \
                            kinglet search repairs --filter path=contracts --filter 'modified>=2025-01-01'\n  \
                            kinglet search rent --filter type=pdf,word --filter 'path!=contracts/old'\n  \
                            kinglet search rent --mode lexical --json | jq .hits[0].path\n  \
                            kinglet search \"error E0599\" --min-confidence 0.5 || echo none"
    )]
    Search {
        /// The question or keywords: plain text, but words in double quotes stand next to each
        /// other, and -word does not occur
        #[arg(required_unless_present = "symbol")]
        question: Option<String>,
        #[command(flatten)]
        index: IndexesArg,
        /// Find where this name is defined in source code, instead of a question
        #[arg(long, value_name = "NAME", conflicts_with_all = ["question", "files", "hits", "group_by", "min_confidence"])]
        symbol: Option<String>,
        /// Take the question as it is: no quotes, no exclusions, no corrections
        #[arg(long)]
        literal: bool,
        /// Do not correct misspelled words
        #[arg(long)]
        no_correct: bool,
        /// Number of hits to show
        #[arg(short = 'n', long, value_name = "N")]
        hits: Option<usize>,
        /// The retrievers: lexical, dense, sparse or hybrid
        #[arg(long)]
        mode: Option<String>,
        /// An embedder that the index has [default: its first]
        #[arg(long, value_name = "ID")]
        embedder: Option<String>,
        /// The sparse retriever of hybrid mode: none or splade-tiny
        #[arg(long, value_name = "ID")]
        sparse: Option<String>,
        /// How to fuse the rankings: min-max or rrf
        #[arg(long)]
        fusion: Option<String>,
        /// How to rerank the first hits: auto, none, maxsim or a reranker model
        #[arg(long)]
        rerank: Option<String>,
        /// Score regularization in hybrid mode (similar hits support each other): on or off
        #[arg(long)]
        neighbours: Option<String>,
        /// Only matching passages: path=PATH, type=KIND, heading=GLOB, meta.KEY=GLOB,
        /// modified>=YYYY-MM-DD; != for all others, A,B for one of several; repeatable
        #[arg(long, value_name = "FILTER")]
        filter: Vec<String>,
        /// Show only the best passage of each document, and how many more it has
        #[arg(long, value_name = "WHAT", value_parser = ["document"])]
        group_by: Option<String>,
        /// List every file with a passage that has all words of the question, and the number of
        /// such passages; needs no model
        #[arg(long, conflicts_with_all = [
            "hits", "mode", "embedder", "sparse", "fusion", "rerank", "neighbours", "group_by", "explain",
        ])]
        files: bool,
        /// Find nothing if the search is less sure than this that its first hits fit: 0 to 1
        #[arg(long, value_name = "P", value_parser = probability)]
        min_confidence: Option<f32>,
        /// Show each retriever's rank, score and contribution
        #[arg(long)]
        explain: bool,
    },
    /// Answer a question from the documents, with citations
    #[command(
        after_help = "Examples:\n  kinglet ask \"Who pays for repairs?\"\n  kinglet ask \"Who pays for repairs?\" --generator qwen2.5-coder-1.5b-instruct\n  \
                            kinglet ask \"Who pays for repairs?\" --generator ollama:qwen3:1.7b\n  \
                            OPENAI_BASE_URL=http://localhost:8080/v1 kinglet ask \"Who pays?\" --generator openai:my-model"
    )]
    Ask {
        /// The question
        question: String,
        #[command(flatten)]
        index: IndexArg,
        /// Do not correct misspelled words
        #[arg(long)]
        no_correct: bool,
        /// What writes the answer: extractive (quotes), a language model of `kinglet models list`,
        /// PATH.gguf, ollama:MODEL, or openai:MODEL (any OpenAI-compatible server) [default:
        /// extractive]
        #[arg(long, value_name = "GENERATOR")]
        generator: Option<String>,
        /// Two generators: the second is asked only if the answer of the first is doubtful
        #[arg(long, value_name = "SMALL,LARGE", value_parser = cascade, conflicts_with = "generator")]
        cascade: Option<String>,
        /// Only matching passages: path=PATH, type=KIND, heading=GLOB, meta.KEY=GLOB,
        /// modified>=YYYY-MM-DD; != for all others, A,B for one of several; repeatable
        #[arg(long, value_name = "FILTER")]
        filter: Vec<String>,
        /// Number of passages whose sentences the generator may get
        #[arg(long, value_name = "N")]
        passages: Option<usize>,
        /// Most tokens of passages that the generator reads: it gets the best sentences
        #[arg(long, value_name = "TOKENS")]
        budget: Option<usize>,
        /// The share of wrong answers that you accept, such as 0.3: the smaller, the more questions
        /// are refused [default: a balance of both]
        #[arg(long, value_name = "SHARE")]
        risk: Option<String>,
        /// What becomes of sentences that no passage supports: mark, drop, or retry (write again
        /// from the best sentence)
        #[arg(long, value_name = "WHAT")]
        unsupported: Option<String>,
        /// Show why each sentence counts as supported or not
        #[arg(long)]
        explain: bool,
        /// What checks answers: auto, models (a reader and a support checker) or words
        #[arg(long, value_name = "WHAT")]
        checks: Option<String>,
        /// Sentences of documents that read like instructions to a model: leave-out or read
        #[arg(long, value_name = "WHAT")]
        instructions: Option<String>,
        /// An embedder that the index has [default: its first]
        #[arg(long, value_name = "ID")]
        embedder: Option<String>,
    },
    /// Hold a text that somebody wrote against the documents, sentence by sentence
    #[command(
        after_help = "Examples:\n  kinglet check draft.md --index notes\n  kinglet check draft.md --index notes --explain\n  \
                            kinglet inspect report.docx --text | kinglet check - --index notes\n\n\
                            Exit codes: 0 every sentence is supported, 1 some are not, 2 failed"
    )]
    Check {
        /// A text file, with citations or without; - for standard input
        file: PathBuf,
        #[command(flatten)]
        index: IndexArg,
        /// Number of passages that each sentence is held against
        #[arg(long, value_name = "N")]
        passages: Option<usize>,
        /// Show the parts of each score
        #[arg(long)]
        explain: bool,
    },
    /// Learn on an index how sure the reader must be of an answer
    #[command(
        after_help = "Examples:\n  kinglet calibrate --index notes\n  kinglet calibrate --index notes --questions questions.jsonl\n\n\
                            Without a file, questions are made out of the documents, and others that they do not answer.\n\
                            In a file (.jsonl), one with \"answers\": [] is one that the documents do not answer."
    )]
    Calibrate {
        #[command(flatten)]
        index: IndexArg,
        /// Questions with the places of their answers, as for kinglet eval
        #[arg(long, value_name = "FILE")]
        questions: Option<PathBuf>,
        /// Number of questions to make
        #[arg(long, value_name = "N", default_value_t = 200, conflicts_with = "questions")]
        count: usize,
    },
    /// Show what an index holds
    Status {
        #[command(flatten)]
        index: IndexArg,
    },
    /// List the indexes
    Ls,
    /// Tell an index that its folder was moved; embeds nothing again
    #[command(after_help = "Examples:\n  kinglet move notes ~/documents/notes\n  \
                            kinglet move work /media/disk/letters --from ~/letters\n\n\
                            Move the folder itself first. Then `kinglet index --index notes` reads what has changed.")]
    Move {
        /// The index
        #[arg(value_name = "NAME")]
        index: String,
        /// Where the folder is now
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Where it was [default: the folder of the index, if it covers only one]
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
    },
    /// Give an index another name
    #[command(after_help = "Example:\n  kinglet rename notes diary")]
    Rename {
        /// The index
        #[arg(value_name = "NAME")]
        index: String,
        /// Its new name
        #[arg(value_name = "NEW")]
        new: String,
    },
    /// Remove an index; the documents are not touched
    Rm {
        /// The index
        #[arg(value_name = "NAME")]
        index: String,
        /// Do not ask for confirmation
        #[arg(long, short)]
        yes: bool,
    },
    /// Check runtime, models and index; print the command that repairs each failure
    Doctor {
        #[command(flatten)]
        index: IndexArg,
    },
    /// Measure search quality on a question set or test collection
    #[command(
        after_help = "Examples:\n  kinglet eval --questions questions.tsv --index notes\n  kinglet eval --beir ~/data/scifact\n  kinglet eval --beir ~/data/scifact --mode lexical --json\n  \
                            kinglet eval --answers --questions questions.jsonl --index notes\n  kinglet eval --beir ~/data/scifact --trec scifact.run\n  kinglet eval --beir ~/data/scifact --tune"
    )]
    Eval {
        #[command(flatten)]
        collection: CollectionArgs,
        /// The retrievers: lexical, dense, sparse or hybrid
        #[arg(long)]
        mode: Option<String>,
        /// The embedder [default: all-minilm-l6-v2]
        #[arg(long, value_name = "ID")]
        embedder: Option<String>,
        /// The sparse retriever of hybrid mode: none or splade-tiny
        #[arg(long, value_name = "ID")]
        sparse: Option<String>,
        /// How to fuse the rankings: min-max or rrf
        #[arg(long)]
        fusion: Option<String>,
        /// How to rerank the first hits: auto, none, maxsim or a reranker model
        #[arg(long)]
        rerank: Option<String>,
        /// Score regularization in hybrid mode (similar hits support each other): on or off
        #[arg(long)]
        neighbours: Option<String>,
        /// Fusion weights: auto (tuned for this index, if any) or none (built-in)
        #[arg(long)]
        tuning: Option<String>,
        /// Tune fusion weights on half of the questions; keep them if they do better on the other
        /// half
        #[arg(long, conflicts_with_all = ["trec", "tuning"])]
        tune: bool,
        /// Write the rankings to this file, in TREC's format
        #[arg(long, value_name = "FILE")]
        trec: Option<PathBuf>,
        /// Measure answers instead of rankings; needs --questions
        #[arg(long, requires = "questions", conflicts_with_all = ["beir", "tune", "trec"])]
        answers: bool,
        /// What writes the answers [default: extractive]
        #[arg(long, value_name = "GENERATOR", requires = "answers")]
        generator: Option<String>,
    },
    /// Compare embedders on your documents: quality, significance and cost
    #[command(
        after_help = "Examples:\n  kinglet compare --embedders all-minilm-l6-v2,wordllama-256 --questions questions.tsv --index notes\n  \
                            kinglet compare --embedders all-minilm-l6-v2 --modes hybrid --vary fusion=min-max,rrf --questions q.tsv\n  \
                            kinglet compare --embedders all-minilm-l6-v2 --vary generator=smollm2-135m-instruct --questions q.tsv\n  \
                            kinglet compare --embedders all-minilm-l6-v2,paraphrase-minilm-l3-v2 --beir ~/data/scifact --out scifact\n\n\
                            If interrupted, run the same command to continue."
    )]
    Compare {
        #[command(flatten)]
        collection: CollectionArgs,
        #[command(flatten)]
        compare: CompareArgs,
    },
    /// Set the default system of an index, or restore the built-in one; removes nothing
    #[command(
        after_help = "Examples:\n  kinglet use wordllama-256 --index notes\n  kinglet use all-minilm-l6-v2:hybrid --index notes\n  \
                            kinglet use bm25 --index notes       the words alone\n  \
                            kinglet use default --index notes    undo every `kinglet use`"
    )]
    Use {
        /// default, bm25, an embedder, or EMBEDDER:MODE as `kinglet compare` names it
        system: String,
        #[command(flatten)]
        index: IndexArg,
    },
    /// Generate and review questions
    #[command(subcommand)]
    Questions(QuestionsCommand),
    /// Measure one system: `kinglet compare` runs this for each
    #[command(hide = true)]
    Measure,
    /// Measure the confidence of searches; standard input has a question in each line that the
    /// collection does not answer: `make bench-quality` runs this
    #[command(hide = true)]
    MeasureConfidence {
        #[command(flatten)]
        collection: CollectionArgs,
    },
    /// Hold claims against texts, both on standard input: `make bench-checks` runs this
    #[command(hide = true)]
    CheckPairs,
    /// Read files: `kinglet index` runs this, so that a hostile file cannot harm it
    #[command(hide = true)]
    Read,
    /// Show the chunks of a file, with tokens and lines
    Inspect {
        /// The file
        file: PathBuf,
        /// Print only the extracted text
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
    /// Write the manual pages
    #[command(after_help = "Example:\n  kinglet man ~/.local/share/man/man1")]
    Man {
        /// The folder to write them to, one page for each command
        folder: PathBuf,
    },
}

#[derive(Subcommand)]
pub enum ModelsCommand {
    /// List all models and which are installed
    List,
    /// Fetch models that are not installed
    #[command(
        after_help = "Examples:\n  kinglet models pull all-minilm-l6-v2\n  kinglet models pull smollm2-135m-instruct --from /media/stick"
    )]
    Pull {
        /// The models; `kinglet models list` shows their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Take the files from this folder instead of the network
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
        /// Check installed files too, and fetch damaged ones again
        #[arg(long)]
        force: bool,
    },
    /// Add your own model: a language model in a GGUF file, or a folder with a model.toml
    #[command(after_help = "Examples:\n  kinglet models add ~/models/qwen3-8b.gguf --id qwen3-8b\n  \
                            kinglet models add hub:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf\n  \
                            kinglet ask \"Who pays?\" --generator qwen3-8b\n  kinglet models add ~/models/my-embedder\n\n\
                            model.toml:\n  id = \"my-embedder\"\n  \
                            kind = \"embedder\"            or reranker\n  dimension = 384\n  max_tokens = 512\n  \
                            pooling = \"mean\"             or cls\n  query_prefix = \"query: \"     and passage_prefix\n\n\
                            Next to it: model.onnx and tokenizer.json, or with engine = \"static\" model.safetensors")]
    Add {
        /// A chat model in GGUF: PATH.gguf, or hub:OWNER/REPOSITORY/FILE.gguf on the model hub; or
        /// a folder
        source: String,
        /// The name of the model [default: that of its file]
        #[arg(long, value_name = "NAME")]
        id: Option<String>,
        /// The SHA-256 that the GGUF file must have
        #[arg(long, value_name = "HASH")]
        sha256: Option<String>,
    },
    /// Measure how fast generators read and write on this machine
    #[command(
        after_help = "Examples:\n  kinglet models speed smollm2-135m-instruct\n  kinglet models speed ollama:qwen3:1.7b ~/models/qwen3-8b.gguf\n\n\
                            A short run of some seconds. `kinglet models list` and `kinglet doctor` show the result."
    )]
    Speed {
        /// A generator, as --generator takes it
        #[arg(required = true, value_name = "GENERATOR")]
        generators: Vec<String>,
    },
    /// Show the details of a model
    Show { id: String },
    /// Print the folder of a model
    Path { id: String },
}

#[derive(Subcommand)]
pub enum QuestionsCommand {
    /// Generate questions offline, from headings, definitions and salient words
    #[command(
        after_help = "Examples:\n  kinglet questions make --index notes\n  kinglet questions make --index notes --generator smollm2-135m-instruct\n  \
                            kinglet compare --embedders all-minilm-l6-v2,wordllama-256 --questions notes-questions.jsonl --index notes"
    )]
    Make {
        #[command(flatten)]
        documents: DocumentArgs,
        /// Number of questions
        #[arg(long, value_name = "N", default_value_t = 100)]
        count: usize,
        /// Let this language model write questions too, such as smollm2-135m-instruct
        #[arg(long, value_name = "GENERATOR")]
        generator: Option<String>,
        /// Output file [default: NAME-questions.jsonl]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Keep, drop or edit questions one by one
    #[command(after_help = "Example:\n  kinglet questions review notes-questions.jsonl")]
    Review {
        /// A file written by `kinglet questions make`
        file: PathBuf,
    },
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Show every setting with its value and origin
    Show,
}

impl Command {
    /// True if Ctrl-C should let the current piece of work finish first.
    pub fn keeps_work(&self) -> bool {
        matches!(
            self,
            Command::Index { .. }
                | Command::Eval { .. }
                | Command::Compare { .. }
                | Command::Models(ModelsCommand::Pull { .. })
        )
    }
}

/// A number from 0 to 1.
fn probability(text: &str) -> std::result::Result<f32, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "a number from 0 to 1, such as 0.5".to_string())
}

/// The value of the setting `generator` for two generators with a comma between them.
fn cascade(text: &str) -> std::result::Result<String, String> {
    match text.split_once(',') {
        Some((small, large)) if !small.is_empty() && !large.is_empty() && !large.contains(',') => {
            Ok(format!("cascade:{small}+{large}"))
        }
        _ => Err("two generators with a comma between them, such as extractive,qwen3-1.7b".to_string()),
    }
}

/// Kinglet's home folder.
pub fn home() -> Result<PathBuf> {
    match std::env::var_os("KINGLET_HOME").filter(|home| !home.is_empty()) {
        Some(home) => std::path::absolute(&home).map_err(|cause| Error::io("find", Path::new(&home), cause)),
        None => directories::ProjectDirs::from("", "", "kinglet")
            .map(|folders| folders.data_dir().to_path_buf())
            .ok_or_else(|| {
                Error::input("this machine has no home folder that kinglet knows")
                    .with_hint("set KINGLET_HOME to a folder")
            }),
    }
}

/// True if kinglet must not use the network.
pub fn is_offline(global: &Global) -> bool {
    global.offline || is_set("KINGLET_OFFLINE")
}

/// True if kinglet must not fetch models.
pub fn is_without_hub(global: &Global) -> bool {
    is_offline(global) || is_set("HF_HUB_OFFLINE")
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// Merges the settings from flags, the environment and the configuration file in `home`.
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

/// Writes the manual pages into `folder`, one for each command.
pub fn write_manual(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|cause| Error::io("create", folder, cause))?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(|cause| Error::io("write to", folder, cause))
}

/// Parses the command line; if that asks for help or is wrong, prints help or usage and ends the
/// process.
pub fn parse() -> Cli {
    Cli::parse()
}
