//! What the clients of servers that run models have in common. `openai.rs` and `ollama.rs` speak to
//! the servers.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// A server that does not accept a connection within this time counts as unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that sends nothing for this time is given up. It is long, because a server may first
/// have to load a large model and read the prompt.
pub const SILENCE_TIMEOUT: Duration = Duration::from_secs(120);

/// A client for the server at `base_url`. It asks a server on this machine directly, whatever
/// proxy the environment names.
///
/// # Errors
/// When the system has no certificates to check the server's with.
pub fn client(base_url: &str) -> Result<reqwest::Client> {
    // Without a provider of cryptography reqwest would panic. This fails if the program that
    // uses the library has chosen one, which then stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut http = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT);
    if base_url.starts_with("http://") {
        http = http.tls_certs_only([]); // so that a machine without certificates can ask its own server
    }
    if is_on_this_machine(base_url) {
        http = http.no_proxy().redirect(reqwest::redirect::Policy::none());
    }
    http.build().map_err(|cause| {
        let what = format!("no connection to {base_url} can be made: {}", innermost(&cause));
        Error::new(ErrorKind::Machine, what)
            .with_hint("install the system's CA certificates (the package ca-certificates)")
    })
}

/// True if the server at this address is on this machine, so that requests need no network.
pub fn is_on_this_machine(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_string));
    host.is_some_and(|host| {
        host == "localhost" || host == "[::1]" || host.parse().is_ok_and(|it: std::net::Ipv4Addr| it.is_loopback())
    })
}

/// The message of the last error in a chain of sources, which has the reason.
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The first words of a server's response, on one line.
pub fn beginning(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_on_this_machine() {
        for url in ["http://localhost:11434", "http://127.0.0.1/v1", "http://127.8.9.1:80", "https://[::1]:1/v1"] {
            assert!(is_on_this_machine(url), "{url}");
        }
        for url in ["http://127.0.0.1.example.org", "http://192.168.1.2:11434", "http://127.example", "nonsense"] {
            assert!(!is_on_this_machine(url), "{url}");
        }
    }
}
