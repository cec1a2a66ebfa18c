//! Answering a question from the documents.

use futures::StreamExt;
use kinglet::models::openai::OpenAiGenerator;
use kinglet::models::reference::GeneratorRef;
use kinglet::view::AnswerView;
use kinglet::{AnswerEvent, Error, Result, SearchOptions};

use crate::args::{self, IndexArg};
use crate::progress;
use crate::render::{self, here_or_nowhere};
use crate::run::{DONE, REFUSED, Session, printed};

impl Session<'_> {
    pub fn ask(&self, question: &str, index: &IndexArg, options: &SearchOptions) -> Result<u8> {
        self.check_generator_is_reachable()?;
        self.fetch_missing(&self.kinglet.models_for_answering()?)?;
        let name = self.ready(question, index)?;
        let waiting = progress::waiting(&self.resolved.config.generator.to_string());
        let mut shown = Ok(());
        let mut events = self.kinglet.open(&name)?.ask(question, options);
        let answered = self.runtime().block_on(async {
            while let Some(event) = events.next().await {
                match event? {
                    AnswerEvent::Sentence(sentence) => {
                        waiting.finish_and_clear();
                        if !self.global.json && shown.is_ok() {
                            shown = render::sentence(&sentence.text);
                        }
                    }
                    AnswerEvent::Finished(answer) => return Ok::<_, Error>(*answer),
                    _ => {}
                }
            }
            unreachable!("the last event is the answer")
        });
        waiting.finish_and_clear();
        let answer = answered?;
        printed(shown)?;
        let view = AnswerView::new(&answer, &here_or_nowhere());
        if self.global.json {
            printed(render::json(&view))?;
        } else {
            printed(render::sources(&view, self.global.verbose))?;
            render::remarks(&view, self.global.verbose);
        }
        render::pending(answer.pending, &name);
        Ok(if answer.refused { REFUSED } else { DONE })
    }

    /// Offline, only a server on this machine may be asked.
    fn check_generator_is_reachable(&self) -> Result<()> {
        let generator = &self.resolved.config.generator;
        match generator {
            GeneratorRef::OpenAi { model }
                if args::is_offline(self.global) && !OpenAiGenerator::from_environment(model)?.is_on_this_machine() =>
            {
                Err(Error::input(format!("{generator} is a server elsewhere, and this is offline"))
                    .with_hint("set OPENAI_BASE_URL to a server on this machine, or choose another generator"))
            }
            GeneratorRef::OpenAi { .. } | GeneratorRef::Extractive | GeneratorRef::Catalog(_) => Ok(()),
        }
    }
}
