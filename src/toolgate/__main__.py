"""`toolgate` and `python -m toolgate`."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:2] == ["run"]:  # a client waits for it at every start
        from toolgate.cli.quick import run

        sys.exit(run(sys.argv[1:]))
    from toolgate.cli.root import run as run_root

    sys.exit(run_root())


if __name__ == "__main__":
    main()
