"""The outbox in Redis: what the world outside is to be told of, and which node tells it."""
