"""A node's own view of its channels: who of its clients is in them and what they are told. Sans-I/O."""
