//! Files are read in worker processes, which may crash.

mod support;

use std::time::Duration;

use kinglet::chunking::Chunking;
use kinglet::extract::worker_process::{read_all, read_all_with};
use kinglet::extract::{Extraction, Part, Request, Timeouts};
use kinglet::subprocess::Isolation;
use kinglet::{Error, ErrorKind};

#[test]
fn workers_read_files_as_this_process_does_and_a_crash_costs_one_file() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("documents");
    support::write(
        &folder,
        &[("a.md", "# One\n\nText."), ("b.png", "\u{89}PNG"), ("c.html", "<p>Page"), ("d.txt", "Two\nlines")],
    );
    let request = |name: &str| Request {
        path: folder.join(name),
        chunking: Chunking::default(),
        previous_hash: None,
        with_text: true,
    };
    let requests: Vec<Request> =
        ["a.md", "b.png", "c.html", "d.txt", "gone.md"].iter().cycle().take(200).map(|name| request(name)).collect();
    let read = |place: &Isolation| {
        let mut outcomes = Vec::new();
        read_all(place, &requests, |at, outcome| {
            assert_eq!(at, outcomes.len(), "in order");
            outcomes.push(outcome);
            Ok(())
        })
        .unwrap();
        outcomes
    };
    let here = read(&Isolation::InProcess);
    let program = assert_cmd::cargo::cargo_bin!("kinglet").to_path_buf();
    assert_eq!(read(&Isolation::Subprocess(program.clone(), vec!["read".into()])), here);

    let stopped = read_all(&Isolation::Subprocess(program, vec!["read".into()]), &requests, |at, _| match at {
        7 => Err(Error::interrupted()),
        _ => Ok(()),
    });
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);

    #[cfg(unix)]
    for breaks in ["read line; exit 3", "read line; echo nonsense; read line", "exit 0"] {
        let outcomes = read(&Isolation::Subprocess("/bin/sh".into(), vec!["-c".into(), breaks.into()]));
        for (outcome, request) in outcomes.iter().zip(&requests) {
            let Extraction::GivenUp { reason } = outcome else { panic!("{}: {outcome:?}", request.path.display()) };
            assert!(reason.contains("its reader"), "{reason}");
        }
    }
    let nobody = read_all(&Isolation::Subprocess("/nowhere/kinglet".into(), vec![]), &requests, |_, _| Ok(()));
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::Machine);
}

/// A shell as the worker: it runs `script`, in which `READ` stands for the real worker.
#[cfg(target_os = "linux")]
fn shell(script: &str) -> Isolation {
    let program = assert_cmd::cargo::cargo_bin!("kinglet").display().to_string();
    Isolation::Subprocess(
        "/bin/sh".into(),
        vec!["-c".into(), script.replace("READ", &format!("exec '{program}' read"))],
    )
}

#[cfg(target_os = "linux")]
#[test]
fn a_suspended_worker_is_waited_for_and_one_without_progress_is_given_up() {
    let temporary = tempfile::tempdir().unwrap();
    support::write(temporary.path(), &[("a.md", "# One\n\nText.")]);
    let path = temporary.path().join("a.md");
    let request = Request { path, chunking: Chunking::default(), previous_hash: None, with_text: false };
    let timeouts = Timeouts {
        stalled_cpu_time: Duration::from_secs(1),
        poll_interval: Duration::from_millis(20),
        ..Timeouts::default()
    };
    let read = |timeouts: Timeouts, isolation: &Isolation| {
        let mut outcomes = Vec::new();
        let requests = std::slice::from_ref(&request);
        read_all_with(timeouts, isolation, requests, |_, outcome| {
            outcomes.push(outcome);
            Ok(())
        })
        .unwrap();
        outcomes.remove(0)
    };
    // It is suspended for longer than it may compute without progress.
    let stopped = read(timeouts, &shell("(sleep 1.5; kill -CONT $$) & kill -STOP $$; READ"));
    assert!(matches!(stopped, Extraction::Read { .. }), "{stopped:?}");
    let Extraction::GivenUp { reason } = read(timeouts, &shell("while :; do :; done")) else {
        panic!("it was not given up")
    };
    assert!(reason.contains("processor time"), "{reason}");
    // A worker that waits for ever is given up by wall time.
    let timeouts = Timeouts { stalled_wall_time: Duration::from_millis(200), ..timeouts };
    let Extraction::GivenUp { reason } = read(timeouts, &shell("exec sleep 1000")) else {
        panic!("it was not given up")
    };
    assert!(!reason.contains("processor time"), "{reason}");
}

#[test]
fn the_parts_of_a_file_arrive_in_order_and_make_up_the_file() {
    let temporary = tempfile::tempdir().unwrap();
    let long: String = (0..9000).map(|at| format!("Line {at} of a long file.\n\n")).collect();
    support::write(temporary.path(), &[("a.txt", "short"), ("b.txt", &long), ("c.txt", &long), ("d.txt", "short")]);
    let request = |name: &str| Request {
        path: temporary.path().join(name),
        chunking: Chunking { target_tokens: 10 },
        previous_hash: None,
        with_text: true,
    };
    let requests = ["a.txt", "b.txt", "c.txt", "d.txt"].map(request);
    let read = |place: &Isolation| {
        let (mut parts, mut outcomes) = (vec![Vec::new(); 4], Vec::new());
        read_all(place, &requests, |at, outcome| {
            assert_eq!(at, outcomes.len(), "in order");
            match outcome {
                Extraction::Part(part) => parts[at].push(part),
                outcome => outcomes.push(outcome),
            }
            Ok(())
        })
        .unwrap();
        (parts, outcomes)
    };
    let program = assert_cmd::cargo::cargo_bin!("kinglet").to_path_buf();
    let (parts, outcomes) = read(&Isolation::Subprocess(program, vec!["read".into()]));
    assert_eq!((&parts, &outcomes), (&read(&Isolation::InProcess).0, &read(&Isolation::InProcess).1));
    assert_eq!(parts.iter().map(|parts| parts.len() > 1).collect::<Vec<_>>(), [false, true, true, false]);
    let Extraction::Read { extracted: cut, .. } = &outcomes[1] else { panic!("{:?}", outcomes[1]) };
    let mut before = Part::default();
    parts[1].iter().cloned().for_each(|part| before.add(part));
    let mut cut = cut.clone();
    cut.follow(before);
    let text = cut.text.unwrap();
    assert!(text == long && cut.chunks.iter().all(|chunk| chunk.span.of(&text) == chunk.text));
}
