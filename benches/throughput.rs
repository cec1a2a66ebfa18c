//! Measures how many questions per second one, two and four callers get answered over one index of
//! the handbook: by lexical search, by hybrid search with `all-minilm-l6-v2`, and by that embedder
//! alone.
//!
//! `make bench-throughput`. `KINGLET_TEST_HOME` has the models.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kinglet::config::Mode;
use kinglet::models::contracts::Role;
use kinglet::models::reference::EmbedderRef;
use kinglet::{Config, Kinglet, NoProgress, SearchOptions};

const CALLERS: [usize; 3] = [1, 2, 4];
const MEASURED: Duration = Duration::from_secs(5);
const QUESTIONS: [&str; 8] = [
    "What is the default number of hits?",
    "How do I stop indexing without losing work?",
    "Which files are skipped?",
    "Where does kinglet keep its models?",
    "How are two systems compared?",
    "Can I use a server that speaks OpenAI's protocol?",
    "What does the doctor check?",
    "How is a citation written for a table?",
];

fn main() {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let models = std::env::var_os("KINGLET_TEST_HOME").map_or_else(|| package.join("target/test-home"), PathBuf::from);
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(models.join("models"), home.path().join("models")).unwrap();
    let kinglet = |mode| Kinglet::new(home.path(), Config { mode, ..Config::default() });
    kinglet(Mode::Hybrid).index("handbook", &[package.join("corpora/handbook")], &NoProgress).unwrap();

    println!("questions per second");
    println!("{:24}{}", "callers", CALLERS.map(|callers| format!("{callers:>8}")).concat());
    for (name, mode) in [("words alone", Mode::Lexical), ("hybrid", Mode::Hybrid)] {
        let index = kinglet(mode).open("handbook").unwrap();
        measure(name, |question| {
            let response = index.search(question, &SearchOptions::default()).unwrap();
            response.results.into_iter().map(|result| (result.hit.chunk, result.hit.score)).collect::<Vec<_>>()
        });
    }
    let embedder = kinglet(Mode::Hybrid).open_embedder(&EmbedderRef::default()).unwrap();
    measure("the embedder alone", |question| embedder.embed(Role::Query, &[question]).unwrap());
}

/// Prints the questions per second for each number of callers, who must get the same results as one
/// alone.
fn measure<T: PartialEq + Debug + Send + Sync>(name: &str, answer: impl Fn(&str) -> T + Sync) {
    let alone = QUESTIONS.map(&answer);
    let measured = CALLERS.map(|callers| {
        let (asked, started) = (AtomicUsize::new(0), Instant::now());
        std::thread::scope(|scope| {
            for _ in 0..callers {
                scope.spawn(|| {
                    while started.elapsed() < MEASURED {
                        let at = asked.fetch_add(1, Ordering::Relaxed) % QUESTIONS.len();
                        assert_eq!(answer(QUESTIONS[at]), alone[at], "{}", QUESTIONS[at]);
                    }
                });
            }
        });
        format!("{:>8.1}", asked.into_inner() as f64 / started.elapsed().as_secs_f64())
    });
    println!("{name:24}{}", measured.concat());
}
