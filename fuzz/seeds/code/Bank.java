package bank;
/** Accounts. */
public class Bank { @Override public String toString() { return "x"; } record Row(int a) {} enum Kind { A } interface P { void p(); } }
