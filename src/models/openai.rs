//! A language model behind any server that speaks OpenAI's chat completions: OpenAI itself, Ollama,
//! vLLM, llama-server. The only file that names `async_openai`.

use std::time::Duration;

use async_openai::Client;
use async_openai::config::{OPENAI_API_BASE, OpenAIConfig};
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionRequestSystemMessage, ChatCompletionRequestUserMessage, ChatCompletionResponseStream,
    CreateChatCompletionRequest, FinishReason,
};
use futures::stream::{self, BoxStream, StreamExt};
use tokio::time::timeout;

use super::contracts::{Generator, Token};
use super::prompt::Prompt;
use crate::error::{Error, ErrorKind, Result};
use crate::text::estimated_tokens;

/// What a server is trusted to read, since the protocol has no way to ask: what Ollama gives a
/// model unless told otherwise.
const CONTEXT_TOKENS: usize = 4096;

/// Tokens that a chat template adds around the two messages; more than any known one does.
const TEMPLATE_TOKENS: usize = 32;

/// A server that does not even take the connection in this time is not there.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// A server that says nothing for so long is given up: a large model may first have to be loaded
/// and read the prompt.
const LONGEST_SILENCE: Duration = Duration::from_secs(120);

/// A chat model on a server. Requests go to `BASE_URL/chat/completions`. The client repeats a
/// request that was not accepted (no connection, too many requests, a server error) at most three
/// times, and never one whose answer has begun.
pub struct OpenAiGenerator {
    name: String,
    model: String,
    url: String,
    is_openai: bool,
    client: Client<OpenAIConfig>,
}

impl OpenAiGenerator {
    /// The chat model `model` at `OPENAI_BASE_URL` (unset: OpenAI), with the key in
    /// `OPENAI_API_KEY`, which local servers do not need.
    ///
    /// # Errors
    /// When the address or the key cannot be one. Nothing is sent yet.
    pub fn from_environment(model: &str) -> Result<Self> {
        let read = |name: &str| std::env::var(name).unwrap_or_default();
        let base_url = Some(read("OPENAI_BASE_URL")).filter(|url| !url.trim().is_empty());
        Self::new(model, base_url.as_deref().unwrap_or(OPENAI_API_BASE), &read("OPENAI_API_KEY"))
    }

    /// The chat model `model` at `base_url`, which usually ends in `/v1`.
    ///
    /// # Errors
    /// When the address or the key cannot be one. Nothing is sent yet.
    pub fn new(model: &str, base_url: &str, api_key: &str) -> Result<Self> {
        let (model, base_url, api_key) = (model.trim(), base_url.trim().trim_end_matches('/'), api_key.trim());
        if model.is_empty() {
            return Err(
                Error::input("no model is named").with_hint("write it after the colon, such as openai:gpt-4o-mini")
            );
        }
        if !base_url.starts_with("http://") && !base_url.starts_with("https://") {
            return Err(Error::input(format!("{base_url:?} is not the address of a server"))
                .with_hint("set OPENAI_BASE_URL to one such as http://localhost:11434/v1"));
        }
        // The client would panic over a key that is no HTTP header.
        if !api_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::input("the key has characters that no key has")
                .with_hint("set OPENAI_API_KEY again, without spaces and quotation marks"));
        }
        let mut http = reqwest::Client::builder().connect_timeout(LONGEST_CONNECT);
        if base_url.starts_with("http://") {
            http = http.tls_certs_only([]); // a machine without any certificates can still ask its own server
        }
        let http = http.build().map_err(|cause| {
            let what = format!("no connection to {base_url} can be made: {}", innermost(&cause));
            Error::new(ErrorKind::Machine, what)
                .with_hint("install the system's CA certificates (the package ca-certificates)")
        })?;
        let config =
            OpenAIConfig::new().with_api_base(base_url).with_api_key(api_key).with_org_id("").with_project_id("");
        Ok(OpenAiGenerator {
            name: format!("openai:{model}"),
            model: model.to_string(),
            url: format!("{base_url}/chat/completions"),
            is_openai: base_url == OPENAI_API_BASE,
            client: Client::build(http, config),
        })
    }

    /// Whether the server is on this machine, so that asking it needs no network.
    pub fn is_on_this_machine(&self) -> bool {
        let host = reqwest::Url::parse(&self.url).ok().and_then(|url| url.host_str().map(str::to_string));
        host.is_some_and(|host| host == "localhost" || host == "[::1]" || host.starts_with("127."))
    }

    /// OpenAI's newer models take neither `max_tokens` nor a temperature; older servers know only
    /// `max_tokens`.
    #[allow(deprecated)]
    fn request(&self, prompt: &Prompt) -> CreateChatCompletionRequest {
        let limit = u32::try_from(prompt.max_answer_tokens).ok();
        CreateChatCompletionRequest {
            model: self.model.clone(),
            messages: vec![
                ChatCompletionRequestSystemMessage::from(prompt.system_message()).into(),
                ChatCompletionRequestUserMessage::from(prompt.user_message()).into(),
            ],
            max_completion_tokens: limit.filter(|_| self.is_openai),
            max_tokens: limit.filter(|_| !self.is_openai),
            temperature: (!self.is_openai).then_some(0.0),
            seed: (!self.is_openai).then_some(0),
            ..Default::default()
        }
    }
}

