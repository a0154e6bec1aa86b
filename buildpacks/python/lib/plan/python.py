"""Which Python pyproject.toml or Pipfile asks for.

In the root of the app, with the version of the stack's Python as argument. Prints a version or a specifier (PEP 440), the file
that has it, and `yes` if the stack's Python is such a one; or nothing.
"""

import re
import sys
import tomllib

from pip._vendor.packaging.specifiers import InvalidSpecifier, SpecifierSet


def asked() -> tuple[str, str] | None:
    pyproject = toml("pyproject.toml")
    requires = toml("Pipfile").get("requires", {})
    poetry = pyproject.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python")
    for text, file in (
        (pyproject.get("project", {}).get("requires-python"), "pyproject.toml"),
        (poetry and poetrys(poetry), "pyproject.toml"),
        (requires.get("python_full_version") or requires.get("python_version"), "Pipfile"),
    ):
        if isinstance(text, str) and text:
            return text, file
    return None


def poetrys(constraint: str) -> str:
    """As Poetry writes them: ^3.12, ~3.12, 3.12 (python-poetry.org/docs/dependency-specification)."""
    return ",".join(map(poetry_part, constraint.split(",")))


def poetry_part(part: str) -> str:
    sign, major, minor = re.match(r"\s*(\^|~(?!=))?\s*(\d*)\.?(\d*)", part).groups()
    version = part.strip(" ^~")
    if sign == "^":
        return f">={version},<{int(major) + 1}"
    if sign == "~":
        return f">={version},<{major}.{int(minor) + 1}" if minor else f">={version},<{int(major) + 1}"
    return f"=={major}.{minor or '*'}{'.*' * bool(minor)}" if major else part


def fits(text: str, version: str) -> bool:
    """A bug-fix release is as good as another one of its series."""
    if re.fullmatch(r"[\d.]+", text):
        text = f"=={'.'.join(text.split('.')[:2])}.*"
    return SpecifierSet(text).contains(version)


def toml(path: str) -> dict:
    """What is not TOML is refused later, with the reason."""
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError):
        return {}


if found := asked():
    try:
        print(*found, "yes" if fits(found[0], sys.argv[1]) else "", sep="\n")
    except InvalidSpecifier:
        pass
