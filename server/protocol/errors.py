"""What a client, or a back end, can do wrong: the tree of errors that are answered, never logged as ours."""


class ClientError(Exception):
    """The other side is at fault; the message is for its developer to read."""


class Malformed(ClientError):
    """It isn't what the protocol allows there."""


class InvalidChannel(ClientError):
    """No channel can have that name."""


class Unauthorized(ClientError):
    """The signature, or what it covers, doesn't allow this."""
