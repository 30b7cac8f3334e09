"""What only a right signature gets through to: members and users that no back end should vouch for."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from server.protocol.auth import sign
from tests.fuzz.mutation import ODD_VALUES
from tests.fuzz.wire import PING, PONG, TEXT, Wire, frame

if TYPE_CHECKING:
    from random import Random

    from tests.harness.node import RunningNode

pytestmark = pytest.mark.fuzz

BATCH = 100
CHANNELS = (
    "private-x",
    "private-encrypted-x",
    "private-cache-x",
    "presence-x",
    "presence-cache-x",
    "#server-to-user-1",
)
DOCUMENTED = {
    "pusher:error", "pusher:signin_success", "pusher:cache_miss", "pusher:subscription_error", "client-x",
    "pusher_internal:subscription_succeeded", "pusher_internal:subscription_count", "pusher_internal:member_added",
    "pusher_internal:member_removed", "pusher_internal:watchlist_events",
}  # fmt: skip


def test_odd_members_and_users_are_taken_or_refused_and_the_connection_stays(node: RunningNode, random: Random) -> None:
    seen: Counter[str] = Counter()
    for _ in range(50):
        # Two, so that what one does reaches the other.
        with Wire(node) as wire, Wire(node) as witness:
            for _ in range(2):
                for one in (wire, witness):
                    one.write(b"".join(frame(_message(random, one.socket_id)) for _ in range(BATCH)))
                    seen.update(_answers(one))
    # 20,000 messages.
    assert seen.keys() == DOCUMENTED, seen


def _answers(wire: Wire) -> list[str]:
    """Return the events that came before the answer to a ping sent now, each of the right shape."""
    wire.write(frame(b"now", PING))
    events: list[str] = []
    while True:
        opcode, payload = wire.read()
        if (opcode, payload) == (PONG, b"now"):
            return events
        assert opcode == TEXT, (opcode, payload)
        events.append(_checked(json.loads(payload)))


def _checked(answer: dict[str, Any]) -> str:
    event, data = str(answer["event"]), answer["data"]
    if event == "pusher:error":
        assert data["code"] in (None, 4301, 4302), answer
        return event
    assert isinstance(data, str), answer
    if event == "pusher_internal:subscription_succeeded" and answer["channel"].startswith("presence-"):
        roster = json.loads(data)["presence"]
        assert roster["count"] == len(roster["ids"]) == len(roster["hash"]), answer
        assert all(isinstance(user_id, str) for user_id in roster["ids"]), answer
        assert all(info is None or isinstance(info, dict) for info in roster["hash"].values()), answer
    return event


def _message(random: Random, socket_id: str) -> bytes:
    match random.randrange(10):
        case 0 | 1:
            text = _content(random)
            data = {"auth": _auth(f"{socket_id}::user::{text}"), "user_data": text}
            return _json("pusher:signin", data=data)
        case 2:
            return _json("pusher:unsubscribe", data={"channel": random.choice(CHANNELS)})
        case 3:
            return _json("client-x", channel=random.choice(CHANNELS), data=random.choice(ODD_VALUES[:10]))
        case _:
            return _subscription(random, socket_id)


def _subscription(random: Random, socket_id: str) -> bytes:
    channel, text = random.choice(CHANNELS), _content(random)
    if random.random() < 0.1:
        return _json("pusher:subscribe", data={"channel": channel, "auth": _auth(f"{socket_id}:{channel}")})
    auth = _auth(f"{socket_id}:{channel}:{text}")
    return _json("pusher:subscribe", data={"channel": channel, "auth": auth, "channel_data": text})


def _content(random: Random) -> str:
    """Return channel data or user data, as JSON or as what was JSON once."""
    name = random.choice(["1", "2", 3, "é💥", "x" * 129])
    content: dict[str, Any] = {"user_id": name, "id": name if isinstance(name, str) else "1"}
    if random.random() < 0.5:
        content["user_info"] = random.choice([{}, {"name": "\x00\u2028"}, {"a": [[{"b": 10**30}]]}, {"x": "x" * 2000}])
    if random.random() < 0.3:
        content["watchlist"] = random.choice([["1", "2"], ["1"] * 200, [str(n) for n in range(150)]])
    if random.random() < 0.4:
        content[random.choice([*content])] = random.choice(ODD_VALUES)
    text = json.dumps(content, ensure_ascii=True)
    if random.random() < 0.1:
        cut = random.randrange(len(text))
        text = text[:cut] + random.choice(['"', "{", "\\", "", "\x00"]) + text[cut + 1 :]
    return text


def _auth(text: str) -> str:
    return f"k:{sign(b's', text)}"


def _json(event: str, **fields: Any) -> bytes:
    return json.dumps({"event": event, **fields}).encode()
