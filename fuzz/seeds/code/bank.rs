//! Accounts.
#[derive(Debug)]
pub struct Account { balance: i64 }

impl Account {
    /// Adds money.
    pub fn pay_in(&mut self, amount: i64) { self.balance += amount; }
}

mod tests { #[test] fn pays() { assert!(true); } }
macro_rules! twice { ($e:expr) => { $e; $e }; }
