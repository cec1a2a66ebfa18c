//! Keeps an index open: four threads ask 1,000 questions while a writer changes the documents.
//!
//! cargo run --example keep_open

use kinglet::{Config, Kinglet, NoProgress, SearchOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (home, notes) = (folder.path().join("home"), folder.path().join("notes"));
    std::fs::create_dir(&notes)?;
    let write = |count: usize| std::fs::write(notes.join("count.md"), format!("# Count\n\nWe are at {count}."));
    write(0)?;

    let config = Config { embedder: "hashing-256".into(), ..Config::default() };
    let kinglet = Kinglet::new(home, config);
    kinglet.index("notes", std::slice::from_ref(&notes), &NoProgress)?;
    let index = kinglet.open("notes")?;

    let newest: Vec<usize> = std::thread::scope(|scope| {
        let ask_250_times = || -> kinglet::Result<usize> {
            let mut newest = 0;
            for _ in 0..250 {
                let response = index.search("Where are we with the count?", &SearchOptions::default())?;
                // Just after a commit the new passage may be pending; the response says so.
                let Some(best) = response.results.first() else {
                    assert!(response.pending.is_some());
                    continue;
                };
                let text = &best.chunk.text;
                let count = text.rsplit(' ').next().and_then(|word| word.trim_end_matches('.').parse().ok());
                let count = count.expect("each version of the document ends with its count");
                assert!(count >= newest, "a question never sees an older version than the one before it");
                newest = count;
            }
            Ok(newest)
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask_250_times)).collect();
        for count in 1..=50 {
            write(count)?;
            kinglet.index("notes", &[], &NoProgress)?;
        }
        threads
            .into_iter()
            .map(|thread| Ok(thread.join().expect("no thread panics")?))
            .collect::<Result<_, Box<dyn std::error::Error>>>()
    })?;
    println!("1,000 questions saw versions up to {newest:?}; the next one sees version 50");
    Ok(())
}
