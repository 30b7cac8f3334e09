"""What settings must not say together, though each may say it alone."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from server.apps import check_unique

if TYPE_CHECKING:
    from server.config.settings import Settings


def check_together(settings: Settings) -> None:
    """:raises ValueError: if some of them contradict each other."""
    check_unique(settings.apps)
    _check_store(settings)
    _check_tls(settings)
    _check_addresses(settings)
    _check_buffers(settings)
    _check_bodies(settings)
    _check_times(settings)
    _check_webhooks(settings)


def _check_store(settings: Settings) -> None:
    if settings.app_store == "config":
        return
    if "apps" in settings.model_fields_set:
        raise ValueError("apps and app_store are both set: applications are kept in one place, leave one of them out")
    if settings.app_store == "redis" and not settings.redis:
        raise ValueError("app_store = redis needs redis: set it, or give the URL of a Redis as app_store")
    if 2 * settings.app_store_timeout > settings.request_timeout:
        raise ValueError(
            f"app_store_timeout = {settings.app_store_timeout:g} is above half of request_timeout = "
            f"{settings.request_timeout:g}: a handshake may have to wait for two answers"
        )


def _check_tls(settings: Settings) -> None:
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        given, missing = ("tls_certificate", "tls_key") if settings.tls_key is None else ("tls_key", "tls_certificate")
        raise ValueError(f"{given} is set but {missing} is not: TLS needs both")


def _check_times(settings: Settings) -> None:
    if settings.close_timeout > settings.abort_timeout:
        raise ValueError(
            f"close_timeout = {settings.close_timeout:g} is above abort_timeout = {settings.abort_timeout:g}: a "
            "connection would be cut before its client's time to answer is over"
        )
    if settings.grace is not None and settings.grace < settings.needed_grace:
        raise ValueError(
            f"grace = {settings.grace:g} is shorter than settle + drain_max + {settings.reserve:g} = "
            f"{settings.needed_grace:g}: raise it (in Kubernetes together with terminationGracePeriodSeconds), or "
            "lower drain_max"
        )


def _check_addresses(settings: Settings) -> None:
    if settings.unix_socket is not None:
        return
    if settings.demo and not settings.insecure_demo and not _is_loopback(settings.host):
        raise ValueError(
            f"host = {settings.host!r} would offer the demo application, whose secret is public, to others: "
            "configure apps, or set insecure_demo (--insecure-demo)"
        )
    if settings.port == settings.metrics_port != 0 and settings.metrics_host in {None, settings.host}:
        raise ValueError(f"port and metrics_port are both {settings.port} on {settings.host}: choose two")


def _check_buffers(settings: Settings) -> None:
    if not settings.slow_consumer_bytes <= settings.slow_consumer_max_bytes <= settings.max_node_buffer_bytes:
        raise ValueError(
            f"slow_consumer_bytes = {settings.slow_consumer_bytes}, slow_consumer_max_bytes = "
            f"{settings.slow_consumer_max_bytes}, max_node_buffer_bytes = {settings.max_node_buffer_bytes}: "
            "none may be above the next"
        )


def _check_bodies(settings: Settings) -> None:
    for index, app in enumerate(settings.apps):
        if app.max_event_bytes >= settings.max_body_bytes:
            raise ValueError(
                f"apps[{index}].max_event_bytes = {app.max_event_bytes} doesn't fit into max_body_bytes = "
                f"{settings.max_body_bytes}: raise the latter, as a publish has more in it than the event's data"
            )


def _check_webhooks(settings: Settings) -> None:
    under_way = settings.webhook_endpoint_concurrency * settings.webhook_batch_events
    if settings.webhook_endpoint_queue <= under_way:
        raise ValueError(
            f"webhook_endpoint_queue = {settings.webhook_endpoint_queue} has no room beside what is under way to one "
            f"address (webhook_endpoint_concurrency * webhook_batch_events = {under_way}): raise it, or bursts are "
            "put off though the address is well"
        )


def _is_loopback(host: str) -> bool:
    """A name other than localhost may resolve to anything, so it counts as public."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
