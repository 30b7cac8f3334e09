"""Verdicts: pure functions from a log to the lines of a table. Sans-I/O."""

from tests.roll.judging.lines import CRASH, DEPLOY, KILLED_LEAVING, LATE, STUBBORN
from tests.roll.judging.story import Story, Terms, tell
from tests.roll.judging.verdict import Verdict, table

__all__ = ["CRASH", "DEPLOY", "KILLED_LEAVING", "LATE", "STUBBORN", "Story", "Terms", "Verdict", "table", "tell"]
