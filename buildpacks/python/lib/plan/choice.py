"""Which package manager installs the dependencies, and by which file."""

import json
import os
import tomllib
from collections.abc import Callable
from typing import NamedTuple

from decisive import Decisive

LOCKS = ("uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml")


class Refusal(Exception):
    """The reason, and the remedy."""


class Choice(NamedTuple):
    manager: str
    source: str
    # The app is a package, which is installed in place.
    project: bool
    # Tells of everything that decides.
    read: Callable[[Decisive], None]
    warnings: list[str] = []


def choose(python_version: str) -> Choice:
    pyproject = toml("pyproject.toml") if there("pyproject.toml") else None
    if pyproject is not None and there("uv.lock"):
        return by_uv(pyproject)
    if there("requirements.txt"):
        return Choice("pip", "requirements.txt", False, lambda decisive: decisive.requirements_file("requirements.txt"))
    if pyproject is not None and there("poetry.lock"):
        return by_poetry(pyproject)
    if there("Pipfile") and there("Pipfile.lock"):
        return by_pipenv(python_version)
    return (
        (pyproject and by_pyproject(pyproject))
        or (there("Pipfile") and by_pipenv(python_version))
        or (there("setup.py") and Choice("pip", "setup.py", True, from_own_files))
        or (pyproject is not None and without_dependencies())
        or refuse_incomplete()
    )


def by_pyproject(pyproject: dict) -> Choice | None:
    project = pyproject.get("project", {})
    tools = pyproject.get("tool", {})
    if tools.get("poetry", {}).get("dependencies"):
        return by_poetry(pyproject)
    if project and "uv" in tools:
        return by_uv(pyproject)
    if "dependencies" in project.get("dynamic", []):
        return Choice("pip", "pyproject.toml", True, from_own_files)
    if project.get("dependencies"):
        return Choice("pip", "pyproject.toml", False, lambda decisive: read_project(pyproject, decisive))
    return None


def by_uv(pyproject: dict) -> Choice:
    uv = pyproject.get("tool", {}).get("uv", {})
    lock = toml("uv.lock") if there("uv.lock") else {}
    # Those of a workspace, which are installed in place like the app.
    members = lock.get("manifest", {}).get("members", [])
    is_package = uv.get("package", "build-system" in pyproject) or bool(members)

    def read(decisive: Decisive) -> None:
        decisive.add("uv.lock", "uv.toml")
        read_project(pyproject, decisive)
        if lock:
            packages = [package for package in lock.get("package", []) if package.get("name") not in members]
            sources = [package.get("source", {}) for package in packages]
        else:
            sources = flat(uv.get("sources", {}))
        read_uv_sources(sources, decisive)

    return Choice("uv", *locked_by("uv.lock", "pyproject.toml", "uv lock", is_package, read))


def read_uv_sources(sources: list[dict], decisive: Decisive) -> None:
    for source in sources:
        for path in (source.get("path"), source.get("directory"), source.get("editable")):
            if isinstance(path, str) and path != ".":
                decisive.local(path)
        if source.get("workspace") or "://" not in source.get("registry", "://"):
            decisive.incomplete = True


def by_poetry(pyproject: dict) -> Choice:
    poetry = pyproject.get("tool", {}).get("poetry", {})

    def read(decisive: Decisive) -> None:
        decisive.add("poetry.lock", "poetry.toml")
        read_project(pyproject, decisive)
        for wanted in flat(poetry.get("dependencies", {})):
            if "path" in wanted:
                decisive.local(wanted["path"])
        for package in toml("poetry.lock").get("package", []) if there("poetry.lock") else []:
            source = package.get("source", {})
            if source.get("type") in ("directory", "file"):
                decisive.local(source.get("url", ""))

    is_package = poetry.get("package-mode", True)
    return Choice("poetry", *locked_by("poetry.lock", "pyproject.toml", "poetry lock", is_package, read))


def by_pipenv(python_version: str) -> Choice:
    pipfile = toml("Pipfile")
    requires = pipfile.get("requires", {})
    wanted = requires.get("python_version") or requires.get("python_full_version") or python_version
    used = ".".join(python_version.split(".")[:2])
    if f"{wanted}.".split(".")[:2] != used.split("."):
        raise Refusal(
            f"Pipfile requires Python {wanted}, but another file asks for {used}",
            f'Write python_version = "{used}" into Pipfile, run pipenv lock and push again.',
        )

    def read(decisive: Decisive) -> None:
        decisive.add("Pipfile", "Pipfile.lock")
        wanted = parsed("Pipfile.lock", json.load).get("default", {}) if there("Pipfile.lock") else pipfile.get("packages", {})
        for package in flat(wanted):
            path = package.get("path") or package.get("file") or ""
            if path and not path.startswith(("http:", "https:")):
                decisive.local(path)

    return Choice("pipenv", *locked_by("Pipfile.lock", "Pipfile", "pipenv lock", False, read))


def locked_by(lock: str, source: str, command: str, project: bool, read: Callable[[Decisive], None]) -> tuple:
    """The rest of a choice: its lock file decides, if there is one."""
    if there(lock):
        return lock, project, read, []
    return source, project, read, [f"No {lock}: every build may get other versions. Run {command} and commit it."]


def from_own_files(decisive: Decisive) -> None:
    decisive.incomplete = True


def read_project(pyproject: dict, decisive: Decisive) -> None:
    decisive.add("pyproject.toml")
    for requirement in pyproject.get("project", {}).get("dependencies", []):
        decisive.requirement(requirement)


def without_dependencies() -> Choice:
    warning = "pyproject.toml names no dependencies: none are installed."
    return Choice("pip", "pyproject.toml", False, lambda decisive: decisive.add("pyproject.toml"), [warning])


def refuse_incomplete() -> Choice:
    for lock, source in (("uv.lock", "pyproject.toml"), ("poetry.lock", "pyproject.toml"), ("Pipfile.lock", "Pipfile")):
        if there(lock):
            raise Refusal(f"{lock} without {source}", f"Commit {source} too: it lists the dependencies.")
    raise Refusal("no requirements.txt, pyproject.toml or Pipfile", "List the dependencies: pip freeze > requirements.txt")


def unused_locks(choice: Choice) -> list[str]:
    return [f"{lock} is not used: {choice.source} decides." for lock in LOCKS if there(lock) and lock != choice.source]


def flat(table: dict) -> list[dict]:
    """The tables among the values, of which each may be a list too: one for each platform."""
    values = [entry for value in table.values() for entry in (value if isinstance(value, list) else [value])]
    return [value for value in values if isinstance(value, dict)]


def there(name: str) -> bool:
    return os.path.isfile(name)


def toml(path: str) -> dict:
    return parsed(path, tomllib.load)


def parsed(path: str, load: Callable) -> dict:
    try:
        with open(path, "rb") as file:
            return load(file)
    except ValueError as error:
        raise Refusal(f"{path} is not {'JSON' if load is json.load else 'TOML'}", str(error)) from None
