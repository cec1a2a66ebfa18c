//! Language models that Ollama runs, on this machine or on another.

use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::contracts::{Generator, Token};
use super::http_client::{self, SILENCE_TIMEOUT, beginning, innermost};
use super::prompt::{AnswerForm, Prompt};
use super::thinking::without_thinking;
use crate::error::{Error, ErrorKind, Result};

/// Where Ollama listens unless `OLLAMA_HOST` says otherwise.
const DEFAULT_PORT: u16 = 11_434;

/// The context that Ollama is asked to open. It is always the same one, because Ollama loads a
/// model again when the size changes, and cuts prompts that are longer.
const CONTEXT_TOKENS: usize = 8192;

/// The tokens that a chat template adds around the two messages: Llama 3.2's adds 35.
const TEMPLATE_TOKENS: usize = 64;

/// Ollama lists its models in a few milliseconds.
const LIST_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest line of a response.
const MAX_LINE_BYTES: usize = 1 << 20;

/// An Ollama server.
#[derive(Debug, Clone)]
pub struct Ollama {
    url: String,
    client: reqwest::Client,
}

/// A model that Ollama has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OllamaModel {
    /// Its name, such as `qwen3:0.6b`.
    pub name: String,
    /// The size of its files.
    pub size_bytes: u64,
    /// The number of its parameters and how they are stored, such as `3.2B, Q4_K_M`.
    pub details: String,
}

impl Ollama {
    /// The server at `OLLAMA_HOST`; if that is unset, on this machine.
    ///
    /// # Errors
    /// When the address is malformed. Nothing is sent yet.
    pub fn from_environment() -> Result<Self> {
        Self::at(&std::env::var("OLLAMA_HOST").unwrap_or_default())
    }

    /// The server at `host`, in the forms that Ollama itself takes: an address with or without
    /// `http://` and port. An address that stands for all of this machine's is this machine.
    ///
    /// # Errors
    /// When the address is malformed. Nothing is sent yet.
    pub fn at(host: &str) -> Result<Self> {
        let url = base_url(host).ok_or_else(|| {
            Error::input(format!("{host:?} is not the address of an Ollama server"))
                .with_hint("set OLLAMA_HOST to one such as 127.0.0.1:11434, or unset it")
        })?;
        Ok(Ollama { client: http_client::client(&url)?, url })
    }

    /// True if the server is on this machine, so that requests need no network.
    pub fn is_on_this_machine(&self) -> bool {
        http_client::is_on_this_machine(&self.url)
    }

    /// The models that it has, by name.
    ///
    /// # Errors
    /// When it does not run, or does not answer within a second.
    pub async fn models(&self) -> Result<Vec<OllamaModel>> {
        let list = async {
            let request = self.client.get(format!("{}/api/tags", self.url));
            let response = request.send().await.map_err(|cause| self.unreachable(&cause))?;
            self.parsed::<Tags>(response).await
        };
        let tags = timeout(LIST_TIMEOUT, list).await.map_err(|_| self.timed_out(LIST_TIMEOUT))??;
        let mut models: Vec<OllamaModel> = tags.models.into_iter().map(OllamaModel::from).collect();
        models.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(models)
    }

    /// The chat model called `model`. Nothing is sent yet.
    ///
    /// # Errors
    /// When no model is named.
    pub fn generator(self, model: &str) -> Result<OllamaGenerator> {
        match model.trim() {
            "" => Err(Error::input("no model is named")
                .with_hint("write it after the colon, such as ollama:qwen3:0.6b; `kinglet models list` shows them")),
            model => Ok(OllamaGenerator { server: self, name: format!("ollama:{model}"), model: model.to_string() }),
        }
    }

