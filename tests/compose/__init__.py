"""The Compose file and what it mounts, checked by the programs that read them."""
