//! What all fuzz targets of file formats share.

pub mod archives;
#[path = "../../crates/formats/tests/support/laws.rs"]
mod laws;

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once};

/// Holds what is read of `bytes`, as files of this family, to the laws. libFuzzer keeps the input if
/// our code panics.
///
/// A panic within a library costs kinglet that file only, and is not ours to repair: each place is
/// printed once, its input is kept, and fuzzing goes on.
pub fn hold(family: &'static str, bytes: &[u8]) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| let_libraries_panic());
    if catch_unwind(AssertUnwindSafe(|| laws::hold(family, bytes))).is_err() {
        let place = PANICKED_AT.lock().map(|mut place| std::mem::take(&mut *place)).unwrap_or_default();
        report(family, &place, bytes);
    }
}

/// Where the last panic within a library happened.
static PANICKED_AT: Mutex<String> = Mutex::new(String::new());

/// libFuzzer's own hook ends the process at every panic: leaves it for the panics of our code.
fn let_libraries_panic() {
    let end_the_process = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        let place = what.location().map(ToString::to_string).unwrap_or_default();
        match place.split_once("/registry/src/") {
            Some((_, library)) => {
                let library = library.split_once('/').map_or(library, |(_, library)| library);
                *PANICKED_AT.lock().expect("no panic while it is held") = library.to_owned();
            }
            None => end_the_process(what),
        }
    }));
}

fn report(family: &str, place: &str, bytes: &[u8]) {
    static REPORTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if !REPORTED.lock().expect("no panic while it is held").insert(place.to_owned()) {
        return;
    }
    let name: String = place.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let kept = format!("{}/artifacts/{family}/library-{name}", env!("CARGO_MANIFEST_DIR"));
    let written = std::fs::write(&kept, bytes);
    eprintln!("LIBRARY PANIC at {place}: {}", written.map_or_else(|cause| cause.to_string(), |()| kept));
}
