"""`toolgate version`."""

import platform
from importlib.metadata import version as version_of

from toolgate.cli import printing
from toolgate.cli.groups import new_command
from toolgate.cli.options import JsonOption, examples

app = new_command()


@app.command(epilog=examples("toolgate version", "toolgate version --json"))
def version(as_json: JsonOption = False) -> None:
    """Print the version of Toolgate and of Python."""
    versions = {"toolgate": version_of("toolgate"), "python": platform.python_version()}
    if as_json:
        printing.emit_json(versions)
    else:
        printing.say(f"toolgate {versions['toolgate']} (Python {versions['python']})")
