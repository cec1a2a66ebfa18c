//! `kinglet ask`: answers a question from the documents.

use futures::StreamExt;
use kinglet::models::ollama::Ollama;
use kinglet::models::openai::OpenAiGenerator;
use kinglet::models::reference::GeneratorRef;
use kinglet::view::AnswerView;
use kinglet::{AnswerEvent, Error, Result, SearchOptions};

use crate::args::{self, IndexArg};
use crate::progress;
use crate::render::{self, base_folder};
use crate::run::{DONE, REFUSED, Session, printed};

impl Session<'_> {
    pub fn ask(&self, question: &str, index: &IndexArg, options: &SearchOptions) -> Result<u8> {
        for generator in self.resolved.config.generators() {
            self.check_generator_is_reachable(&generator)?;
        }
        let index = self.open_for(question, index)?;
        self.fetch_missing(&self.kinglet.models_for_answering()?)?;
        let spinner = progress::spinner(&self.resolved.config.generator().to_string());
        let mut written = Ok(());
        let mut events = index.ask(question, options);
        let answered = self.runtime().block_on(async {
            while let Some(event) = events.next().await {
                match event? {
                    AnswerEvent::Sentence(sentence) => {
                        spinner.finish_and_clear();
                        if !self.global.json && written.is_ok() {
                            written = render::sentence(&sentence.text);
                        }
                    }
                    AnswerEvent::Finished(answer) => return Ok::<_, Error>(*answer),
                    _ => {}
                }
            }
            Err(Error::model("the answer broke off"))
        });
        spinner.finish_and_clear();
        let answer = answered?;
        printed(written)?;
        let view = AnswerView::new(&answer, &base_folder());
        if self.global.json {
            printed(render::json(&view))?;
        } else {
            printed(render::sources(&view, self.global.verbose))?;
            render::remarks(&view, self.global.verbose);
        }
        render::pending(answer.pending, index.name());
        Ok(if answer.refused { REFUSED } else { DONE })
    }

    /// Fails if kinglet is offline and the generator is a server on another machine.
    pub fn check_generator_is_reachable(&self, generator: &GeneratorRef) -> Result<()> {
        let (is_on_this_machine, variable) = match generator {
            GeneratorRef::OpenAi { model } => {
                (OpenAiGenerator::from_environment(model)?.is_on_this_machine(), "OPENAI_BASE_URL")
            }
            GeneratorRef::Ollama { .. } => (Ollama::from_environment()?.is_on_this_machine(), "OLLAMA_HOST"),
            GeneratorRef::Extractive | GeneratorRef::File(_) | GeneratorRef::Catalog(_) => return Ok(()),
        };
        if args::is_offline(self.global) && !is_on_this_machine {
            return Err(Error::input(format!("{generator} is a server on another machine, and kinglet is offline"))
                .with_hint(format!("set {variable} to a server on this machine, or choose another generator")));
        }
        Ok(())
    }
}
