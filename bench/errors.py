"""What can go wrong in a measurement, as opposed to a number that disappoints."""


class BenchError(Exception):
    """A scenario could not be measured; the message says why, and is all that is printed."""
