//! How fast a language model reads and writes on this machine: measured by a short run when the
//! user asks for it, and kept beside the model.

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::machine::machine;
use super::runtime::runtime;
use crate::config::{Config, GeneratorChoice};
use crate::engine::Kinglet;
use crate::error::{Error, Result};
use crate::models::catalog::ModelSpec;
use crate::models::contracts::Generator;
use crate::models::prompt::{Prompt, Task};
use crate::models::reference::GeneratorRef;

/// The file with the last measurement in a model's folder.
const RECORD: &str = "speed.json";

/// The sentences of the long prompt, of about 25 tokens each, and the tokens that are written.
const SENTENCES: usize = 20;
const ANSWER_TOKENS: usize = 32;

/// How fast a language model is, to a tenth of a token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GeneratorSpeed {
    /// The tokens of a prompt that it reads in a second.
    pub read_tokens_per_second: f64,
    /// The tokens of an answer that it writes in a second; `None` if it wrote only one.
    pub write_tokens_per_second: Option<f64>,
}

impl fmt::Display for GeneratorSpeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reads {:.0} tokens/s", self.read_tokens_per_second)?;
        self.write_tokens_per_second.map_or(Ok(()), |written| write!(f, ", writes {written:.1} tokens/s"))
    }
}

/// A measurement, with all that it depends on.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    machine: String,
    threads: usize,
    speed: GeneratorSpeed,
}

impl Kinglet {
    /// The speed of a model as it was measured on this machine with these settings, if it was.
    pub fn known_speed(&self, spec: &ModelSpec) -> Option<GeneratorSpeed> {
        let text = std::fs::read_to_string(self.speed_record(spec)).ok()?;
        let record: Record = serde_json::from_str(&text).ok()?;
        (record.machine == machine() && record.threads == self.config().threads).then_some(record.speed)
    }

    /// Measures how fast a generator is, which takes some seconds, and keeps the result if it is a
    /// model of the catalog. The caller must have entered a tokio runtime.
    ///
    /// # Errors
    /// When the generator cannot be opened or fails, or the result cannot be written.
    pub fn measure_speed(&self, generator: &GeneratorRef) -> Result<GeneratorSpeed> {
        let runtime = runtime()?;
        let choice = GeneratorChoice::Use(generator.clone());
        let this = self.clone().with_config(Config { generator: choice, ..self.config().clone() });
        let opened = this.open_generator()?;
        let speed = runtime.block_on(async {
            // The first run brings the weights into memory.
            run(opened.as_ref(), &prompt(1, 1)).await?;
            let short = run(opened.as_ref(), &prompt(1, 1)).await?;
            let long = run(opened.as_ref(), &prompt(SENTENCES, ANSWER_TOKENS)).await?;
            Ok::<_, Error>(long.speed(&short))
        })?;
        if let Some(id) = generator.model() {
            let record = Record { machine: machine(), threads: self.config().threads, speed };
            let path = self.speed_record(&self.generator_spec(id)?.0);
            let text = serde_json::to_string_pretty(&record).expect("a record is plain data");
            std::fs::write(&path, text).map_err(|cause| Error::io("write", &path, cause))?;
        }
        Ok(speed)
    }

    fn speed_record(&self, spec: &ModelSpec) -> PathBuf {
        self.models().folder(spec).join(RECORD)
    }
}

fn prompt(sentences: usize, max_answer_tokens: usize) -> Prompt {
    let sentence =
        |number: usize| format!("Kinglet number {number} weighs {number} grams, lives in wood {number} and sings. ");
    let passage: String = (1..=sentences).map(sentence).collect();
    Prompt {
        task: Task::Question,
        question: String::new(),
        passages: vec![passage.as_str().into()],
        is_read: false,
        max_answer_tokens,
    }
}

/// The times of an answer.
struct Timing {
    prompt_tokens: usize,
    seconds_to_first: f64,
    further_tokens: usize,
    further_seconds: f64,
}

impl Timing {
    /// The speed of this answer. What any prompt costs besides its length, such as opening a
    /// context, is left out by comparison with a `short` one.
    fn speed(&self, short: &Timing) -> GeneratorSpeed {
        let read_tokens = self.prompt_tokens.saturating_sub(short.prompt_tokens) as f64;
        let read_seconds = (self.seconds_to_first - short.seconds_to_first).max(f64::EPSILON);
        let rounded = |number: f64| (number * 10.0).round() / 10.0;
        GeneratorSpeed {
            read_tokens_per_second: rounded(read_tokens / read_seconds),
            write_tokens_per_second: (self.further_tokens > 0)
                .then(|| rounded(self.further_tokens as f64 / self.further_seconds.max(f64::EPSILON))),
        }
    }
}

async fn run(generator: &dyn Generator, prompt: &Prompt) -> Result<Timing> {
    let prompt_tokens = generator.prompt_tokens(prompt)?;
    let started = Instant::now();
    let mut tokens = generator.generate(prompt);
    if tokens.next().await.transpose()?.is_none() {
        return Err(Error::model(format!("{} wrote nothing", generator.name())));
    }
    let (seconds_to_first, began_to_write) = (started.elapsed().as_secs_f64(), Instant::now());
    let mut further_tokens = 0;
    while let Some(token) = tokens.next().await {
        token?;
        further_tokens += 1;
    }
    let further_seconds = began_to_write.elapsed().as_secs_f64();
    Ok(Timing { prompt_tokens, seconds_to_first, further_tokens, further_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_leaves_out_what_every_prompt_costs() {
        let timing = |prompt_tokens, seconds_to_first, further_tokens| Timing {
            prompt_tokens,
            seconds_to_first,
            further_tokens,
            further_seconds: 2.0,
        };
        let speed = timing(500, 5.0, 30).speed(&timing(100, 1.0, 0));
        assert_eq!(speed, GeneratorSpeed { read_tokens_per_second: 100.0, write_tokens_per_second: Some(15.0) });
        assert_eq!(timing(500, 5.0, 0).speed(&timing(100, 1.0, 0)).write_tokens_per_second, None);
    }
}
