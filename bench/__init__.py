"""Measure a node from outside: load scenarios whose numbers are printed, never asserted."""
