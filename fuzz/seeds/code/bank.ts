/** Accounts. */
export abstract class Account<T> { private balance = 0; pay = (amount: number): void => { this.balance += amount; }; }
export interface Payer { name: string; }
enum Kind { A, B }
const total = function (rows) { return rows.length; };
export default () => <p>{total}</p>;
