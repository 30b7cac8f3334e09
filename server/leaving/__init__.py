"""How a node leaves: :mod:`~server.leaving.course` decides what is done and when, at the pace that
:mod:`~server.leaving.pace` works out, and :mod:`~server.leaving.departure` carries it out."""

from server.leaving.departure import Departure

__all__ = ["Departure"]
