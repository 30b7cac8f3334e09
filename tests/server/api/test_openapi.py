"""docs/openapi.yaml says what the API does: no more, no less."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

import server
from adapter.base import topic_of
from adapter.errors import Unavailable
from adapter.local import LocalAdapter
from server.api.endpoint import Endpoint
from server.api.rates import EVENTS as EVENTS_RATE
from server.api.rates import READS as READS_RATE
from server.config import Settings
from tests.server.api.back_end import BackEnd
from tests.server.api.conftest import APP, DISABLED, LIMITED, Counted, Life, api_over, client_of

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Sequence

    import httpx

    from adapter.base import Occupancy, Topic
    from server.api.application import Api
    from server.apps import App

DOCUMENT = yaml.safe_load((Path(__file__).parents[3] / "docs" / "openapi.yaml").read_text())

EVENT = {"name": "n", "data": "d", "channels": ["presence-a", "b"]}
ITEM = {"name": "n", "data": "d", "channel": "presence-a"}
TOO_LARGE = b" " * (1 << 20) + b" "


class Occasion(NamedTuple):
    """A request, and what it is to be answered with."""

    method: str
    template: str
    status: int
    channel: str = "presence-a"
    parameters: dict[str, str] = {}
    body: Any = b""
    headers: dict[str, str] = {}
    is_signed: bool = True
    app: App = APP
    is_away: bool = False
    life: Life = Life()
    user_id: str = "1"

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"

    @property
    def path(self) -> str:
        return self.template.format(app_id=self.app.id, key=self.app.key, channel=self.channel, user_id=self.user_id)


EVENTS, BATCH = ("POST", "/apps/{app_id}/events"), ("POST", "/apps/{app_id}/batch_events")
CHANNELS, CHANNEL = ("GET", "/apps/{app_id}/channels"), ("GET", "/apps/{app_id}/channels/{channel}")
USERS, STATS = ("GET", "/apps/{app_id}/channels/{channel}/users"), ("GET", "/apps/{app_id}/channels/{channel}/stats")
TERMINATE = ("POST", "/apps/{app_id}/users/{user_id}/terminate_connections")
TERMINATE_BY_KEY = ("POST", "/users/{user_id}/terminate_connections")
DATA = ("POST", "/apps/{app_id}/channels/{channel}/events")
INFO = "user_count,subscription_count"

SPECIAL = [
    Occasion(*EVENTS, 200, body=EVENT),
    Occasion(*EVENTS, 200, body={**ITEM, "info": INFO, "socket_id": "1.2", "idempotency_key": "k"}),
    Occasion(*EVENTS, 200, body={**EVENT, "info": INFO}, headers={"Idempotency-Key": "k"}),
    Occasion(*EVENTS, 400, body={}),
    Occasion(*EVENTS, 413, body={**EVENT, "data": "x" * 10241}),
    Occasion(*BATCH, 200, body={"batch": []}),
    Occasion(*BATCH, 200, body={"batch": [ITEM, {**ITEM, "info": INFO}], "idempotency_key": "k"}),
    Occasion(*BATCH, 400, body={"batch": [ITEM] * 11}),
    Occasion(*CHANNELS, 200),
    Occasion(*CHANNELS, 200, parameters={"filter_by_prefix": "presence-", "info": INFO}),
    Occasion(*CHANNELS, 400, parameters={"info": "user_count"}),
    Occasion(*CHANNEL, 200),
    Occasion(*CHANNEL, 200, parameters={"info": INFO}),
    Occasion(*CHANNEL, 200, channel="cache-a", parameters={"info": "cache"}),
    Occasion(*CHANNEL, 200, channel="cache-empty", parameters={"info": "cache"}),
    Occasion(*CHANNEL, 400, parameters={"info": "cache"}),
    Occasion(*USERS, 200),
    Occasion(*USERS, 200, channel="presence-empty"),
    Occasion(*USERS, 400, channel="a"),
    Occasion(*STATS, 200),
    Occasion(*STATS, 400, channel="!"),
    Occasion(*TERMINATE, 200, body={}),
    Occasion(*TERMINATE, 400, user_id="!"),
    Occasion(*TERMINATE_BY_KEY, 200, body={}),
    Occasion(*TERMINATE_BY_KEY, 400, user_id="!"),
    Occasion(*DATA, 202, parameters={"name": "n", "socket_id": "1.2"}, body=b"d"),
    Occasion(*DATA, 400, body=b"d"),
    Occasion("GET", "/app/{key}", 426, is_signed=False),
    Occasion("GET", "/", 200, is_signed=False),
    Occasion("GET", "/livez", 200, is_signed=False),
    Occasion("GET", "/readyz", 200, is_signed=False),
    Occasion("GET", "/readyz", 503, is_signed=False, life=Life(is_draining=True)),
]
GOOD = {(occasion.method, occasion.template): occasion for occasion in SPECIAL if occasion.status < 300}
SIGNED = [occasion for occasion in GOOD.values() if occasion.is_signed]
OCCASIONS = [
    *SPECIAL,
    *(occasion._replace(status=401, is_signed=False) for occasion in SIGNED),
    *(occasion._replace(status=403, app=DISABLED) for occasion in SIGNED),
    *(occasion._replace(status=503, is_away=True) for occasion in SIGNED),
    *(occasion._replace(status=429, app=LIMITED) for occasion in SIGNED if "terminate" not in occasion.template),
    *(occasion._replace(status=429, is_signed=False) for occasion in SIGNED if "terminate" in occasion.template),
    *(occasion._replace(status=413, body=TOO_LARGE) for occasion in SIGNED if occasion.method == "POST"),
]


class AwayAdapter(LocalAdapter):
    """One whose shared state can't be reached."""

    def publish(
        self, topic: Topic, payload: bytes, *, sender: str = "", remember: float = 0.0, once: str = ""
    ) -> Future[None]:
        return self.terminate(topic)

    def terminate(self, topic: Topic) -> Future[None]:
        future: Future[None] = self._loop.create_future()
        future.set_exception(Unavailable("away"))
        return future

    async def describe(self, topics: Sequence[Topic]) -> list[Occupancy]:
        raise Unavailable("away")

    async def occupied_topics(self, app_id: str, prefix: str = "") -> dict[str, Occupancy]:
        raise Unavailable("away")

    async def members(self, topic: Topic) -> list[str]:
        raise Unavailable("away")


