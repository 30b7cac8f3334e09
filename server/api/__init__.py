"""The HTTP API that back ends publish through, and what operators ask a node over HTTP.

In reading order: :mod:`~server.api.application` (the paths), :mod:`~server.api.endpoint` (a request from beginning to
end), :mod:`~server.api.signature`, :mod:`~server.api.publication`, then a module for each group of paths.
"""

from server.api.application import create_api
from server.api.drain import drain_handler
from server.api.exposition import create_metrics_app
from server.api.health import health_routes
from server.api.metrics import ApiMetrics
from server.api.nodes import nodes_handler
from server.api.webhooks import webhook_handlers

__all__ = [
    "ApiMetrics",
    "create_api",
    "create_metrics_app",
    "drain_handler",
    "health_routes",
    "nodes_handler",
    "webhook_handlers",
]
