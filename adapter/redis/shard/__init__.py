"""One shard, as a node sees it: what it writes there, and what it hears from there."""
