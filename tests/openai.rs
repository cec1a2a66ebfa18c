//! `models::openai` with a server on this machine that follows the protocol, or breaks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

mod support;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::StreamExt;
use futures::stream;
use kinglet::models::contracts::Generator;
use kinglet::models::openai::OpenAiGenerator;
use kinglet::{Error, ErrorKind};
use serde_json::{Value, json};
use support::generators::prompt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Starts a server and returns its base address. The name of a model selects how it behaves; the
/// key must be `right`.
async fn serve(reader_left: Arc<AtomicBool>) -> String {
    let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(reader_left);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/v1")
}

async fn complete(
    State(reader_left): State<Arc<AtomicBool>>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Response {
    if headers.get(header::AUTHORIZATION).is_none_or(|key| key != "Bearer right") {
        let body = json!({"error": {"message": "Incorrect API key", "type": "invalid_request_error", "code": "invalid_api_key"}});
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let whole = [chunk("Blue "), chunk("ångström"), chunk(" — 青"), stop(), "data: [DONE]\n\n".to_string()].concat();
    match asked["model"].as_str().unwrap() {
        "good" => {
            assert_eq!(asked["stream"], true);
            assert_eq!(asked["max_tokens"], 50);
            assert_eq!(asked["temperature"], 0.0);
            assert!(asked["messages"][1]["content"].as_str().unwrap().contains("The sky is blue."));
            events(vec![whole])
        }
        // Every byte is a chunk of its own, so that every character and every event is split.
        "torn" => {
            let bytes: Vec<_> = whole.into_bytes().into_iter().map(|byte| Ok(Bytes::from(vec![byte]))).collect();
            event_stream(Body::from_stream(stream::iter::<Vec<Result<_, std::io::Error>>>(bytes)))
        }
        "error-inside" => {
            events(vec![chunk("Blue"), "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n".into()])
        }
        "nonsense-inside" => events(vec![chunk("Blue"), "data: <html>\n\n".into()]),
        "short" => events(vec![chunk("Blue")]),
        "page" => (StatusCode::OK, "<html>Welcome</html>").into_response(),
        "babbling" => {
            event_stream(Body::from_stream(stream::iter((0..1000).map(|_| Ok::<_, std::io::Error>(chunk("bla "))))))
        }
        "waiting" => {
            let left = SetOnDrop(reader_left);
            let first = stream::iter([Ok::<_, std::io::Error>(chunk("Blue"))]);
            let never = stream::once(async move {
                let _left = left;
                std::future::pending().await
            });
            event_stream(Body::from_stream(first.chain(never)))
        }
        // As llama-server does: the code is a number, which the protocol's types do not allow.
        "numbered" => (StatusCode::UNAUTHORIZED, Json(json!({"error": {"code": 401, "message": "Invalid API Key"}})))
            .into_response(),
        other => {
            let body = json!({"error": {"message": format!("model {other} not found"), "type": "api_error"}});
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
    }
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn chunk(text: &str) -> String {
    event(json!([{"index": 0, "delta": {"content": text}, "finish_reason": null}]))
}

fn stop() -> String {
    event(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]))
}

fn event(choices: Value) -> String {
    format!(
        "data: {}\n\n",
        json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices})
    )
}

fn events(events: Vec<String>) -> Response {
    event_stream(Body::from(events.concat()))
}

fn event_stream(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// The text before the end or the error, and the error.
async fn ask(model: &str, base: &str, key: &str) -> (String, Option<Error>) {
    support::generators::ask(&OpenAiGenerator::new(model, base, key).unwrap()).await
}

#[tokio::test]
async fn an_answer_is_complete_even_if_every_byte_arrives_alone() {
    let base = serve(Arc::default()).await;
    for model in ["good", "torn"] {
        let (text, error) = ask(model, &base, "right").await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(text, "Blue ångström — 青");
    }
}

#[tokio::test]
async fn every_failure_names_the_server_and_says_what_to_do() {
    let base = serve(Arc::default()).await;
    for (model, key, before, said, fault) in [
        ("good", "wrong", "", "Incorrect API key", ErrorKind::Input),
        ("numbered", "right", "", "Invalid API Key", ErrorKind::Input),
        ("missing", "right", "", "model missing not found", ErrorKind::Input),
        ("error-inside", "right", "Blue", "out of memory", ErrorKind::Model),
        ("nonsense-inside", "right", "Blue", "<html>", ErrorKind::Model),
        ("short", "right", "Blue", "ended before the answer did", ErrorKind::Model),
        ("page", "right", "", "ended before the answer did", ErrorKind::Model),
    ] {
        let (text, error) = ask(model, &base, key).await;
        let error = error.unwrap_or_else(|| panic!("{model} should fail"));
        assert_eq!(text, before, "{model}: {error}");
        assert!(error.to_string().contains(said), "{model}: {error}");
        assert!(error.to_string().contains(&base), "{model}: {error}");
        assert!(error.hint().is_some(), "{model}");
        assert_eq!(error.kind(), fault, "{model}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_about_the_machine() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let (_, error) = ask("good", &base, "").await;
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Machine);
    assert!(error.to_string().contains(&base) && format!("{:?}", error.hint()).contains("OPENAI_BASE_URL"), "{error}");
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_is_an_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"}") {
            connection.read_buf(&mut asked).await.unwrap();
        }
        let promise = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 10000\r\n\r\n";
        connection.write_all(format!("{promise}{}", chunk("Blue")).as_bytes()).await.unwrap();
    });
    let (text, error) = ask("any", &base, "").await;
    let error = error.unwrap();
    assert_eq!(text, "Blue");
    assert_eq!(error.kind(), ErrorKind::Model);
    assert!(error.to_string().contains("no complete answer") && error.to_string().contains(&base), "{error}");
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_cut_off() {
    let base = serve(Arc::default()).await;
    assert_eq!(ask("babbling", &base, "right").await.0, "bla ".repeat(50));
}

#[tokio::test]
async fn dropping_the_stream_hangs_up() {
    let left = Arc::new(AtomicBool::new(false));
    let base = serve(left.clone()).await;
    let mut tokens = OpenAiGenerator::new("waiting", &base, "right").unwrap().generate(&prompt());
    assert_eq!(tokens.next().await.unwrap().unwrap().text, "Blue");
    assert!(!left.load(Ordering::SeqCst));
    drop(tokens);
    while !left.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn invalid_addresses_and_keys_are_refused_at_once() {
    assert!(OpenAiGenerator::new("m", "localhost:8080/v1", "").is_err());
    assert!(OpenAiGenerator::new("m", "http://localhost:8080/v1", "a key\n with lines").is_err());
    assert!(OpenAiGenerator::new("", "http://localhost:8080/v1", "").is_err());
    assert_eq!(OpenAiGenerator::new("m", "http://localhost:8080/v1/", "").unwrap().name(), "openai:m");
}
