//! `kinglet ask`: answers a question from the documents.

use futures::StreamExt;
use kinglet::view::AnswerView;
use kinglet::{AnswerEvent, Error, Result, SearchOptions};

use crate::args::IndexArg;
use crate::progress;
use crate::render::{self, base_folder};
use crate::run::{DONE, REFUSED, Session, printed};

impl Session<'_> {
    pub fn ask(&self, question: &str, index: &IndexArg, options: &SearchOptions, explain: bool) -> Result<u8> {
        for generator in self.resolved.config.generators() {
            self.check_generator_is_reachable(&generator)?;
        }
        let index = self.open_for(question, index)?;
        self.fetch_missing(&self.kinglet.models_for_checking(index.name())?)?;
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
            printed(render::sources(&view))?;
            if explain {
                printed(render::explanations(&view))?;
            }
            render::remarks(&view, self.global.verbose);
        }
        render::pending(answer.pending, index.name());
        Ok(if answer.refused { REFUSED } else { DONE })
    }
}
