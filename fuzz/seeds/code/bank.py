#!/usr/bin/env python3
"""Accounts."""
class Account:
    @property
    def balance(self):
        """What is there."""
        return self._balance

async def pay(amount: int = 0) -> None:
    pass
