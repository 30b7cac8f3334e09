"""Which endpoints of an application are to be told of what."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from server.apps import App


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go. Equal for equal addresses of one application, whatever is sent with them."""

    app_id: str
    url: str

    @property
    def id(self) -> str:
        """Names it in the outbox and to operators, who shouldn't see a token in an address."""
        return blake2b(self.url.encode(), digest_size=4).hexdigest()


def endpoints_for(app: App, event_type: str, channel: str) -> list[Endpoint]:
    """Return the endpoints that want an event, each once."""
    urls = {webhook.url: None for webhook in app.webhooks if webhook.wants(event_type, channel)}
    return [Endpoint(app.id, url) for url in urls]


def headers_for(app: App, endpoint: Endpoint) -> Mapping[str, str]:
    """Return the headers that an application has for an endpoint; of several webhooks with its address the first's."""
    for webhook in app.webhooks:
        if webhook.url == endpoint.url:
            return webhook.headers
    return {}
