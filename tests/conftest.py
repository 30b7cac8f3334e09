"""How tests run: Hypothesis without deadlines, since a busy machine is no failure; interrupts as in a terminal."""

import signal

from hypothesis import settings

settings.register_profile("shoal", deadline=None, print_blob=True)
settings.load_profile("shoal")

# A shell's job in the background, or one under nohup, ignores SIGINT, and all that it starts inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
