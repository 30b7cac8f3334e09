"""Closing all connections of a signed-in user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapter.base import topic_of
from server.api.answers import EMPTY
from server.api.errors import BadRequest
from server.protocol.names import is_valid_user_id, user_channel

if TYPE_CHECKING:
    from adapter.base import Adapter
    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.query import Parameters
    from server.apps import App


class Users:
    """Acts upon users who are signed in anywhere in the cluster."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    async def terminate(self, call: Call, app: App, parameters: Parameters) -> Answer:
        """Have every connection that is signed in as the user closed; one who isn't there is as good."""
        user_id = call.path_parameter("user_id")
        if not is_valid_user_id(user_id, max_length=app.max_user_id_length):
            raise BadRequest(
                f"Invalid user id '{user_id[:200]}': only letters, digits and _ - = @ , . ; are allowed, "
                f"1 to {app.max_user_id_length} of them"
            )
        await self._adapter.terminate(topic_of(app.id, user_channel(user_id)))
        return EMPTY
