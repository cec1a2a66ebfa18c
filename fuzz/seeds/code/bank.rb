# Accounts.
module Bank
  class Account
    def self.pay(amount) = amount
    def balance
      @balance ||= 0
    end
  end
end
