"""What a broken server would do, done on the wire: by it the tests see that the harness notices."""

from tests.roll.faults.front import Front
from tests.roll.faults.tampering import EVERYTHING, Plan

__all__ = ["EVERYTHING", "Front", "Plan"]