    async fn post(&self, path: &str, model: &str, body: &Value) -> Result<Response> {
        let request = self.client.post(format!("{}/api/{path}", self.url));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = timeout(SILENCE_TIMEOUT, request.send()).await;
        let response = response.map_err(|_| self.timed_out(SILENCE_TIMEOUT))?;
        let response = response.map_err(|cause| self.unreachable(&cause))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND => Err(Error::input(format!("Ollama at {} has no model {model:?}", self.url))
                .with_hint(format!("ollama pull {model}"))),
            status => {
                let text = response.text().await.unwrap_or_default();
                let said = serde_json::from_str::<OllamaFailure>(&text).map_or(text, |failure| failure.error);
                Err(self.failed(&format!("it refused ({status}): {}", beginning(&said))))
            }
        }
    }

    async fn parsed<T: DeserializeOwned>(&self, response: Response) -> Result<T> {
        let bytes = response.bytes().await.map_err(|cause| self.failed(&innermost(&cause)))?;
        serde_json::from_slice(&bytes).map_err(|_| {
            self.failed(&format!("it sent something else: {}", beginning(&String::from_utf8_lossy(&bytes))))
        })
    }

    fn unreachable(&self, cause: &reqwest::Error) -> Error {
        Error::new(ErrorKind::Machine, format!("could not reach Ollama at {}: {}", self.url, innermost(cause)))
            .with_hint("start it with `ollama serve`, or set OLLAMA_HOST to where it runs")
    }

    fn failed(&self, why: &str) -> Error {
        Error::model(format!("no complete answer from Ollama at {}: {why}", self.url))
            .with_hint("look at Ollama's own messages, and update it if it is old")
    }

    fn timed_out(&self, time: Duration) -> Error {
        self.failed(&format!("it sent nothing for {} seconds", time.as_secs()))
    }
}

/// A chat model of an Ollama server. It decodes greedily and with a fixed seed, and its thinking is
/// switched off.
pub struct OllamaGenerator {
    server: Ollama,
    name: String,
    model: String,
}

impl Generator for OllamaGenerator {
    fn name(&self) -> &str {
        &self.name
    }

    fn context_tokens(&self) -> usize {
        CONTEXT_TOKENS
    }

    fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize> {
        Ok(prompt.estimated_tokens(AnswerForm::Free) + TEMPLATE_TOKENS)
    }

    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>> {
        let request = json!({
            "model": self.model,
            "messages": [
                {"role": "system", "content": prompt.system_message(AnswerForm::Free)},
                {"role": "user", "content": prompt.user_message(AnswerForm::Free)},
            ],
            "stream": true,
            "think": false,
            "options": {
                "temperature": 0, "seed": 0, "num_ctx": CONTEXT_TOKENS, "num_predict": prompt.max_answer_tokens,
            },
        });
        let needed_tokens = self.prompt_tokens(prompt).map(|tokens| tokens + prompt.max_answer_tokens);
        let exchange = OllamaAnswer {
            server: self.server.clone(),
            model: self.model.clone(),
            buffer: Vec::new(),
            pieces_left: prompt.max_answer_tokens,
        };
        let tokens = stream::try_unfold((exchange, None), move |(mut exchange, response)| {
            let (request, needed_tokens) = (request.clone(), needed_tokens.as_ref().map_or(0, |tokens| *tokens));
            async move {
                let mut response = match response {
                    Some(response) => response,
                    None => exchange.begin(&request, needed_tokens).await?,
                };
                let token = exchange.next(&mut response).await?;
                Ok(token.map(|token| (token, (exchange, Some(response)))))
            }
        });
        without_thinking(tokens.boxed(), &self.name, false)
    }
}

/// One question to the server and its answer.
struct OllamaAnswer {
    server: Ollama,
    model: String,
    /// What has arrived and is not a whole line yet.
    buffer: Vec<u8>,
    /// Each piece has at least one token, so this bounds the answer even if the server ignores the
    /// limit.
    pieces_left: usize,
}

impl OllamaAnswer {
    /// Asks whether the model can answer, and begins the answer.
    async fn begin(&self, request: &Value, needed_tokens: usize) -> Result<Response> {
        let response = self.server.post("show", &self.model, &json!({"model": self.model})).await?;
        let shown: Shown = self.server.parsed(response).await?;
        if shown.capabilities.is_some_and(|can| !can.iter().any(|it| it == "completion")) {
            return Err(Error::input(format!("Ollama's {} cannot write answers: it gives vectors", self.model))
                .with_hint("name a chat model; `kinglet models list` shows those that Ollama has"));
        }
        let trained_tokens = shown.model_info.iter().find(|(key, _)| key.ends_with(".context_length"));
        if let Some(tokens) = trained_tokens.and_then(|(_, tokens)| tokens.as_u64())
            && tokens < needed_tokens as u64
        {
            return Err(Error::input(format!(
                "the prompt and the answer take about {needed_tokens} tokens, but Ollama's {} reads only {tokens}",
                self.model
            ))
            .with_hint("give it fewer passages (--budget), or take another model"));
        }
        self.server.post("chat", &self.model, request).await
    }

