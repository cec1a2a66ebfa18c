/// Accounts.
const Account = struct { balance: i64, pub fn pay(self: *Account) void { _ = self; } };
test "pays" { }
