"""How Hypothesis runs here: without deadlines, since a busy machine is no failure, and saying how to repeat one."""

from hypothesis import settings

settings.register_profile("shoal", deadline=None, print_blob=True)
settings.load_profile("shoal")
