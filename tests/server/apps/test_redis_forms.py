"""Every form of URL that names a Redis to nodes names a store of applications too."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from server.apps.errors import StoreMisconfigured
from server.apps.opening import open_store
from server.apps.options import StoreOptions
from tests.adapter.redis.masters import Masters
from tests.adapter.redis.servers import running, valkey_binary
from tests.cluster.sentinel import Watched
from tests.server.apps.build import an_app

if TYPE_CHECKING:
    from pathlib import Path


async def holds_applications(url: str) -> None:
    store = open_store(StoreOptions(url, timeout=5.0))
    for app_id in "123":
        await store.add(an_app(app_id, allowed_origins=["https://a.test"]))
    await store.set_secrets("1", "new", "old")
    (first,) = (await store.find(["key-1", "nobodys"])).apps
    assert first.secrets == (b"new", b"old")
    assert [app.id for app in (await store.fetch(["2", "3", "4"])).apps] == ["2", "3"]
    await store.remove("3")
    assert [app.id for app in (await store.list()).apps] == ["1", "2"]
    assert await store.version() == "5"
    await store.close()


async def test_one_server_with_a_password_and_a_database(tmp_path: Path) -> None:
    with running(valkey_binary(), tmp_path) as server:
        server.command("CONFIG", "SET", "requirepass", "hush")
        await holds_applications(f"redis://:hush@127.0.0.1:{server.port}/3")


async def test_unix_socket(tmp_path: Path) -> None:
    with running(valkey_binary(), tmp_path, "--unixsocket", f"{tmp_path}/socket"):
        await holds_applications(f"unix://{tmp_path}/socket?db=1")


async def test_primary_that_sentinel_names() -> None:
    with Watched() as watched:
        await holds_applications(watched.url)


# When the library learns of a slot's owner late it leaves the connection that it asked before to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_redis_cluster() -> None:
    with Masters() as masters:
        await holds_applications(masters.url)
    # Now, while that is expected, and not in the middle of another test.
    gc.collect()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis+sentinel://:hush@a,b/", "name of the primary is missing"),
        ("redis://:hush@a:none", "Port could not be cast"),
        ("redis://:hush@a/x", "database 'x' is not a number"),
        ("postgresql://u:hush@h:none/d", "postgresql"),
        ("ftp://u:hush@h", "no kind of store"),
    ],
)
def test_url_that_cannot_be_read_is_told_without_its_password(url: str, why: str) -> None:
    with pytest.raises(StoreMisconfigured) as caught:
        open_store(StoreOptions(url))
    assert why in str(caught.value)
    assert "hush" not in str(caught.value)
