//! `models::ollama` with a server on this machine that speaks Ollama's protocol, or breaks it.

mod support;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::{StreamExt, stream};
use kinglet::models::contracts::Generator;
use kinglet::models::ollama::Ollama;
use kinglet::{Error, ErrorKind};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::generators::prompt;

/// Starts a server and returns its address. The name of a model selects how it behaves.
async fn serve(reader_left: Arc<AtomicBool>) -> String {
    let router = Router::new()
        .route("/api/tags", get(tags))
        .route("/api/show", post(show))
        .route("/api/chat", post(chat))
        .with_state(reader_left);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address.to_string()
}

async fn tags() -> Response {
    let details = json!({"parameter_size": "1.7B", "quantization_level": "Q4_K_M", "family": "qwen3"});
    Json(json!({"models": [{"name": "qwen3:1.7b", "size": 1_400_000_000, "details": details}, {"name": "a"}]}))
        .into_response()
}

async fn show(Json(asked): Json<Value>) -> Response {
    match asked["model"].as_str().unwrap() {
        "missing" => (StatusCode::NOT_FOUND, Json(json!({"error": "model 'missing' not found"}))).into_response(),
        "vectors" => Json(json!({"capabilities": ["embedding"], "model_info": {}})).into_response(),
        "short-sighted" => {
            Json(json!({"capabilities": ["completion"], "model_info": {"llama.context_length": 64}})).into_response()
        }
        "page" => "<html>Welcome</html>".into_response(),
        // As old servers do, which list no capabilities.
        _ => Json(json!({"model_info": {"llama.context_length": 131_072}})).into_response(),
    }
}

