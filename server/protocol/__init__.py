"""What a client and this server say to each other. Sans-I/O: no socket, clock, task, randomness or log in here."""
