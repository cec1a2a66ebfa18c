/// Accounts.
class Account extends Bank with Payer { @override int get balance => 0; void pay(int a) { } Account.named(); }
mixin Payer { } extension E on Account { } int total() => 1;
