"""A node as a process, and a client for it: what tests of the whole share."""

from tests.harness.client import Client, Closed, Message
from tests.harness.node import Credentials, RunningNode, start_node

__all__ = ["Client", "Closed", "Credentials", "Message", "RunningNode", "start_node"]
