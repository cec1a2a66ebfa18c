defmodule Bank do
  @doc "Pays in."
  def pay(amount) when amount > 0, do: amount
  defp total(rows) do
    length(rows)
  end
end
