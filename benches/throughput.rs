//! Questions per second of one, two and four callers over one index of the handbook: by words alone, and by hybrid search with
//! `all-minilm-l6-v2`.
//!
//! `make bench-throughput`. `KINGLET_TEST_HOME` has the models.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kinglet::config::Mode;
use kinglet::{Config, Kinglet, NoProgress};

const CALLERS: [usize; 3] = [1, 2, 4];
const MEASURED: Duration = Duration::from_secs(5);
const HITS: usize = 10;
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

    println!("questions per second      callers");
    println!("{:18}{}", "", CALLERS.map(|callers| format!("{callers:>10}")).concat());
    for (name, mode) in [("words alone", Mode::Lexical), ("hybrid", Mode::Hybrid)] {
        let kinglet = kinglet(mode);
        let alone: Vec<_> = QUESTIONS.iter().map(|question| ask(&kinglet, question)).collect();
        let measured = CALLERS.map(|callers| {
            let (asked, started) = (AtomicUsize::new(0), Instant::now());
            std::thread::scope(|scope| {
                for _ in 0..callers {
                    scope.spawn(|| {
                        while started.elapsed() < MEASURED {
                            let at = asked.fetch_add(1, Ordering::Relaxed) % QUESTIONS.len();
                            assert_eq!(ask(&kinglet, QUESTIONS[at]), alone[at], "{}", QUESTIONS[at]);
                        }
                    });
                }
            });
            format!("{:>10.1}", asked.into_inner() as f64 / started.elapsed().as_secs_f64())
        });
        println!("{name:18}{}", measured.concat());
    }
}

/// The chunks that are found, with their scores.
fn ask(kinglet: &Kinglet, question: &str) -> Vec<(u64, f32)> {
    let found = kinglet.search("handbook", question, HITS).unwrap();
    found.into_iter().map(|found| (found.hit.chunk, found.hit.score)).collect()
}
