"""Applications: who they are, and what each allows its clients."""

from server.apps.app import DEMO_APP, App
from server.apps.apps import Apps, check_unique

__all__ = ["DEMO_APP", "App", "Apps", "check_unique"]
