"""What decides which dependencies an app gets: who installs them, what that goes by, and a key that changes when the outcome may.

In the root of the app, with the version of Python and the name of the build as arguments; the stack's has none. Prints the package manager, the file that decides, `project` or
nothing (whether the app itself is a package to install, in place), the key or nothing (the outcome is not to be kept: parts of it
are made from the app's own files, or from what only the network knows), and then warnings, a line each. Refuses with exit code 1,
the reason and the remedy.
"""

import hashlib
import os
import platform
import sys

from choice import Refusal, choose, unused_locks
from decisive import Decisive

# Settings of the package managers, which the app's config vars may be.
SETTINGS = ("PIP_", "UV_", "POETRY_", "PIPENV_")


def main(python_version: str, python_build: str) -> None:
    choice = choose(python_version)
    decisive = Decisive()
    choice.read(decisive)
    settings = {name: value for name, value in os.environ.items() if name.startswith(SETTINGS) and name != "PIP_CACHE_DIR"}
    for value in settings.values():
        decisive.setting(value)
    warnings = choice.warnings + unused_locks(choice)
    print(choice.manager, choice.source, "project" * choice.project, sep="\n")
    print(key([*choice[:3], python_version, python_build, platform.machine(), sorted(settings.items())], decisive), *warnings, sep="\n")


def key(circumstances: list, decisive: Decisive) -> str:
    if decisive.incomplete:
        return ""
    digest = hashlib.sha256(repr(circumstances).encode("utf-8", "surrogateescape"))
    for path in sorted(decisive.files):
        with open(path, "rb") as file:
            digest.update(repr((path, file.read())).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


try:
    main(*sys.argv[1:])
except Refusal as refusal:
    print(*refusal.args, sep="\n")
    sys.exit(1)