def resolve(node: Any) -> Any:
    """Follow a reference within the document."""
    while "$ref" in node:
        target: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def check_schema(schema: dict[str, Any], value: object) -> None:
    # With the document's components in it, its references lead somewhere.
    OAS31Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def operations() -> dict[tuple[str, str], Any]:
    return {
        (method.upper(), path): operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def parameters_of(occasion: Occasion, place: str) -> dict[str, Any]:
    item = DOCUMENT["paths"][occasion.template]
    listed = [*item.get("parameters", []), *operations()[occasion.method, occasion.template].get("parameters", [])]
    return {parameter["name"]: parameter for parameter in map(resolve, listed) if parameter["in"] == place}


async def answer_to(occasion: Occasion) -> httpx.Response:
    """Carry out a request on a node where there is something to see."""
    adapter = AwayAdapter() if occasion.is_away else LocalAdapter()
    await adapter.start(None)  # type: ignore[arg-type]  # Nothing is watched, so nobody is told.
    try:
        await adapter.enter(topic_of(APP.id, "presence-a"), "1")
        adapter.count(topic_of(APP.id, "presence-a"), 1)
        for what in (EVENTS_RATE, READS_RATE):
            adapter.spend(LIMITED.id, what, 1000, 10)
        settings = Settings(max_failed_requests_per_second_per_ip=1)
        async with client_of(api_over(adapter, Counted(), occasion.life, settings)) as client:
            if occasion.status == 429:
                await fail(client, occasion)
            back_end = BackEnd(client, APP)
            if not occasion.is_away:
                await back_end.post("/events", {"name": "n", "data": "d", "channel": "cache-a"})
            return await ask(client, occasion)
    finally:
        await adapter.stop()


async def fail(client: httpx.AsyncClient, occasion: Occasion) -> None:
    """Spend what an address has for failures."""
    if not occasion.is_signed:
        for _ in range(11):
            await ask(client, occasion)


async def ask(client: httpx.AsyncClient, occasion: Occasion) -> httpx.Response:
    if not occasion.is_signed:
        return await client.request(occasion.method, occasion.path)
    if occasion.method == "GET":
        return await BackEnd(client, occasion.app).get(occasion.path, **occasion.parameters)
    return await BackEnd(client, occasion.app).post(occasion.path, occasion.body, occasion.parameters, occasion.headers)


def test_document_is_valid() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["info"]["version"] == server.__version__


def test_document_has_every_route_and_method_and_no_others(api: Api) -> None:
    routed = set()
    for route in api.routes:
        assert isinstance(route.endpoint, Endpoint)
        assert route.endpoint.route == route.path
        routed |= {(method, route.path) for method in route.endpoint.methods}
    assert set(operations()) == routed


def test_every_documented_status_is_provoked_below() -> None:
    documented = {
        (*where, int(status)) for where, operation in operations().items() for status in operation["responses"]
    }
    assert {(occasion.method, occasion.template, occasion.status) for occasion in OCCASIONS} == documented


@pytest.mark.parametrize(
    "occasion", OCCASIONS, ids=lambda occasion: f"{occasion.method} {occasion.path} {occasion.status}"
)
async def test_answer_is_as_documented(occasion: Occasion) -> None:
    answer = await answer_to(occasion)
    assert answer.status_code == occasion.status
    response = resolve(operations()[occasion.method, occasion.template]["responses"][str(occasion.status)])
    content_type = answer.headers["content-type"].partition(";")[0]
    assert list(response["content"]) == [content_type]
    value = answer.json() if content_type == "application/json" else answer.text
    check_schema(response["content"][content_type]["schema"], value)
    for name, header in response.get("headers", {}).items():
        check_schema(header["schema"], int(answer.headers[name]))


@pytest.mark.parametrize("occasion", [occasion for occasion in OCCASIONS if occasion.status < 300], ids=str)
def test_request_that_succeeds_is_as_documented(occasion: Occasion) -> None:
    assert occasion.parameters.keys() <= parameters_of(occasion, "query").keys()
    assert occasion.headers.keys() <= parameters_of(occasion, "header").keys()
    assert set(parameters_of(occasion, "path")) == {
        name for name in ("app_id", "channel", "user_id") if f"{{{name}}}" in occasion.template
    }
    if occasion.method == "POST":
        (content,) = operations()[occasion.method, occasion.template]["requestBody"]["content"].values()
        body = occasion.body.decode() if isinstance(occasion.body, bytes) else occasion.body
        check_schema(content["schema"], body)
