-- Accounts.
local Account = {}
function Account.pay(amount) return amount end
Account.total = function(rows) return #rows end
local t = { pay = function() end }
