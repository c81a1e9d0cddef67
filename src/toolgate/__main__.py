"""`toolgate` and `python -m toolgate`."""

import sys

from toolgate.cli.root import run


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run())


if __name__ == "__main__":
    main()
