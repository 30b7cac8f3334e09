"""How nodes reach one another: the contract (:mod:`adapter.base`) and what fulfils it."""

from adapter.base import Adapter, Entry, Full, NodeInfo, Occupancy, Receiver, Remembered, Topic, topic_of
from adapter.errors import AdapterError, Unavailable

__all__ = [
    "Adapter",
    "AdapterError",
    "Entry",
    "Full",
    "NodeInfo",
    "Occupancy",
    "Receiver",
    "Remembered",
    "Topic",
    "Unavailable",
    "topic_of",
]
