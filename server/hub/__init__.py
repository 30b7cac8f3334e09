"""Where connections, channels and the cluster meet."""

from server.hub.client import Client
from server.hub.hub import Hub

__all__ = ["Client", "Hub"]
