"""What can go wrong with a store of applications."""

from __future__ import annotations


class StoreError(Exception):
    """Root of them all."""


class StoreUnavailable(StoreError):
    """The store doesn't answer, or not in time. That says nothing about any application: ask again later."""


class AppUnusable(StoreUnavailable):
    """The store does answer, but there is a mistake in what is stored of that application: ask again later."""


class StoreMisconfigured(StoreError):
    """The store will never answer as it is set up; the text says what to change."""


class BadRow(StoreError):
    """What is stored of one application can't be used.

    :ivar column: which part of it.
    """

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"{column}: {why}")
        self.column = column
