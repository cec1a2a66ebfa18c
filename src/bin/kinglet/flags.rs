//! The settings that are given as flags of a command.

use crate::args::Command;

impl Command {
    /// The settings given as flags.
    pub fn flags(&self) -> Vec<(&'static str, String)> {
        let mut flags = Vec::new();
        let mut set = |key, value: Option<String>| flags.extend(value.map(|value| (key, value)));
        match self {
            Command::Index { sparse, chunking, .. } => {
                set("chunking", chunking.clone());
                set("sparse", sparse.clone());
            }
            Command::Search { hits, mode, embedder, sparse, fusion, rerank, neighbours, .. } => {
                set("embedder", embedder.clone());
                set("hits", hits.map(|hits| hits.to_string()));
                set("mode", mode.clone());
                set("sparse", sparse.clone());
                set("fusion", fusion.clone());
                set("rerank", rerank.clone());
                set("neighbours", neighbours.clone());
            }
            Command::Eval { mode, embedder, sparse, fusion, rerank, neighbours, tuning, generator, .. } => {
                set("generator", generator.clone());
                set("tuning", tuning.clone());
                set("embedder", embedder.clone());
                set("mode", mode.clone());
                set("sparse", sparse.clone());
                set("fusion", fusion.clone());
                set("rerank", rerank.clone());
                set("neighbours", neighbours.clone());
            }
            Command::Ask {
                generator,
                cascade,
                passages,
                budget,
                instructions,
                risk,
                unsupported,
                checks,
                embedder,
                ..
            } => {
                set("risk", risk.clone());
                set("unsupported", unsupported.clone());
                set("checks", checks.clone());
                set("embedder", embedder.clone());
                set("generator", generator.clone().or_else(|| cascade.clone()));
                set("instructions", instructions.clone());
                set("budget", budget.map(|tokens| tokens.to_string()));
                set("passages", passages.map(|passages| passages.to_string()));
            }
            Command::Check { passages, .. } => set("passages", passages.map(|passages| passages.to_string())),
            _ => {}
        }
        flags
    }
}
