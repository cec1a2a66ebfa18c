//! `kinglet compare` and `kinglet use`: plans a comparison, fetches the models that it needs, and
//! prints a table and a verdict.

use kinglet::experiment::compare::{ComparisonRequest, MeasuringProgress};
use kinglet::view::ComparisonView;
use kinglet::{Config, Error, Result};

use crate::args::{CollectionArgs, CompareArgs, IndexArg};
use crate::progress::{Bars, CountedBar};
use crate::render;
use crate::run::{DONE, Session, printed, this_program};

impl Session<'_> {
    pub fn compare(&self, collection: &CollectionArgs, compare: &CompareArgs) -> Result<u8> {
        let vary: Vec<_> = compare.vary.iter().map(|vary| values(vary)).collect::<Result<_>>()?;
        for choice in vary.iter().filter(|(key, _)| key == "generator").flat_map(|(_, values)| values) {
            let config = Config { generator: choice.as_str().into(), ..Config::default() };
            config.generators().iter().try_for_each(|generator| self.check_generator_is_reachable(generator))?;
        }
        let plan = self.kinglet.plan_comparison(ComparisonRequest {
            vary,
            collection: self.collection_source(collection)?,
            embedders: compare.embedders.clone(),
            modes: compare.modes.clone(),
            folder: compare.out.clone(),
        })?;
        plan.left_out().iter().for_each(|sentence| render::notice(sentence));
        self.fetch_missing(plan.required_models())?;
        let bar = CountedBar::new("", 0);
        let measuring = |progress: MeasuringProgress<'_>| {
            bar.rename(progress.system);
            bar.set(progress.answered, progress.total);
        };
        let compared = self.kinglet.run_comparison(&plan, &this_program("measure")?, &Bars::default(), &measuring);
        bar.clear();
        let view = ComparisonView::from(compared?);
        printed(if self.global.json { render::json(&view) } else { render::comparison(&view) })
    }

    pub fn use_system(&self, system: &str, index: &IndexArg) -> Result<u8> {
        let name = self.index_name(index)?;
        if system == "default" {
            render::restored_defaults(&name, &self.kinglet.use_built_in_defaults(&name)?);
            return Ok(DONE);
        }
        self.kinglet.use_system(&name, system)?;
        render::notice(&format!(
            "{name} now uses {system} by default; `kinglet use default --index {name}` undoes this"
        ));
        Ok(DONE)
    }
}

/// Parses `KEY=A,B`.
fn values(written: &str) -> Result<(String, Vec<String>)> {
    let wrong = || {
        Error::input(format!("`{written}` is not KEY=A,B"))
            .with_hint("write a setting and its values, such as --vary fusion=min-max,rrf")
    };
    let (key, values) = written.split_once('=').ok_or_else(wrong)?;
    let values: Vec<String> = values.split(',').map(|value| value.trim().to_string()).collect();
    if key.is_empty() || values.iter().any(String::is_empty) {
        return Err(wrong());
    }
    Ok((key.trim().to_string(), values))
}
