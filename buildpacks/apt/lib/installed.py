"""What dpkg says of the packages in the image that apps run on, which has fewer than this one that they are built on.

With the file of the names that the image was made of as argument. Prints their part of dpkg's status, with what they need.
"""

import re
import sys


def main(names: str) -> None:
    with open("/var/lib/dpkg/status", encoding="utf-8") as file:
        packages = {field(text, "Package"): text for text in file.read().strip().split("\n\n")}
    providers: dict[str, list[str]] = {}
    for name, text in packages.items():
        for provided in [name, *bare(field(text, "Provides"))]:
            providers.setdefault(provided, []).append(name)
    with open(names, encoding="utf-8") as file:
        wanted = file.read().split()
    wanted += [name for name, text in packages.items() if field(text, "Essential") == "yes" or field(text, "Priority") == "required"]
    found: set[str] = set()
    while wanted:
        for name in providers.get(wanted.pop(), []):
            if name not in found:
                found.add(name)
                wanted += bare(field(packages[name], "Pre-Depends")) + bare(field(packages[name], "Depends"))
    print(*(packages[name] for name in sorted(found)), sep="\n\n", end="\n\n")


def field(text: str, name: str) -> str:
    match = re.search(rf"^{name}: (.*)$", text, re.MULTILINE)
    return match[1] if match else ""


def bare(names: str) -> list[str]:
    """Without versions and architectures; of alternatives all."""
    return re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)", names)


main(sys.argv[1])
