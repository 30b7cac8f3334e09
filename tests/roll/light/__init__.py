"""Light clients, hundreds in one process, that obey the rules by which pusher-js comes back."""
