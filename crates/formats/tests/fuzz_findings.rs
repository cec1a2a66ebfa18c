//! What fuzzing found stays found: every file in `fuzz-findings` is held to the laws of fuzzing.

#[path = "support/laws.rs"]
mod laws;

use std::path::Path;

use kinglet_formats::{Format, format_of_name};

#[test]
fn what_fuzzing_found_obeys_the_laws() {
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz-findings");
    for family in std::fs::read_dir(findings).unwrap() {
        let family = family.unwrap();
        for finding in std::fs::read_dir(family.path()).unwrap() {
            let path = finding.unwrap().path();
            println!("{}", path.display());
            laws::hold(family.file_name().to_str().unwrap(), &std::fs::read(path).unwrap());
        }
    }
}

#[test]
fn each_format_is_fuzzed() {
    let names = || laws::FAMILIES.iter().flat_map(|(_, names)| *names);
    for (name, format) in Format::NAMED {
        assert!(names().any(|file| format_of_name(file) == Some(*format)), "{name} is in no family");
    }
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/targets");
    for (family, _) in laws::FAMILIES {
        assert!(targets.join(family).with_extension("rs").is_file(), "{family} has no fuzz target");
    }
}
