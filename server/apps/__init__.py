"""Applications: who they are, and what each allows its clients."""

from server.apps.app import DEMO_APP, App
from server.apps.apps import Apps, check_unique
from server.apps.directory import Directory
from server.apps.webhook import Webhook

__all__ = ["DEMO_APP", "App", "Apps", "Directory", "Webhook", "check_unique"]
