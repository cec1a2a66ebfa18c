//! The effects of kinglet on the machine: it sends nothing, writes only below its home, and wastes
//! no processor time. Tested with the real models, because their libraries could do all of this.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use kinglet::config::Config;
use kinglet::models::contracts::Role;
use kinglet::models::reference::EmbedderRef;

/// Runs `kinglet` with these arguments under strace and returns the calls that use the network or
/// write files. Nothing in its environment reveals that this is a test.
fn traced(arguments: &[&str], folder: &Path) -> String {
    let log = folder.join("trace");
    let output = Command::new("strace")
        .args(["-f", "-y", "-s", "300", "-o"])
        .arg(&log)
        .args(["-e", "trace=%network,open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat"])
        .arg(assert_cmd::cargo::cargo_bin!("kinglet"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder.join("user"))
        .env("TMPDIR", folder)
        .env("KINGLET_HOME", folder.join("home"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(&log).unwrap()
}

/// True if a call communicates with another machine. With `-y`, strace names the kind of each
/// socket, so that calls on open sockets are recognised too.
fn leaves_the_machine(call: &str) -> bool {
    let is_internet = call.contains("AF_INET") || call.contains("<TCP") || call.contains("<UDP");
    is_internet && !call.contains("\"127.") && !call.contains("\"::1\"") && !call.contains(":[127.")
}

/// The file that a call writes or creates, if any.
fn written(call: &str) -> Option<PathBuf> {
    let (name, arguments) = call.split_once('(')?;
    let opens_for_writing =
        name.starts_with("open") && ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|how| call.contains(how));
    let has_two_paths = ["rename", "link", "symlink"].iter().any(|prefix| name.starts_with(prefix));
    let makes = has_two_paths || ["creat", "mkdir"].iter().any(|prefix| name.starts_with(prefix));
    if call.contains(" = -1 ") || !(opens_for_writing || makes) {
        return None;
    }
    let pieces: Vec<&str> = arguments.split('"').collect();
    let at = if has_two_paths { 3 } else { 1 };
    let folder = pieces
        .get(at - 1)?
        .rsplit_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or("", |(folder, _)| folder);
    Some(Path::new(folder).join(pieces.get(at)?))
}

#[test]
fn indexing_searching_and_asking_use_no_network_and_write_only_below_the_home() {
    let Some(models) = support::home_with_models("that nothing leaves the machine") else { return };
    if Command::new("strace").arg("--version").output().is_err() {
        support::skipped("that nothing leaves the machine", "strace, which is not installed here");
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().canonicalize().unwrap();
    support::write(&folder, &[("notes/lease.md", "# Lease\n\nThe lease ends on 31 May 2027.\n"), ("user/empty", "")]);
    std::fs::create_dir(folder.join("home")).unwrap();
    std::os::unix::fs::symlink(models.join("models"), folder.join("home/models")).unwrap();

    let mut seen = 0;
    for arguments in [
        &["index", "notes", "--index", "notes"][..],
        &["search", "when does the lease end", "--index", "notes"],
        &["ask", "When does the lease end?", "--index", "notes"],
    ] {
        for line in traced(arguments, &folder).lines() {
            let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
            assert!(!leaves_the_machine(call), "kinglet {arguments:?}: {line}");
            if let Some(path) = written(call) {
                let allowed = path.starts_with(&folder)
                    || path.starts_with(&models)
                    || path.starts_with("/dev")
                    || path.starts_with("/proc");
                assert!(allowed, "kinglet {arguments:?} writes {}: {line}", path.display());
                seen += usize::from(path.starts_with(folder.join("home/indexes")));
            }
        }
    }
    assert!(seen > 0, "the calls are understood: the index itself is written");
    let left: Vec<_> =
        std::fs::read_dir(folder.join("user")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["empty"], "nothing is left in the user's home");
}

/// The clock ticks of processor time of each thread of this process, by the thread's number.
#[cfg(target_os = "linux")]
fn ticks() -> std::collections::BTreeMap<String, u64> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    threads
        .filter_map(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).ok()?;
            // The name in brackets may contain anything. After it, the state is field 3, and user
            // and system time are fields 14 and 15.
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            let ticks = fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?;
            Some((thread.file_name().to_string_lossy().into_owned(), ticks))
        })
        .collect()
}

/// A thread that computes as much as the first one waits in a loop: measured, the second thread
/// took 51 to 56 ticks beside 100 when it slept while it waited, and 100 when it did not. Processor
/// times are compared with each other, not with the clock, so that a busy machine changes nothing.
#[cfg(target_os = "linux")]
#[test]
fn threads_of_the_embedder_sleep_while_they_wait() {
    let Some(home) = support::home_with_models("that threads sleep while they wait") else { return };
    let config = Config { threads: 2, ..Config::default() };
    let embedder = kinglet::Kinglet::new(home, config).open_embedder(&EmbedderRef::default()).unwrap();
    let before = ticks();
    let me = std::fs::read_link("/proc/thread-self").unwrap().file_name().unwrap().to_string_lossy().into_owned();
    while ticks()[&me] - before[&me] < 100 {
        embedder.embed(Role::Query, &["a"]).unwrap();
    }
    let after = ticks();
    let own = after[&me] - before[&me];
    let others: u64 = after.iter().map(|(thread, ticks)| ticks - before.get(thread).unwrap_or(&0)).sum::<u64>() - own;
    assert!(others * 4 < own * 3, "others computed {others} ticks beside {own}");
}