impl Generator for OpenAiGenerator {
    fn name(&self) -> &str {
        &self.name
    }

    fn context_tokens(&self) -> usize {
        CONTEXT_TOKENS
    }

    fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize> {
        let words = estimated_tokens(prompt.system_message()) + estimated_tokens(&prompt.user_message());
        Ok(words + TEMPLATE_TOKENS)
    }

    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>> {
        let asking = Stage::Asking(self.client.clone(), Box::new(self.request(prompt)));
        let talk = Talk { url: self.url.clone(), model: self.model.clone(), pieces_left: prompt.max_answer_tokens };
        stream::try_unfold((talk, asking), |(mut talk, stage)| async move {
            Ok(talk.next(stage).await?.map(|(token, stage)| (token, (talk, stage))))
        })
        .boxed()
    }
}

/// Where a talk with the server stands.
enum Stage {
    Asking(Client<OpenAIConfig>, Box<CreateChatCompletionRequest>),
    Reading(ChatCompletionResponseStream),
}

/// One question and its answer.
struct Talk {
    url: String,
    model: String,
    /// A piece holds at least a token, so that this bounds a server that knows no limit.
    pieces_left: usize,
}

impl Talk {
    async fn next(&mut self, stage: Stage) -> Result<Option<(Token, Stage)>> {
        if self.pieces_left == 0 {
            return Ok(None);
        }
        let mut events = match stage {
            Stage::Reading(events) => events,
            Stage::Asking(client, request) => {
                match timeout(LONGEST_SILENCE, client.chat().create_stream(*request)).await {
                    Ok(answered) => answered.map_err(|error| self.explained(error))?,
                    Err(_) => return Err(self.silent()),
                }
            }
        };
        loop {
            let event = timeout(LONGEST_SILENCE, events.next()).await.map_err(|_| self.silent())?;
            let Some(event) = event else {
                return Err(self.broken("the stream ended before the answer did"));
            };
            // A chunk without choices carries statistics.
            let Some(choice) = event.map_err(|error| self.explained(error))?.choices.into_iter().next() else {
                continue;
            };
            let text = choice.delta.content.unwrap_or_default();
            match choice.finish_reason {
                Some(FinishReason::ContentFilter) => return Err(self.broken("its content filter stopped the answer")),
                Some(_) => self.pieces_left = 0,
                None if text.is_empty() => continue,
                None => self.pieces_left -= 1,
            }
            return Ok(if text.is_empty() { None } else { Some((Token { text }, Stage::Reading(events))) });
        }
    }

    fn explained(&self, error: OpenAIError) -> Error {
        match error {
            OpenAIError::Reqwest(cause) => {
                let what = format!("could not reach {}: {}", self.url, innermost(&cause));
                Error::new(ErrorKind::Machine, what)
                    .with_hint("start the server, or set OPENAI_BASE_URL to where it is")
            }
            OpenAIError::ApiError(answer) => {
                self.refused(Some(u64::from(answer.status_code.as_u16())), &answer.api_error.message)
            }
            // Errors in a shape of the server's own, and errors in the middle of a stream, arrive
            // as JSON of another kind.
            OpenAIError::JSONDeserialize(_, content) => match serde_json::from_str::<serde_json::Value>(&content) {
                Ok(value) if value.get("error").or(value.get("detail")).is_some() => {
                    let error = value.get("error").or(value.get("detail")).unwrap_or(&value);
                    let message = error.get("message").unwrap_or(error);
                    let message = message.as_str().map_or_else(|| message.to_string(), str::to_string);
                    self.refused(error.get("code").and_then(serde_json::Value::as_u64), &message)
                }
                _ => self.broken(&format!("it sent something that is no chat completion: {}", beginning(&content))),
            },
            other => self.broken(&other.to_string()),
        }
    }

    /// The server said no, with an HTTP status where it is known.
    fn refused(&self, status: Option<u64>, message: &str) -> Error {
        let Talk { url, model, .. } = self;
        let message = beginning(message);
        match status {
            Some(401 | 403) => Error::input(format!("{url} does not take the key: {message}"))
                .with_hint("set OPENAI_API_KEY to a key of that server"),
            Some(404) => Error::input(format!("{url} has no model {model:?}: {message}"))
                .with_hint("name a model that the server lists; OPENAI_BASE_URL usually ends in /v1"),
            Some(status) => Error::model(format!("{url} refused ({status}): {message}"))
                .with_hint("try again later, or look at the server's own messages"),
            None => Error::model(format!("{url} refused: {message}"))
                .with_hint("look at OPENAI_BASE_URL, OPENAI_API_KEY and the model's name"),
        }
    }

    fn broken(&self, why: &str) -> Error {
        Error::model(format!("no whole answer from {}: {why}", self.url))
            .with_hint("look at the server's own messages; OPENAI_BASE_URL usually ends in /v1")
    }

    fn silent(&self) -> Error {
        self.broken(&format!("it said nothing for {} seconds", LONGEST_SILENCE.as_secs()))
    }
}

/// What is at the bottom of a chain of errors, where the reason stands.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The first words of what a server sent, on one line.
fn beginning(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(200).collect()
}
