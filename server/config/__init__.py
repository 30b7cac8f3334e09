"""Configuration: what can be set, where it is read from, and what is said about mistakes."""

from server.config.problems import ConfigurationError, describe_app
from server.config.settings import Settings
from server.config.sources import Configuration, load_settings, read_configuration

__all__ = ["Configuration", "ConfigurationError", "Settings", "describe_app", "load_settings", "read_configuration"]
