"""A fleet of light clients: reads who they are from standard input, writes the log's records to standard output.

Ends, without a word to the server, when standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop

from tests.roll.crowd import Guest
from tests.roll.light.guest import LightGuest
from tests.roll.light.wire import Address
from tests.roll.log import AnyRecord, Stalled, encode_record

_TICK = 0.02
_LONGEST_PLAN = 16 * 1024 * 1024


def _write(record: AnyRecord) -> None:
    sys.stdout.buffer.write(encode_record(record) + b"\n")


async def _play(address: Address, guests: list[Guest], per_second: float) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_flush())
        for guest in guests:
            tasks.create_task(LightGuest(guest, address, _write).live())
            await asyncio.sleep(1.0 / per_second)


async def _flush() -> None:
    while True:
        asked_at = time.time()
        await asyncio.sleep(_TICK)
        late = time.time() - asked_at - _TICK
        if late > _TICK:
            _write(Stalled(time.time(), late))
        sys.stdout.buffer.flush()


async def _run() -> None:
    reader = asyncio.StreamReader(limit=_LONGEST_PLAN)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    plan = json.loads(await reader.readline())
    guests = [Guest(**guest | {"channels": tuple(guest["channels"])}) for guest in plan["guests"]]
    play = asyncio.create_task(_play(Address(**plan["address"]), guests, plan["per_second"]))
    end = asyncio.create_task(reader.read())
    await asyncio.wait([play, end], return_when=asyncio.FIRST_COMPLETED)
    if play.done():
        play.result()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run())
