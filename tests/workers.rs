//! Files are read in processes of their own, which may break.

mod support;

use kinglet::chunk::Chunking;
use kinglet::reading::workers::{Place, read_all};
use kinglet::reading::{Outcome, Request};
use kinglet::{Error, Fault};

#[test]
fn files_are_read_in_workers_as_they_are_read_here_and_a_worker_that_breaks_costs_its_file() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("documents");
    support::write(
        &folder,
        &[("a.md", "# One\n\nText."), ("b.png", "\u{89}PNG"), ("c.html", "<p>Page"), ("d.txt", "Two\nlines")],
    );
    let request =
        |name: &str| Request { path: folder.join(name), chunking: Chunking::default(), known: None, with_text: true };
    let requests: Vec<Request> =
        ["a.md", "b.png", "c.html", "d.txt", "gone.md"].iter().cycle().take(200).map(|name| request(name)).collect();
    let read = |place: &Place| {
        let mut outcomes = Vec::new();
        read_all(place, &requests, |at, outcome| {
            assert_eq!(at, outcomes.len(), "in order");
            outcomes.push(outcome);
            Ok(())
        })
        .unwrap();
        outcomes
    };
    let here = read(&Place::Here);
    let program = assert_cmd::cargo::cargo_bin!("kinglet").to_path_buf();
    assert_eq!(read(&Place::Workers(program.clone(), vec!["read".into()])), here);

    let stopped = read_all(&Place::Workers(program, vec!["read".into()]), &requests, |at, _| match at {
        7 => Err(Error::interrupted()),
        _ => Ok(()),
    });
    assert_eq!(stopped.unwrap_err().fault(), Fault::Interrupted);

    #[cfg(unix)]
    for breaks in ["read line; exit 3", "read line; echo nonsense; read line", "exit 0"] {
        let outcomes = read(&Place::Workers("/bin/sh".into(), vec!["-c".into(), breaks.into()]));
        for (outcome, request) in outcomes.iter().zip(&requests) {
            let Outcome::Skipped { hash, reason } = outcome else { panic!("{outcome:?}") };
            assert!(reason.contains("its reader"), "{reason}");
            assert_eq!(*hash == [0; 32], request.path.ends_with("gone.md"), "it is not tried again until it changes");
        }
    }
    let nobody = read_all(&Place::Workers("/nowhere/kinglet".into(), vec![]), &requests, |_, _| Ok(()));
    assert_eq!(nobody.unwrap_err().fault(), Fault::Machine);
}