    /// The next piece of the answer, if there is one.
    async fn next(&mut self, response: &mut Response) -> Result<Option<Token>> {
        while self.pieces_left > 0 {
            let line = self.line(response).await?;
            let piece: Piece = match serde_json::from_slice(&line) {
                Ok(piece) => piece,
                Err(_) => {
                    let text = String::from_utf8_lossy(&line).into_owned();
                    let said = serde_json::from_str::<OllamaFailure>(&text).map_or(text, |failure| failure.error);
                    return Err(self.server.failed(&beginning(&said)));
                }
            };
            self.pieces_left = if piece.done { 0 } else { self.pieces_left - 1 };
            if !piece.message.content.is_empty() {
                return Ok(Some(Token::from(piece.message.content)));
            }
        }
        Ok(None)
    }

    async fn line(&mut self, response: &mut Response) -> Result<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                return Ok(std::mem::replace(&mut self.buffer, rest));
            }
            if self.buffer.len() > MAX_LINE_BYTES {
                return Err(self.server.failed("it sent a line without an end"));
            }
            let chunk = timeout(SILENCE_TIMEOUT, response.chunk()).await;
            let chunk = chunk.map_err(|_| self.server.timed_out(SILENCE_TIMEOUT))?;
            match chunk.map_err(|cause| self.server.failed(&innermost(&cause)))? {
                Some(bytes) => self.buffer.extend(bytes),
                None => return Err(self.server.failed("the stream ended before the answer did")),
            }
        }
    }
}

/// The address of the server that `OLLAMA_HOST` names, without a slash at its end.
fn base_url(host: &str) -> Option<String> {
    let host = host.trim().trim_matches(['"', '\'']).trim_end_matches('/');
    let has_scheme = host.contains("://");
    let written = match host {
        "" => "http://127.0.0.1".to_string(),
        port if port.starts_with(':') => format!("http://127.0.0.1{port}"),
        _ if has_scheme => host.to_string(),
        _ => format!("http://{host}"),
    };
    let mut url = reqwest::Url::parse(&written).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    match url.host_str()? {
        "0.0.0.0" => url.set_host(Some("127.0.0.1")).ok()?,
        "[::]" => url.set_host(Some("[::1]")).ok()?,
        _ => {}
    }
    // Colons within brackets belong to the address.
    let names_port = host.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    if !has_scheme && !names_port {
        url.set_port(Some(DEFAULT_PORT)).ok()?;
    }
    Some(url.as_str().trim_end_matches('/').to_string())
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    details: TagDetails,
}

#[derive(Default, Deserialize)]
struct TagDetails {
    #[serde(default)]
    parameter_size: String,
    #[serde(default)]
    quantization_level: String,
}

impl From<Tag> for OllamaModel {
    fn from(tag: Tag) -> Self {
        let details = [tag.details.parameter_size, tag.details.quantization_level];
        let details: Vec<String> = details.into_iter().filter(|it| !it.is_empty()).collect();
        OllamaModel { name: tag.name, size_bytes: tag.size, details: details.join(", ") }
    }
}

#[derive(Deserialize)]
struct Shown {
    capabilities: Option<Vec<String>>,
    #[serde(default)]
    model_info: Map<String, Value>,
}

#[derive(Deserialize)]
struct Piece {
    message: PieceMessage,
    #[serde(default)]
    done: bool,
}

#[derive(Deserialize)]
struct PieceMessage {
    #[serde(default)]
    content: String,
}

#[derive(Deserialize)]
struct OllamaFailure {
    error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_has_the_forms_that_ollama_takes() {
        for (host, url) in [
            ("", "http://127.0.0.1:11434"),
            ("127.0.0.1", "http://127.0.0.1:11434"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("[::]:99", "http://[::1]:99"),
            ("[::1]", "http://[::1]:11434"),
            (":5000", "http://127.0.0.1:5000"),
            ("box.example:80", "http://box.example"),
            ("http://box.example", "http://box.example"),
            ("https://box.example/ollama/", "https://box.example/ollama"),
        ] {
            assert_eq!(base_url(host).as_deref(), Some(url), "{host}");
        }
        for host in ["ftp://box", "a b", "x:y:z"] {
            assert_eq!(base_url(host), None, "{host}");
        }
    }
}
