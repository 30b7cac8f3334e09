"""The adapter of nodes that share a Redis. Begin with :mod:`adapter.redis.adapter`."""

from adapter.redis.adapter import RedisAdapter
from adapter.redis.errors import Misconfigured
from adapter.redis.options import RedisOptions

__all__ = ["Misconfigured", "RedisAdapter", "RedisOptions"]
