//! A language model on any server with OpenAI's chat completions API.
//!
//! Such servers are OpenAI itself, Ollama, vLLM and llama-server. Only this file names
//! `async_openai`.

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
use super::http_client::{self, SILENCE_TIMEOUT, beginning, innermost};
use super::prompt::{AnswerForm, Prompt};
use super::thinking::without_thinking;
use crate::error::{Error, ErrorKind, Result};

/// The context size that every server is assumed to have, because the protocol has no way to ask:
/// Ollama's default.
const CONTEXT_TOKENS: usize = 4096;

/// The tokens that a chat template adds around the two messages; no known template adds more.
const TEMPLATE_TOKENS: usize = 32;

/// A chat model on a server. Requests go to `BASE_URL/chat/completions`. The client repeats a
/// request that was not accepted (no connection, too many requests, a server error) at most three
/// times, but never one whose answer has begun.
pub struct OpenAiGenerator {
    name: String,
    model: String,
    url: String,
    is_openai: bool,
    client: Client<OpenAIConfig>,
}

impl OpenAiGenerator {
    /// Takes the chat model `model` at `OPENAI_BASE_URL` (OpenAI if unset), with the key in
    /// `OPENAI_API_KEY`, which local servers do not need.
    ///
    /// # Errors
    /// When the address or the key is malformed. Nothing is sent yet.
    pub fn from_environment(model: &str) -> Result<Self> {
        let read = |name: &str| std::env::var(name).unwrap_or_default();
        let base_url = Some(read("OPENAI_BASE_URL")).filter(|url| !url.trim().is_empty());
        Self::new(model, base_url.as_deref().unwrap_or(OPENAI_API_BASE), &read("OPENAI_API_KEY"))
    }

    /// Takes the chat model `model` at `base_url`, which usually ends in `/v1`.
    ///
    /// # Errors
    /// When the address or the key is malformed. Nothing is sent yet.
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
        // The client would panic on a key that is not a valid HTTP header.
        if !api_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::input("the API key contains a character that no key has")
                .with_hint("set OPENAI_API_KEY again, without spaces and quotation marks"));
        }
        let http = http_client::client(base_url)?;
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

    /// True if the server is on this machine, so that requests need no network.
    pub fn is_on_this_machine(&self) -> bool {
        http_client::is_on_this_machine(&self.url)
    }

    /// OpenAI's newer models accept neither `max_tokens` nor a temperature; older servers know only
    /// `max_tokens`.
    #[allow(deprecated)]
    fn request(&self, prompt: &Prompt) -> CreateChatCompletionRequest {
        let limit = u32::try_from(prompt.max_answer_tokens).ok();
        CreateChatCompletionRequest {
            model: self.model.clone(),
            messages: vec![
                ChatCompletionRequestSystemMessage::from(prompt.system_message(AnswerForm::Free)).into(),
                ChatCompletionRequestUserMessage::from(prompt.user_message(AnswerForm::Free)).into(),
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
        Ok(prompt.estimated_tokens(AnswerForm::Free) + TEMPLATE_TOKENS)
    }

    fn generate(&self, prompt: &Prompt) -> BoxStream<'static, Result<Token>> {
        let request = StreamState::Request(self.client.clone(), Box::new(self.request(prompt)));
        let exchange =
            Exchange { url: self.url.clone(), model: self.model.clone(), pieces_left: prompt.max_answer_tokens };
        let tokens = stream::try_unfold((exchange, request), |(mut exchange, stage)| async move {
            Ok(exchange.next(stage).await?.map(|(token, stage)| (token, (exchange, stage))))
        });
        without_thinking(tokens.boxed(), &self.name, false)
    }
}

/// The state of an exchange with the server.
enum StreamState {
    Request(Client<OpenAIConfig>, Box<CreateChatCompletionRequest>),
    Response(ChatCompletionResponseStream),
}

/// One request to the server and its answer.
struct Exchange {
    url: String,
    model: String,
    /// Each piece has at least one token, so this bounds the answer even if the server ignores the
    /// limit.
    pieces_left: usize,
}

impl Exchange {
    async fn next(&mut self, stage: StreamState) -> Result<Option<(Token, StreamState)>> {
        if self.pieces_left == 0 {
            return Ok(None);
        }
        let mut events = match stage {
            StreamState::Response(events) => events,
            StreamState::Request(client, request) => {
                match timeout(SILENCE_TIMEOUT, client.chat().create_stream(*request)).await {
                    Ok(response) => response.map_err(|error| self.explain(error))?,
                    Err(_) => return Err(self.timed_out()),
                }
            }
        };
        loop {
            let event = timeout(SILENCE_TIMEOUT, events.next()).await.map_err(|_| self.timed_out())?;
            let Some(event) = event else {
                return Err(self.broken("the stream ended before the answer did"));
            };
            // A chunk without choices carries statistics.
            let Some(choice) = event.map_err(|error| self.explain(error))?.choices.into_iter().next() else {
                continue;
            };
            let text = choice.delta.content.unwrap_or_default();
            match choice.finish_reason {
                Some(FinishReason::ContentFilter) => return Err(self.broken("its content filter stopped the answer")),
                Some(_) => self.pieces_left = 0,
                None if text.is_empty() => continue,
                None => self.pieces_left -= 1,
            }
            return Ok(if text.is_empty() { None } else { Some((Token::from(text), StreamState::Response(events))) });
        }
    }

    fn explain(&self, error: OpenAIError) -> Error {
        match error {
            OpenAIError::Reqwest(cause) => {
                let what = format!("could not reach {}: {}", self.url, innermost(&cause));
                Error::new(ErrorKind::Machine, what)
                    .with_hint("start the server, or set OPENAI_BASE_URL to where it is")
            }
            OpenAIError::ApiError(answer) => {
                self.refused(Some(u64::from(answer.status_code.as_u16())), &answer.api_error.message)
            }
            // Errors in a server's own shape, and errors in the middle of a stream, arrive as JSON
            // of another shape.
            OpenAIError::JSONDeserialize(_, content) => match serde_json::from_str::<serde_json::Value>(&content) {
                Ok(value) if value.get("error").or(value.get("detail")).is_some() => {
                    let error = value.get("error").or(value.get("detail")).unwrap_or(&value);
                    let message = error.get("message").unwrap_or(error);
                    let message = message.as_str().map_or_else(|| message.to_string(), str::to_string);
                    self.refused(error.get("code").and_then(serde_json::Value::as_u64), &message)
                }
                _ => self.broken(&format!("it sent something that is not a chat completion: {}", beginning(&content))),
            },
            other => self.broken(&other.to_string()),
        }
    }

    /// The error for a request that the server refused, with the HTTP status if it is known.
    fn refused(&self, status: Option<u64>, message: &str) -> Error {
        let Exchange { url, model, .. } = self;
        let message = beginning(message);
        match status {
            Some(401 | 403) => Error::input(format!("{url} does not accept the key: {message}"))
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
        Error::model(format!("no complete answer from {}: {why}", self.url))
            .with_hint("look at the server's own messages; OPENAI_BASE_URL usually ends in /v1")
    }

    fn timed_out(&self) -> Error {
        self.broken(&format!("it sent nothing for {} seconds", SILENCE_TIMEOUT.as_secs()))
    }
}
