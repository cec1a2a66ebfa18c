-- Accounts.
CREATE TABLE account (id INTEGER PRIMARY KEY, balance INT);
SELECT a.id FROM account a WHERE balance > 0;
