"""Unmodified pusher-js clients, many in one process of Node."""
