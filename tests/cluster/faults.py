"""What goes wrong, and when: drawn from a seed, so that a bad day can be had again."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.cluster.nodes import Cluster, Member

REDIS = -1
_OF_NODES = {"kill": 4.0, "pause": 15.0, "cut": 0.0, "refuse": 13.0, "black hole": 13.0, "deaf": 8.0, "mute": 8.0}
_OF_REDIS = {"restart": 8.0, "hang": 8.0}
"""Each with the most seconds that it lasts."""
_FIRST, _LAST = 2.0, 2.0
_PAUSES = 1.0, 6.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong for a while."""

    at: float
    """Seconds after the beginning."""
    kind: str
    target: int
    """A member of the cluster, or REDIS."""
    seconds: float

    def __str__(self) -> str:
        target = "Redis" if self.target == REDIS else "ABCDEFGH"[self.target]
        return f"{self.at:.1f} {target} {self.kind} {self.seconds:.1f}"


def draw_faults(seed: int, *, seconds: float, members: int, spare: Collection[str] = ()) -> list[Fault]:
    """Return faults, by their beginning. Each target has one at a time, and all are over before `seconds` are.

    :param spare: kinds that don't happen.
    """
    chance = random.Random(seed)
    kinds = {target: _OF_REDIS if target == REDIS else _OF_NODES for target in (REDIS, *range(members))}
    faults: list[Fault] = []
    free_at = dict.fromkeys(kinds, 0.0)
    at = _FIRST
    while at < seconds - _LAST:
        free = [target for target, until in free_at.items() if until <= at]
        if free:
            target = chance.choice(free)
            kind, most = chance.choice([(kind, most) for kind, most in kinds[target].items() if kind not in spare])
            fault = Fault(at, kind, target, chance.uniform(0.0, min(most, seconds - _LAST - at)))
            free_at[target] = at + fault.seconds + 1.0
            faults.append(fault)
        at += chance.uniform(*_PAUSES)
    return faults


async def strike(cluster: Cluster, faults: list[Fault]) -> None:
    """Let all faults happen, each in its time, and mend each in its time."""
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as tasks:
        for target in {fault.target for fault in faults}:
            tasks.create_task(_strike_in_turn(cluster, [fault for fault in faults if fault.target == target], began))


async def _strike_in_turn(cluster: Cluster, faults: list[Fault], began: float) -> None:
    """Have one target suffer one fault at a time: a node that is killed may take longer to be back than was drawn."""
    for fault in faults:
        await asyncio.sleep(max(0.0, began + fault.at - asyncio.get_running_loop().time()))
        await _strike(cluster, fault)


async def _strike(cluster: Cluster, fault: Fault) -> None:
    if fault.target == REDIS:
        await _strike_redis(cluster, fault)
    elif fault.kind == "kill":
        member = cluster.members[fault.target]
        await asyncio.to_thread(member.kill)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(cluster.replace, member)
    else:
        await _strike_node(cluster.members[fault.target], fault)


async def _strike_redis(cluster: Cluster, fault: Fault) -> None:
    (cluster.redis.kill if fault.kind == "restart" else cluster.redis.pause)()
    await asyncio.sleep(fault.seconds)
    await asyncio.to_thread(cluster.redis.start if fault.kind == "restart" else cluster.redis.go_on)


async def _strike_node(member: Member, fault: Fault) -> None:
    match fault.kind:
        case "pause":
            member.pause()
        case "cut":
            member.link.cut()
        case "refuse":
            member.link.refuse()
        case "black hole":
            member.link.black_hole()
        case "deaf":
            member.link.black_hole(to_redis=False)
        case "mute":
            member.link.black_hole(to_node=False)
        case _:
            raise ValueError(fault.kind)
    await asyncio.sleep(fault.seconds)
    if member.is_paused:
        member.go_on()
    await asyncio.to_thread(member.link.heal)
