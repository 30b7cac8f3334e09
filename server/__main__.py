"""``python -m server`` is the command ``shoal``."""

from server.cli import main

if __name__ == "__main__":
    main()
