# Accounts.
pay <- function(amount, ...) {
  amount
}
total = function(rows) nrow(rows)
