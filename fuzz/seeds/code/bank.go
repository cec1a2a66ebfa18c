package bank

// Account holds money.
type Account struct{ balance int }

func (a *Account) Pay(amount int) { a.balance += amount }
