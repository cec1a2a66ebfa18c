/// Accounts.
protocol Payer { func pay() }
struct Account: Payer { var balance = 0; init() {} func pay() {} }
extension Account { enum Kind { case a } }
