"""One node of Shoal: a server for the Pusher Channels protocol."""

__version__ = "0.1.0"
