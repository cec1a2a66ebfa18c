//! An index on a read-only disk can be searched, shown and checked like any other, and other users
//! cannot read an index.
#![cfg(unix)]

mod support;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kinglet::index::Index;
use kinglet::index::token_vectors::TokenStore;

/// A home with an index, in which commands are run.
struct Desk {
    temporary: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        // Another user must be able to reach it.
        std::fs::set_permissions(temporary.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let desk = Desk { temporary };
        support::write(
            &desk.path("notes"),
            &[
                ("lease.md", "# Lease\n\nThe lease ends on 31 May 2027.\n"),
                ("birds.md", "A kinglet weighs five grams."),
            ],
        );
        let indexed = desk.run(&[], &["index", desk.path("notes").to_str().unwrap()]);
        assert!(indexed.status.success(), "{indexed:?}");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    fn index(&self) -> PathBuf {
        self.path("home/indexes/notes")
    }

    /// Runs kinglet, started by the command `starter`.
    fn run(&self, starter: &[&str], arguments: &[&str]) -> Output {
        let kinglet = assert_cmd::cargo::cargo_bin!("kinglet").to_str().unwrap().to_owned();
        let words: Vec<&str> =
            starter.iter().copied().chain([kinglet.as_str()]).chain(arguments.iter().copied()).collect();
        Command::new(words[0])
            .args(&words[1..])
            .current_dir(self.temporary.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("KINGLET_HOME", self.path("home"))
            .env("KINGLET_EMBEDDER", "hashing-256")
            .env("KINGLET_GENERATOR", "extractive")
            .output()
            .unwrap()
    }

    /// The command that starts a program with the home mounted read-only; `None` if this machine
    /// does not allow that.
    fn mounted(&self) -> Option<Vec<String>> {
        let script = "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && ! touch \"$0\"/x 2>/dev/null && exec \"$@\"";
        let home = self.path("home").display().to_string();
        let ways = [&["unshare", "-m"][..], &["unshare", "-rm"]];
        let starters = ways
            .map(|way| way.iter().copied().chain(["sh", "-c", script, &home]).map(str::to_owned).collect::<Vec<_>>());
        starters.into_iter().find(|starter| works(starter))
    }

    /// The command that starts a program as a user who may read the home but not write to it.
    fn without_rights(&self) -> Option<Vec<String>> {
        for path in everything_in(&self.path("home")) {
            let mode = if path.is_dir() { 0o555 } else { 0o444 };
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        let kinglet = assert_cmd::cargo::cargo_bin!("kinglet").display().to_string();
        let test = ["sh", "-c", "! touch \"$0\"/x 2>/dev/null && test -x \"$1\" && shift && exec \"$@\""];
        let home = self.path("home").display().to_string();
        let ways = [&nobody[..0], &nobody];
        let starters = ways.map(|way| {
            let words = way.iter().chain(&test).copied().chain([home.as_str(), kinglet.as_str()]);
            words.map(str::to_owned).collect::<Vec<_>>()
        });
        starters.into_iter().find(|starter| works(starter))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for path in everything_in(self.temporary.path()).into_iter().filter(|path| path.is_dir()) {
            let _ = std::fs::set_permissions(path, PermissionsExt::from_mode(0o755));
        }
    }
}

fn works(starter: &[String]) -> bool {
    let ran = Command::new(&starter[0]).args(&starter[1..]).arg("true").output();
    ran.is_ok_and(|output| output.status.success())
}

fn everything_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_path_buf()];
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { found.extend(everything_in(&entry.path())) } else { found.push(entry.path()) }
    }
    found
}

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

const COMMANDS: [&[&str]; 6] = [
    &["search", "how heavy is a kinglet", "--index", "notes", "--json"],
    &["search", "lease", "--index", "notes", "--filter", "path=lease.md"],
    &["status", "--index", "notes"],
    &["ls"],
    &["doctor", "--index", "notes"],
    &["ask", "When does the lease end?", "--index", "notes"],
];

