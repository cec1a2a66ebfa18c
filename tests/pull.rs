//! Downloading models from a hub on this machine and from a folder. A wrong file is never kept.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kinglet::engine::register_generator::{GgufSource, NewGenerator};
use kinglet::models::catalog::{ModelKind, ModelSpec};
use kinglet::models::download::{DownloadObserver, DownloadProgress, copy_from_folder, download};
use kinglet::models::store::ModelStore;
use kinglet::{Config, ErrorKind, Kinglet};
use support::tiny;
use support::tiny_gguf::TinyGguf;

const GOOD: &[u8] = b"the weights of a model";
const GOOD_SHA256: &str = "5e2202d66fe5e1be93a8f3fe8598de64470b9855164b1d2d57d1fef9aeeda52c";

fn spec(id: &str, files: &[&str]) -> ModelSpec {
    let mut spec = tiny::spec(id, files, ModelKind::Generator { context_tokens: 8 });
    for file in &mut spec.files {
        (file.sha256, file.size_bytes) = (Some(GOOD_SHA256.into()), Some(GOOD.len() as u64));
    }
    spec
}

/// The files of the hub by name, and the whole files that were requested.
#[derive(Clone)]
struct Hub {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn resolve(State(hub): State<Hub>, UrlPath(path): UrlPath<String>, headers: HeaderMap) -> Response {
    let name = path.rsplit('/').next().unwrap().to_string();
    let Some(bytes) = hub.files.lock().unwrap().get(&name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let first_only = headers.get("range").is_some_and(|range| range == "bytes=0-0");
    if !first_only {
        hub.asked.lock().unwrap().push(name.clone());
    }
    let sent = if first_only { bytes[..1].to_vec() } else { bytes.clone() };
    let answer = [
        ("content-range", format!("bytes 0-{}/{}", sent.len() - 1, bytes.len())),
        ("etag", format!("\"{name}-{}\"", bytes.len())),
        ("x-repo-commit", "0123456789abcdef".to_string()),
    ];
    (StatusCode::PARTIAL_CONTENT, answer, sent).into_response()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// One test, because it sets the environment of the process.
#[test]
fn a_hub_gives_the_files_of_a_model_and_a_wrong_file_is_not_kept() {
    let temporary = tempfile::tempdir().unwrap();
    let hub = Hub { files: Arc::default(), asked: Arc::default() };
    hub.files.lock().unwrap().insert("one.bin".to_string(), GOOD.to_vec());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/{*path}", axum::routing::get(resolve)).with_state(hub.clone());
    runtime.spawn(async move { axum::serve(listener, app).await });
    // SAFETY: no other thread reads or writes the environment meanwhile, because only this test of
    // the file does.
    unsafe {
        std::env::set_var("HF_ENDPOINT", format!("http://{address}"));
        std::env::set_var("HF_HOME", temporary.path().join("hub"));
    }
    let store = ModelStore::new(temporary.path().join("models"));
    let last = Mutex::new(None);
    let show = |progress: DownloadProgress| *last.lock().unwrap() = Some(progress);
    let observer = DownloadObserver { on_progress: &show, is_cancelled: &|| false };
    let spec = spec("bird", &["one.bin", "two.bin"]);

    let offline = download(&store, &spec, true, &observer).unwrap_err();
    assert_eq!(offline.kind(), ErrorKind::Missing);

    let absent = download(&store, &spec, false, &observer).unwrap_err();
    assert!(absent.to_string().contains("two.bin"), "{absent}");
    assert_eq!(names(&store.folder(&spec)), ["one.bin"], "what came before the failure is kept");
    assert_eq!(store.require(&spec).unwrap_err().kind(), ErrorKind::Missing);

    let mut altered = GOOD.to_vec();
    altered[0] ^= 1;
    hub.files.lock().unwrap().insert("two.bin".to_string(), altered);
    let wrong = download(&store, &spec, false, &observer).unwrap_err();
    assert!(wrong.to_string().contains(GOOD_SHA256), "{wrong}");
    assert_eq!(names(&store.folder(&spec)), ["one.bin"]);

    std::fs::remove_dir_all(temporary.path().join("hub")).unwrap(); // the cache of the hub's client
    hub.files.lock().unwrap().insert("two.bin".to_string(), GOOD.to_vec());
    std::fs::create_dir(store.folder(&spec).join(".pulling-killed")).unwrap();
    download(&store, &spec, false, &observer).unwrap();
    assert_eq!(names(&store.folder(&spec)), ["one.bin", "two.bin"]);
    let all = 2 * GOOD.len() as u64;
    assert_eq!(*last.lock().unwrap(), Some(DownloadProgress { done_bytes: all, total_bytes: all }));
    assert_eq!(hub.asked.lock().unwrap().iter().filter(|name| *name == "one.bin").count(), 1, "fetched once");
    assert!(store.require(&spec).is_ok());

    std::fs::write(store.folder(&spec).join("one.bin"), b"the weights of a mOdel").unwrap();
    assert_eq!(store.require(&spec).unwrap_err().kind(), ErrorKind::Damaged);
    download(&store, &spec, true, &observer).unwrap_err();
    download(&store, &spec, false, &observer).unwrap();
    assert!(store.require(&spec).is_ok());

    // A language model of the user's is tried, and fetched again when its file is lost.
    let gguf = temporary.path().join("wren.gguf");
    TinyGguf::new("llama", "{{ messages[0].content }} {{ messages[1].content }}").write(&gguf);
    hub.files.lock().unwrap().insert("wren.gguf".to_string(), std::fs::read(&gguf).unwrap());
    let kinglet = Kinglet::new(temporary.path(), Config { threads: 1, ..Config::default() });
    let source = GgufSource::parse("hub:birds/wren/wren.gguf").unwrap().unwrap();
    let _entered = runtime.enter();
    let new = NewGenerator { source, id: None, sha256: None };
    let spec = kinglet.add_generator(&new, false, &observer).unwrap();
    std::fs::remove_file(store.folder(&spec).join("wren.gguf")).unwrap();
    assert_eq!(store.require(&spec).unwrap_err().kind(), ErrorKind::Missing);
    download(&store, &spec, false, &observer).unwrap();
    assert!(kinglet.models().lookup("wren").is_ok_and(|found| *found == spec) && store.require(&spec).is_ok());
}

#[test]
fn a_folder_gives_the_files_of_a_model_and_a_wrong_file_is_not_kept() {
    let temporary = tempfile::tempdir().unwrap();
    let (store, stick) = (ModelStore::new(temporary.path().join("models")), temporary.path().join("stick"));
    std::fs::create_dir(&stick).unwrap();
    let spec = spec("bird", &["one.bin"]);
    assert!(format!("{:?}", copy_from_folder(&store, &spec, &stick).unwrap_err().hint()).contains("one.bin"));
    std::fs::write(stick.join("one.bin"), b"something else").unwrap();
    assert_eq!(copy_from_folder(&store, &spec, &stick).unwrap_err().kind(), ErrorKind::Damaged);
    assert!(names(&store.folder(&spec)).is_empty());
    std::fs::write(stick.join("one.bin"), GOOD).unwrap();
    copy_from_folder(&store, &spec, &stick).unwrap();
    assert!(store.require(&spec).is_ok());
}
