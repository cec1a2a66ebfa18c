<?php
namespace Bank;
/** Accounts. */
trait T { }
class Account { public function pay(int $amount): void { } }
function total() { return 1; }
?>
<p><?= total() ?></p>
