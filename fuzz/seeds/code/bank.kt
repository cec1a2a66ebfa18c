/** Accounts. */
data class Account(val balance: Int) { fun pay(amount: Int) = amount; companion object { val a = 1 } }
object Bank { }