fn check_same_output(desk: &Desk, starter: &[String], before: &[Output], how: &str) {
    let starter: Vec<&str> = starter.iter().map(String::as_str).collect();
    let files = everything_in(&desk.path("home"));
    for (command, before) in COMMANDS.iter().zip(before) {
        let now = desk.run(&starter, command);
        assert!(before.status.success() && now.status.success(), "{command:?} {how}: {}", text_of(&now));
        // Sizes differ, because they count the files that SQLite keeps beside a store.
        let sizeless = |output: &Output| {
            text_of(output).lines().filter(|line| !line.trim_start().starts_with("size")).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(sizeless(&now), sizeless(before), "{command:?} {how}");
    }
    assert_eq!(everything_in(&desk.path("home")), files, "{how}: no file is left behind");
    let refused = desk.run(&starter, &["index", "--index", "notes"]);
    assert_eq!(refused.status.code(), Some(2), "{how}: {}", text_of(&refused));
}

#[test]
fn an_index_on_a_disk_that_is_mounted_read_only_answers() {
    let desk = Desk::new();
    let before = COMMANDS.map(|command| desk.run(&[], command));
    let Some(starter) = desk.mounted() else {
        support::skipped("an index on a read-only mount", "the right to mount");
        return;
    };
    check_same_output(&desk, &starter, &before, "on a read-only mount");

    // A reader never rebuilds a part, even on a disk that can be written.
    std::fs::remove_dir_all(desk.index().join("lexical")).unwrap();
    let starter: Vec<&str> = starter.iter().map(String::as_str).collect();
    for starter in [&starter[..], &[]] {
        let error = text_of(&desk.run(starter, COMMANDS[0]));
        assert!(error.contains("is missing") && error.contains("run `kinglet index --index notes` again"), "{error}");
    }
    assert!(desk.run(&[], &["index", "--index", "notes"]).status.success());
    assert!(desk.run(&[], COMMANDS[0]).status.success());
}

#[test]
fn an_index_without_the_right_to_write_answers() {
    let desk = Desk::new();
    let before = COMMANDS.map(|command| desk.run(&[], command));
    let Some(starter) = desk.without_rights() else {
        support::skipped("an index without the right to write", "another user than root");
        return;
    };
    check_same_output(&desk, &starter, &before, "without the right to write");
}

#[test]
fn changes_that_a_killed_process_left_beside_the_store_are_read_or_reported_as_missing() {
    let desk = Desk::new();
    let store = desk.index().join("documents.sqlite");
    let copies = desk.path("copies");
    std::fs::create_dir(&copies).unwrap();
    {
        let connection = rusqlite::Connection::open(&store).unwrap();
        connection.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 7").unwrap();
        for ending in ["", "-wal", "-shm"] {
            let name = format!("documents.sqlite{ending}");
            std::fs::copy(desk.index().join(&name), copies.join(&name)).unwrap();
        }
    }
    for ending in ["", "-wal", "-shm"] {
        let name = format!("documents.sqlite{ending}");
        std::fs::copy(copies.join(&name), desk.index().join(&name)).unwrap();
    }
    let Some(starter) = desk.mounted() else {
        support::skipped("what was left beside a store on a read-only mount", "the right to mount");
        return;
    };
    let starter: Vec<&str> = starter.iter().map(String::as_str).collect();
    let found = desk.run(&starter, COMMANDS[0]);
    assert!(found.status.success(), "{}", text_of(&found));
    std::fs::remove_file(desk.index().join("documents.sqlite-shm")).unwrap();
    let error = text_of(&desk.run(&starter, COMMANDS[0]));
    assert!(error.contains("documents.sqlite-wal holds changes") && error.contains("hint:"), "{error}");
}

#[test]
fn other_users_may_read_an_index_only_if_its_folder_allows_it() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("home/indexes/notes"));
    support::write(&folder, &[("a.md", "A kinglet weighs five grams.")]);
    let modes = || {
        let of = |path: &PathBuf| std::fs::metadata(path).unwrap().mode() & 0o777;
        let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) =
            everything_in(&index).into_iter().partition(|path| path.is_dir());
        assert!(folders.len() >= 5 && files.len() >= 10, "{folders:?} {files:?}");
        let all = |paths: &[PathBuf]| paths.iter().map(of).collect::<std::collections::BTreeSet<u32>>();
        (all(&folders), all(&files))
    };
    let with_every_part = || {
        support::index(&folder, &index);
        let _writer = kinglet::index::IndexWriter::open(&index).unwrap();
        TokenStore::open_for_writing(&index.join("tokens/embedder.sqlite")).unwrap();
    };
    with_every_part();
    assert_eq!(modes(), ([0o700].into(), [0o600].into()));
    for parent in [index.parent().unwrap(), &temporary.path().join("home")] {
        assert_eq!(std::fs::metadata(parent).unwrap().mode() & 0o777, 0o700);
    }
    Index::open(&index).unwrap();
    assert_eq!(modes(), ([0o700].into(), [0o600].into()), "reading changes nothing");

    // From the next run on, a group that may list the folder may read its files.
    std::fs::set_permissions(&index, PermissionsExt::from_mode(0o750)).unwrap();
    support::write(&folder, &[("b.md", "Wrens sing.")]);
    with_every_part();
    assert_eq!(modes(), ([0o750].into(), [0o640].into()));
}
