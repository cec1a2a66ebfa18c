//! Turns ONNX Runtime's telemetry off, before any thread could start it.
//!
//! From version 1.29 on, the builds of ONNX Runtime for Linux and macOS write a device id to the
//! disk and send events about the process. `DisableTelemetryEvents` comes too late: the environment
//! that the call needs creates the first event. The full switch is an environment variable, which
//! is read once when that environment is created
//! (<https://github.com/microsoft/onnxruntime/pull/27379>).

use ctor::ctor;

use crate::error::{Error, ErrorKind, Result};

const SWITCH: &str = "ORT_DISABLE_TELEMETRY";
const OFF: &str = "1";

/// Sets the variable when the program that contains kinglet is loaded, before `main`.
///
/// A plug-in can be loaded into a program whose threads already run. Setting a variable would be a
/// data race there, so it stays as it is, and [`require_off`] decides.
#[ctor(unsafe)]
fn switch_off() {
    if has_one_thread() {
        // SAFETY: no other thread runs that could read the environment meanwhile.
        unsafe { std::env::set_var(SWITCH, OFF) };
    }
}

/// Makes sure that ONNX Runtime can be loaded without sending anything.
///
/// # Errors
/// When the variable is not set in this process.
pub(super) fn require_off() -> Result<()> {
    match std::env::var_os(SWITCH) {
        Some(value) if value == OFF => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Machine,
            format!("ONNX Runtime is not loaded: {SWITCH} is not {OFF} in this process, so it would send telemetry"),
        )
        .with_hint(format!("set {SWITCH}={OFF} before the program starts"))),
    }
}

#[cfg(target_os = "linux")]
fn has_one_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// Elsewhere the C library itself guards the environment against threads.
#[cfg(not(target_os = "linux"))]
fn has_one_thread() -> bool {
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_variable_is_set_before_main() {
        super::require_off().unwrap();
    }
}
