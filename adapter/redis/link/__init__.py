"""One connection to a Redis: where it goes, what is sent and what comes back."""
