"""PyPI's pusher, the official HTTP library, against a node; what it publishes is read by a raw client."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import nacl.secret
import pytest
from pusher.errors import PusherBadAuth, PusherBadRequest, PusherBadStatus, PusherForbidden

from tests.clients.apps import APPS
from tests.harness import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from pusher import Pusher

    from tests.harness import RunningNode

    Backend = Callable[..., Pusher]

pytestmark = pytest.mark.clients


async def connect(node: RunningNode) -> Client:
    return await Client.connect(node, ignored=["pusher_internal:subscription_count"])


async def test_event_reaches_all_but_the_excluded_socket(node: RunningNode, backend: Pusher) -> None:
    channel = f"public-{uuid4()}"
    async with await connect(node) as author, await connect(node) as reader:
        for client in (author, reader):
            await client.subscribe(channel)
        assert backend.trigger(channel, "event", {"text": "zażółć"}, author.socket_id) == {}
        assert (await reader.expect("event", channel)).value == {"text": "zażółć"}
        assert await author.settled() == []


async def test_event_reaches_many_channels(node: RunningNode, backend: Pusher) -> None:
    channels = [f"private-{uuid4()}" for _ in range(100)]
    async with await connect(node) as client:
        for channel in channels[-2:]:
            await client.subscribe(channel)
        assert backend.trigger(channels, "event", "words") == {}
        assert sorted(str(message.channel) for message in await client.settled()) == sorted(channels[-2:])


async def test_batch_delivers_each_event_and_tells_what_was_asked(node: RunningNode, backend: Pusher) -> None:
    channel = f"public-{uuid4()}"
    async with await connect(node) as client:
        await client.subscribe(channel)
        events: list[dict[str, Any]] = [
            {"channel": channel, "name": f"event-{number}", "data": "x"} for number in (1, 2)
        ]
        assert backend.trigger_batch(events) == {}
        assert backend.trigger_batch([events[0], events[1] | {"info": "subscription_count"}]) == {
            "batch": [{}, {"subscription_count": 1}]
        }
        assert [message.event for message in await client.settled()] == ["event-1", "event-2"] * 2


async def test_channels_are_listed_and_described(node: RunningNode, backend: Pusher) -> None:
    channel = f"presence-{uuid4()}"
    assert backend.channels_info(channel) == {"channels": {}}
    async with await connect(node) as client:
        await client.subscribe(channel, user={"user_id": "ana"})
        both = ["user_count", "subscription_count"]
        counts = {"user_count": 1, "subscription_count": 1}
        assert backend.channels_info(channel, both) == {"channels": {channel: counts}}
        assert backend.channel_info(channel, both) == {"occupied": True, **counts}
        assert backend.users_info(channel) == {"users": [{"id": "ana"}]}


async def test_termination_without_the_applications_path_closes_the_users_connections(
    node: RunningNode, backend: Pusher
) -> None:
    user_id = str(uuid4())
    async with await connect(node) as client, await connect(node) as other:
        await client.sign_in({"id": user_id})
        await other.sign_in({"id": str(uuid4())})
        assert backend.terminate_user_connections(user_id) == {}
        await client.expect_error(4009)
        assert (await client.expect_close()).code == 4009
        assert await other.settled() == []


async def test_event_is_sent_to_a_user(node: RunningNode, backend: Pusher) -> None:
    user_id = str(uuid4())
    async with await connect(node) as client:
        await client.sign_in({"id": user_id})
        await client.subscribe(f"#server-to-user-{user_id}")
        assert backend.send_to_user(user_id, "event", {"a": 1}) == {}
        assert (await client.expect("event", f"#server-to-user-{user_id}")).value == {"a": 1}


@pytest.mark.parametrize(
    ("prefix", "data"),
    [
        ("private-", None),
        ("private-", {"note": "ü"}),
        ("presence-", {"user_id": 7, "user_info": {"name": "zażółć"}}),
        ("private-encrypted-", None),
        ("presence-cache-", {"user_id": "ana"}),
    ],
)
async def test_subscription_that_it_signs_is_accepted(
    node: RunningNode, backend: Pusher, prefix: str, data: dict[str, Any] | None
) -> None:
    channel = f"{prefix}{uuid4()}"
    async with await connect(node) as client:
        signed = backend.authenticate(channel, client.socket_id, data)
        signed.pop("shared_secret", None)
        await client.send("pusher:subscribe", {"channel": channel, **signed})
        await client.expect("pusher_internal:subscription_succeeded", channel)


async def test_sign_in_that_it_signs_is_accepted(node: RunningNode, backend: Pusher) -> None:
    async with await connect(node) as client:
        signed = backend.authenticate_user(client.socket_id, {"id": str(uuid4()), "user_info": {"name": "zażółć"}})
        await client.send("pusher:signin", signed)
        assert (await client.expect("pusher:signin_success")).value == {"user_data": signed["user_data"]}


async def test_encrypted_event_arrives_as_it_was_sealed(node: RunningNode, backend: Pusher) -> None:
    channel = f"private-encrypted-{uuid4()}"
    async with await connect(node) as client:
        await client.subscribe(channel)
        secret = base64.b64decode(backend.authenticate(channel, client.socket_id)["shared_secret"])
        backend.trigger(channel, "event", {"text": "zażółć"})
        sealed = (await client.expect("event", channel)).value
        nonce, ciphertext = (base64.b64decode(sealed[part]) for part in ("nonce", "ciphertext"))
        assert json.loads(nacl.secret.SecretBox(secret).decrypt(ciphertext, nonce)) == {"text": "zażółć"}


def test_wrong_secret_raises_bad_auth(create_backend: Backend) -> None:
    with pytest.raises(PusherBadAuth, match=r"(?s)^Invalid signature: you should have sent .*\n\Z"):
        create_backend(APPS["main"] | {"secret": "wrong"}).trigger("channel", "event", "x")


def test_unknown_key_raises_bad_auth(create_backend: Backend) -> None:
    with pytest.raises(PusherBadAuth):
        create_backend(APPS["main"] | {"key": "nobody"}).channels_info()


def test_disabled_application_raises_forbidden(create_backend: Backend) -> None:
    with pytest.raises(PusherForbidden):
        create_backend(APPS["disabled"]).trigger("channel", "event", "x")


def test_question_that_a_channel_cannot_answer_raises_bad_request(backend: Pusher) -> None:
    with pytest.raises(PusherBadRequest, match=r"^Users can only be retrieved for presence channels\n\Z"):
        backend.users_info("public")
    with pytest.raises(PusherBadRequest, match=r"begining with presence-\n\Z"):
        backend.channels_info("public", ["user_count"])


def test_data_that_is_too_large_raises_the_status(backend: Pusher) -> None:
    with pytest.raises(PusherBadStatus, match=r"(?s)^413: The data content of this event exceeds .*\n\Z"):
        backend.trigger("channel", "event", "x" * 10_241)


def test_an_application_over_its_rate_raises_the_status(create_backend: Backend) -> None:
    backend = create_backend(APPS["slow for Python"])
    # More than there is, so that nothing is left however slow the machine.
    assert backend.trigger([f"channel-{number}" for number in range(100)], "event", "x") == {}
    with pytest.raises(PusherBadStatus, match=r"^429: 429 TOO MANY REQUESTS: application 1009 may publish 1 "):
        backend.trigger("channel", "event", "x")


def test_an_application_over_its_reads_raises_the_status(create_backend: Backend) -> None:
    backend = create_backend(APPS["slow for Python"])
    with pytest.raises(PusherBadStatus, match=r"^429: 429 TOO MANY REQUESTS: application 1009 may ask 1 "):
        ask_again_and_again(backend)


def ask_again_and_again(backend: Pusher) -> None:
    for _ in range(50):
        backend.channels_info()


def test_batch_that_is_too_long_raises_bad_request(backend: Pusher) -> None:
    events = [{"channel": "channel", "name": "event", "data": "x"} for _ in range(11)]
    with pytest.raises(PusherBadRequest, match=r"^Batch too large \(11 > 10\)\n\Z"):
        backend.trigger_batch(events)
