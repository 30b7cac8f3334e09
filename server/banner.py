"""What `shoal serve` prints when it is ready: how to connect, ready to be pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.config import Settings

_DEMO = """
  ┌───────────────────────────────────────────────────────────────────────────┐
  │  DEMO: no application is configured. Anybody who reads this can publish.  │
  │  Set SHOAL_APPS or [[apps]] in a file (see docs/configuration.md).        │
  └───────────────────────────────────────────────────────────────────────────┘

  app id      {id}
  app key     {key}
  app secret  {secret}
"""
_HOW = """
  Subscribe from a page, or from Node after `npm install pusher-js`:

    const Pusher = require("pusher-js");   // in Node; a page has it from its script
    const pusher = new Pusher("{key}", {{
      cluster: "local",               // any; pusher-js wants one
      wsHost: "{host}", wsPort: {port}, wssPort: {port},
      forceTLS: {tls}, enabledTransports: ["ws", "wss"],
    }});
    pusher.subscribe("my-channel").bind("my-event", data => console.log(data));

  Or from a terminal, then publish from another:

    {shoal} tail my-channel{options}
    {shoal} publish my-channel my-event '{{"hello":"world"}}'{options}
"""


def banner(settings: Settings, *, address: str, port: int, metrics_address: str, shoal: str) -> str:
    """Return the text.

    :param shoal: how this program is called, for the commands.
    """
    scheme = "https" if settings.tls_certificate else "http"
    where = address if settings.unix_socket else f"{scheme}://{address}"
    lines = [f"Shoal is ready on {where}, metrics on http://{metrics_address}/metrics"]
    if settings.demo:
        lines.append(_demo(settings))
        if settings.unix_socket is None:
            lines.append(_how(settings, port, scheme, shoal))
    elif settings.store_options is not None:
        lines.append(f"  applications from a store: {settings.app_store.partition('://')[0]}")
    else:
        lines += [f"  app {app.id}, key {app.key}{'' if app.enabled else ' (disabled)'}" for app in settings.apps]
    return "\n".join(lines)


def _demo(settings: Settings) -> str:
    app = settings.apps[0]
    return _DEMO.format(id=app.id, key=app.key, secret=app.secret.get_secret_value()).rstrip("\n")


def _how(settings: Settings, port: int, scheme: str, shoal: str) -> str:
    host = settings.host if settings.host not in ("0.0.0.0", "::") else "127.0.0.1"
    if ":" in host:
        host = f"[{host}]"
    is_default = (host, port, scheme) == ("127.0.0.1", 6001, "http")
    return _HOW.format(
        key=settings.apps[0].key,
        host=host,
        port=port,
        tls="true" if scheme == "https" else "false",
        shoal=shoal,
        options="" if is_default else f" --url {scheme}://{host}:{port}",
    )
