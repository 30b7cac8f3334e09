"""Many whose turn comes at once."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from server.connection.turnstile import TURN, Turnstile


async def a_turn_later() -> None:
    await asyncio.sleep(0)


async def test_many_pass_in_their_order_and_others_have_turns_in_between() -> None:
    turnstile, passed = Turnstile(), list[int]()
    for number in range(3 * TURN):
        turnstile.enter(partial(passed.append, number))
    for turn in (1, 2, 3):
        await a_turn_later()
        assert passed == list(range(turn * TURN))


async def test_who_comes_while_others_wait_passes_after_them() -> None:
    turnstile, passed = Turnstile(), list[str]()

    def first() -> None:
        passed.append("first")
        turnstile.enter(partial(passed.append, "third"))

    turnstile.enter(first)
    turnstile.enter(partial(passed.append, "second"))
    await a_turn_later()
    await a_turn_later()
    assert passed == ["first", "second", "third"]
    turnstile.enter(partial(passed.append, "later"))
    await a_turn_later()
    assert passed[-1] == "later"


async def test_one_that_fails_is_told_of_and_stops_nobody() -> None:
    turnstile, passed, told = Turnstile(), list[str](), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    def fail() -> None:
        raise ZeroDivisionError

    turnstile.enter(fail)
    turnstile.enter(partial(passed.append, "next"))
    await a_turn_later()
    assert passed == ["next"]
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]
