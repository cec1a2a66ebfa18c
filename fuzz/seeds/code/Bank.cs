using System;
namespace Bank { /// <summary>Accounts.</summary>
  public class Account { [Obsolete] public int Balance { get; set; } public void Pay(int a) => Balance += a; struct R { } delegate void D(); } }
