"""One client: its way in, its socket, its bytes."""
