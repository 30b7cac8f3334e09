"""What a change of applications does to the connections that are open.

A handshake that is under way needs nothing from here: it looks its application up once more when it is through.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from server.hub.slices import slices

if TYPE_CHECKING:
    from server.apps import Directory
    from server.hub.hub import Hub


async def apply_changes(hub: Hub, apps: Directory) -> None:
    """Let every open connection have what its application allows now; end those whose application is none any more.

    Two of these at once do no harm, since each asks anew for every connection.
    """
    for batch in slices(list(hub.clients.values())):
        for client in batch:
            session = client.session
            app = apps.by_id(session.app.id)
            if app is not session.app and session.socket_id in hub.clients:
                hub.update_app(client, app)
        await asyncio.sleep(0)
    hub.update_counting(apps)
