"""What can go wrong between a node and the cluster."""


class AdapterError(Exception):
    """Root of what an adapter raises."""


class Unavailable(AdapterError):
    """The shared state can't be reached just now: nothing is promised about the call; ask again.

    :ivar retry_after: seconds after which it is worth asking again.
    """

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
