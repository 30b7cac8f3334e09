"""Applications in a Redis: a hash for each, the ids by key, and a version that each change raises.

    shoal:{apps}:app:<id>    the settings of one application (:mod:`server.apps.redis_fields`)
    shoal:{apps}:ids         hash: key -> id
    shoal:{apps}:version     counts the changes; as long as it stays the same, nothing has to be read

The hash tag keeps them together in a Redis Cluster, so that one script may change them. Nothing here expires: they are
what the operator has put there.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from redis.exceptions import ResponseError

from server.apps.errors import BadRow, StoreError, StoreUnavailable
from server.apps.redis_client import open_client
from server.apps.redis_fields import decode, encode
from server.apps.store import Stored, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from server.apps.app import App
    from server.apps.options import StoreOptions

_SCRIPTS = files("server.apps") / "scripts"
_ADD = (_SCRIPTS / "add.lua").read_text(encoding="utf-8")
_CHANGE = (_SCRIPTS / "change.lua").read_text(encoding="utf-8")
_REMOVE = (_SCRIPTS / "remove.lua").read_text(encoding="utf-8")


class RedisStore:
    """Fulfils :class:`server.apps.store.EditableStore`."""

    def __init__(self, options: StoreOptions) -> None:
        self._timeout = options.timeout
        self._prefix = f"{options.prefix}:{{apps}}"
        # The library's own types are of no help: each of its methods may be awaitable or not.
        self._client = cast("Any", open_client(options.url, timeout=options.timeout))

    async def find(self, keys: Collection[str]) -> Stored:
        asked = list(keys)
        (ids,) = await self._ask(lambda pipeline: pipeline.hmget(self._ids, asked))
        _raise_if_wrong(ids)
        keys = {app_id: key for key, app_id in zip(asked, ids, strict=True) if app_id}
        found = await self.fetch(list(keys))
        # By the key that led there: the hash itself may not tell.
        unusable = [Unusable(item.id, keys[item.id], item.why) for item in found.unusable]
        return Stored([app for app in found.apps if app.key in asked], unusable)

    async def fetch(self, ids: Collection[str]) -> Stored:
        questions = [partial(_hash, key=self._app(app_id)) for app_id in ids]
        apps, unusable = [], []
        for app_id, fields in zip(ids, await self._ask(*questions), strict=True):
            try:
                if fields:
                    apps.append(_decoded(app_id, fields))
            except BadRow as why:
                key = fields.get("key", "") if isinstance(fields, dict) else ""
                unusable.append(Unusable(app_id, key, why))
        return Stored(apps, unusable)

    async def version(self) -> str:
        (version,) = await self._ask(partial(_text, key=self._version))
        _raise_if_wrong(version)
        return str(version)

    async def _ask(self, *questions: Callable[[Any], object]) -> list[Any]:
        """Ask all at once, and whether there have been applications at all.

        :returns: the answers; an exception for what is there, but of another kind than it should be.
        :raises StoreUnavailable: also if there have not. To take that for "all were deleted" would, after a loss of
            memory, close every client for good.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.get(self._version)
        for question in questions:
            question(pipeline)
        with _translated():
            async with asyncio.timeout(self._timeout):
                answers: list[Any] = await pipeline.execute(raise_on_error=False)
            for answer in answers:
                if isinstance(answer, Exception) and not _is_of_another_kind(answer):
                    raise answer
        _raise_if_wrong(answers[0])
        if answers[0] is None:
            raise StoreUnavailable("there never were applications in this Redis (shoal apps add), or it has lost them")
        return answers[1:]

    async def close(self) -> None:
        await self._client.aclose()

    # Changing

    async def list(self) -> Stored:
        (ids,) = await self._ask(lambda pipeline: pipeline.hvals(self._ids))
        _raise_if_wrong(ids)
        return await self.fetch(sorted(ids))

    async def add(self, app: App) -> None:
        fields = [text for pair in encode(app).items() for text in pair]
        taken = await self._run(_ADD, app.id, app.id, app.key, *fields)
        if taken != "ok":
            raise StoreError(f"there is an application with the {taken} {getattr(app, taken)!r} already")

    async def set_enabled(self, id: str, *, enabled: bool) -> None:  # noqa: A002 - the field's word
        await self._change(_CHANGE, id, "enabled", "true" if enabled else "false")

    async def set_secrets(self, id: str, secret: str, second: str | None) -> None:  # noqa: A002
        await self._change(_CHANGE, id, "secret", secret, "second_secret", second or "")

    async def remove(self, id: str) -> None:  # noqa: A002
        await self._change(_REMOVE, id)

    async def _change(self, script: str, app_id: str, *arguments: str) -> None:
        if await self._run(script, app_id, *arguments) != "ok":
            raise StoreError(f"there is no application {app_id!r}")

    async def _run(self, script: str, app_id: str, *arguments: str) -> str:
        keys = [self._app(app_id), self._ids, self._version]
        with _translated():
            async with asyncio.timeout(self._timeout):
                answer: str = await self._client.eval(script, len(keys), *keys, *arguments)
        return answer

    @property
    def _ids(self) -> str:
        return f"{self._prefix}:ids"

    @property
    def _version(self) -> str:
        return f"{self._prefix}:version"

    def _app(self, app_id: str) -> str:
        return f"{self._prefix}:app:{app_id}"


def _hash(pipeline: Any, *, key: str) -> None:
    pipeline.hgetall(key)


def _text(pipeline: Any, *, key: str) -> None:
    pipeline.get(key)


def _decoded(app_id: str, fields: dict[str, str] | Exception) -> App:
    """:raises BadRow: if that is no application of this id."""
    if isinstance(fields, Exception):
        raise BadRow("id", "what its key holds is no hash")
    app = decode({"id": app_id} | fields)
    if app.id != app_id:
        raise BadRow("id", "is another than that in its key")
    return app


def _is_of_another_kind(exc: Exception) -> bool:
    return isinstance(exc, ResponseError) and str(exc).startswith("WRONGTYPE")


def _raise_if_wrong(answer: object) -> None:
    """:raises StoreUnavailable: if something else is where all applications are looked up."""
    if isinstance(answer, Exception):
        raise StoreUnavailable(f"Redis: {answer}")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    # Over the bytes of something that is no Redis the library's parser stumbles in ways of its own.
    except Exception as exc:
        raise StoreUnavailable(f"Redis: {str(exc) or type(exc).__name__}") from exc