async fn chat(State(reader_left): State<Arc<AtomicBool>>, Json(asked): Json<Value>) -> Response {
    let whole = [piece("<think>\n\n</think>\n\nBlue "), piece("ångström"), piece(" — 青"), end()].concat();
    match asked["model"].as_str().unwrap() {
        "good" => {
            assert_eq!((&asked["stream"], &asked["think"]), (&json!(true), &json!(false)));
            let options = json!({"temperature": 0, "seed": 0, "num_ctx": 8192, "num_predict": 50});
            assert_eq!(asked["options"], options);
            assert!(asked["messages"][1]["content"].as_str().unwrap().contains("The sky is blue."));
            whole.into_response()
        }
        "torn" => {
            let bytes: Vec<_> = whole.into_bytes().into_iter().map(|byte| Ok(Bytes::from(vec![byte]))).collect();
            Body::from_stream(stream::iter::<Vec<Result<_, std::io::Error>>>(bytes)).into_response()
        }
        "short" => piece("Blue").into_response(),
        "crashing" => [piece("Blue"), "{\"error\":\"the runner was killed\"}\n".to_string()].concat().into_response(),
        "babbling" => piece("bla ").repeat(1000).into_response(),
        "waiting" => {
            let left = SetOnDrop(reader_left);
            let first = stream::iter([Ok::<_, std::io::Error>(piece("Blue"))]);
            let never = stream::once(async move {
                let _left = left;
                std::future::pending().await
            });
            Body::from_stream(first.chain(never)).into_response()
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": "not enough memory"}))).into_response(),
    }
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn piece(text: &str) -> String {
    format!("{}\n", json!({"message": {"role": "assistant", "content": text}, "done": false}))
}

fn end() -> String {
    format!("{}\n", json!({"message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop"}))
}

/// The text before the end or the error, and the error.
async fn ask(model: &str, host: &str) -> (String, Option<Error>) {
    let generator = Ollama::at(host).unwrap().generator(model).unwrap();
    assert_eq!(generator.name(), format!("ollama:{model}"));
    support::generators::ask(&generator).await
}

#[tokio::test]
async fn an_answer_is_complete_however_it_arrives_and_ends_at_its_limit() {
    let host = serve(Arc::default()).await;
    for model in ["good", "torn"] {
        let (text, error) = ask(model, &host).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(text, "Blue ångström — 青");
    }
    assert_eq!(ask("babbling", &host).await.0, "bla ".repeat(50));
}

#[tokio::test]
async fn every_failure_names_the_server_or_the_model_and_says_what_to_do() {
    let host = serve(Arc::default()).await;
    for (model, before, said, hint, fault) in [
        ("missing", "", "has no model \"missing\"", "ollama pull missing", ErrorKind::Input),
        ("vectors", "", "vectors cannot write answers", "models list", ErrorKind::Input),
        ("short-sighted", "", "reads only 64", "--budget", ErrorKind::Input),
        ("page", "", "<html>Welcome</html>", "update it", ErrorKind::Model),
        ("full", "", "not enough memory", "messages", ErrorKind::Model),
        ("short", "Blue", "ended before the answer did", "messages", ErrorKind::Model),
        ("crashing", "Blue", "the runner was killed", "messages", ErrorKind::Model),
    ] {
        let (text, error) = ask(model, &host).await;
        let error = error.unwrap_or_else(|| panic!("{model} should fail"));
        assert_eq!(text, before, "{model}: {error}");
        assert!(error.to_string().contains(said), "{model}: {error}");
        assert!(format!("{:?}", error.hint()).contains(hint), "{model}: {error:?}");
        assert_eq!(error.kind(), fault, "{model}: {error}");
    }
}

#[tokio::test]
async fn its_models_are_listed_and_a_server_that_is_not_there_is_an_error() {
    let host = serve(Arc::default()).await;
    let models = Ollama::at(&host).unwrap().models().await.unwrap();
    let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["a", "qwen3:1.7b"]);
    assert_eq!((models[1].size_bytes, models[1].details.as_str()), (1_400_000_000, "1.7B, Q4_K_M"));

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = listener.local_addr().unwrap().to_string();
    drop(listener);
    let listing = Ollama::at(&nowhere).unwrap().models().await.unwrap_err();
    for error in [listing, ask("good", &nowhere).await.1.unwrap()] {
        assert_eq!(error.kind(), ErrorKind::Machine);
        assert!(error.to_string().contains(&nowhere) && format!("{:?}", error.hint()).contains("ollama serve"));
    }
}

/// Runs `kinglet` and returns what it prints on both streams.
fn kinglet(arguments: &[&str], host: &str, home: &std::path::Path) -> String {
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin!("kinglet"))
        .args(arguments)
        .env_clear()
        .env("KINGLET_HOME", home)
        .env("KINGLET_GENERATOR", "ollama:babbling")
        .env("KINGLET_EMBEDDER", "hashing-256")
        .env("OLLAMA_HOST", host)
        // A server on this machine is asked directly, not by way of a proxy.
        .env("http_proxy", "http://127.0.0.1:1")
        .output()
        .unwrap();
    [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_finds_an_ollama_that_runs_on_this_machine() {
    let host = serve(Arc::default()).await;
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], host: &str| kinglet(arguments, host, home.path());
    let listed = run(&["models", "list"], &host);
    assert!(listed.contains("ollama:qwen3:1.7b") && listed.contains("1.7B, Q4_K_M"), "{listed}");
    let speed = run(&["models", "speed", "ollama:babbling"], &host);
    assert!(speed.contains("ollama:babbling reads") && speed.contains("writes"), "{speed}");
    let doctor = run(&["doctor"], &host);
    assert!(doctor.contains("has no model \"babbling\"") && doctor.contains("ollama pull babbling"), "{doctor}");

    let absent = run(&["models", "list"], "127.0.0.1:1");
    assert!(absent.contains("smollm2-135m-instruct") && !absent.to_lowercase().contains("ollama"), "{absent}");
    // An address that is reserved for examples: nothing answers there, and nothing is asked.
    let offline = run(&["models", "speed", "ollama:babbling", "--offline"], "192.0.2.1");
    assert!(offline.contains("another machine") && offline.contains("OLLAMA_HOST"), "{offline}");
    let compared = run(
        &[
            "compare",
            "--embedders",
            "hashing-256",
            "--vary",
            "generator=extractive,cascade:extractive+ollama:babbling",
            "--offline",
        ],
        "192.0.2.1",
    );
    assert!(compared.contains("another machine"), "{compared}");
}

#[tokio::test]
async fn dropping_the_stream_hangs_up() {
    let left = Arc::new(AtomicBool::new(false));
    let host = serve(left.clone()).await;
    let mut tokens = Ollama::at(&host).unwrap().generator("waiting").unwrap().generate(&prompt());
    assert_eq!(tokens.next().await.unwrap().unwrap().text, "Blue");
    assert!(!left.load(Ordering::SeqCst));
    drop(tokens);
    while !left.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
}
