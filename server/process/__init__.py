"""What a node has of its operating system: signals, open files, memory."""
