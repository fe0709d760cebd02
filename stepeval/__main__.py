"""``python -m stepeval`` is ``stepeval``."""

from stepeval.cli.main import main

if __name__ == "__main__":
    main()
