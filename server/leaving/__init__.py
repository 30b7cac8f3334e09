"""How a node leaves: :mod:`~server.leaving.pace` decides how fast, :mod:`~server.leaving.departure` carries it out."""

from server.leaving.departure import Departure
from server.leaving.pace import Pace, TokenBucket, pace_of

__all__ = ["Departure", "Pace", "TokenBucket", "pace_of"]
