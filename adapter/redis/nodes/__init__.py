"""The nodes of a cluster: who is there, and what becomes of what the dead leave behind."""
