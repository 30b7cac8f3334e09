"""The Redis servers that have shards: which has which, and the two connections to each."""
