from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapter.base import topic_of
from tests.server.api.back_end import BackEnd
from tests.server.api.conftest import APP, OTHER

if TYPE_CHECKING:
    import httpx

    from adapter.local import LocalAdapter
    from tests.server.api.receiver import Notes


async def test_user_is_terminated(back_end: BackEnd, adapter: LocalAdapter, notes: Notes) -> None:
    topic = topic_of(APP.id, "#server-to-user-1=@,.;")
    adapter.watch(topic)
    answer = await back_end.post("/apps/3/users/1=@,.;/terminate_connections", {})
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert notes.terminations == [topic]


async def test_key_says_whose_user_it_is_where_the_path_does_not(
    client: httpx.AsyncClient, adapter: LocalAdapter, notes: Notes
) -> None:
    topics = [topic_of(app.id, "#server-to-user-1") for app in (APP, OTHER)]
    for topic in topics:
        adapter.watch(topic)
    answer = await BackEnd(client, OTHER).post("/users/1/terminate_connections", {})
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert notes.terminations == [topics[1]]


async def test_user_of_another_app_can_not_be_named(client: httpx.AsyncClient) -> None:
    answer = await BackEnd(client, OTHER).post("/apps/3/users/1/terminate_connections", {})
    assert answer.status_code == 401


@pytest.mark.parametrize("user_id", ["a b", "ä", "1\n", "x" * 129])
async def test_user_id_that_nobody_can_have_is_refused(back_end: BackEnd, user_id: str) -> None:
    answer = await back_end.post(f"/apps/3/users/{user_id}/terminate_connections", {})
    assert answer.status_code == 400
    assert answer.text.startswith("Invalid user id '")


async def test_body_is_not_looked_at(back_end: BackEnd) -> None:
    assert (await back_end.post("/apps/3/users/1/terminate_connections", b"not json")).status_code == 200
