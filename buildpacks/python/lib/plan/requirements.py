"""What lines of a requirements file lead to (https://pip.pypa.io/en/stable/reference/requirements-file-format/)."""

import argparse
import codecs
import os
import re
import shlex
from collections.abc import Iterator

COMMENT = re.compile(r"(^|\s+)#.*$")
BYTE_ORDER_MARKS = [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")]

# As pip reads them: also --requirement=FILE, -rFILE and the beginning of a name.
options = argparse.ArgumentParser(add_help=False, exit_on_error=False)
options.add_argument("-r", "--requirement", action="append", default=[])
options.add_argument("-c", "--constraint", action="append", default=[])
options.add_argument("-e", "--editable", action="append", default=[])
options.add_argument("-f", "--find-links", action="append", default=[])


def requirement_lines(path: str) -> Iterator[str]:
    """Without comments, and those that end with a backslash joined with the next, unless they are comments."""
    whole = ""
    for line in text_of(path).splitlines():
        if line.endswith("\\") and not COMMENT.match(line):
            whole += line.strip("\\")
            continue
        yield expanded(COMMENT.sub("", f"{whole} {line}" if COMMENT.match(line) else whole + line).strip())
        whole = ""
    yield expanded(whole.strip())


def references(line: str) -> Iterator[tuple[str, str]]:
    """`file`: of the same format; `package`: a path in the app; `archives`: where they are looked for, path or address."""
    requirement, flags = re.match(r"((?!-)\S+(?:\s+(?!-)\S+)*)?\s*(.*)", line).groups()
    named = options_in(flags)
    yield from (("file", value) for value in named.requirement + named.constraint)
    yield from (("archives", value) for value in named.find_links)
    yield from (("package", path_of(value)) for value in named.editable if not re.match(r"\w+\+(?!file:)", value))
    if requirement and is_local(requirement):
        yield "package", path_of(requirement)


def is_local(requirement: str) -> bool:
    """A file: address, or what pip takes for a path: an archive, or a directory that is written as one."""
    path = path_of(requirement)
    return "file:" in requirement or os.path.isfile(path) or (os.path.isdir(path) and ("/" in path or path.startswith(".")))


def path_of(requirement: str) -> str:
    """Without markers and extras."""
    return re.sub(r"\[[^\]]*\]$", "", requirement.partition(";")[0].strip())


def options_in(flags: str) -> argparse.Namespace:
    """What pip cannot read it will refuse."""
    try:
        return options.parse_known_args(shlex.split(flags))[0]
    except (ValueError, argparse.ArgumentError):
        return options.parse_args([])


def expanded(line: str) -> str:
    return re.sub(r"\$\{([A-Z0-9_]+)\}", lambda match: os.environ.get(match[1], match[0]), line)


def text_of(path: str) -> str:
    with open(path, "rb") as file:
        content = file.read()
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content.removeprefix(mark).decode(encoding, "replace")
    return content.decode("utf-8", "replace")
