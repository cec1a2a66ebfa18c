//! Mail: letters, mailboxes, and pages of the web that were saved as letters.

mod bounded_headers;
pub(crate) mod internet;
mod letter;
pub(crate) mod long_mailbox;
pub(crate) mod outlook;
pub(crate) mod saved_page;
