"""The files that decide what is installed."""

import os

from requirements import references, requirement_lines


class Decisive:
    def __init__(self) -> None:
        self.files: set[str] = set()
        # More than these files decides: directories of the app that are built or linked, or what an
        # address answers.
        self.incomplete = False

    def add(self, *paths: str) -> None:
        """Files; those that are not there decide nothing."""
        self.files.update(path for path in map(os.path.normpath, paths) if os.path.isfile(path))

    def local(self, path: str) -> None:
        """What is installed from there: an archive is its own content; a directory is built from whatever is in it."""
        if os.path.isfile(path):
            self.add(path)
        else:
            self.incomplete = True

    def requirements_file(self, path: str) -> None:
        """A file in pip's format, and all that it leads to. Other files are found from where it is, packages from the root."""
        path = os.path.normpath(path)
        if path in self.files or not os.path.isfile(path):
            return
        self.add(path)
        for line in requirement_lines(path):
            self.requirement(line, os.path.dirname(path))

    def requirement(self, line: str, directory: str = "") -> None:
        """A line of such a file, which is in that directory."""
        for kind, value in references(line):
            if kind == "package":
                self.local(value)
            elif "file:" in value:
                self.incomplete = True
            elif kind == "file":
                if "://" in value:
                    self.incomplete = True
                else:
                    self.requirements_file(os.path.join(directory, value))
            elif kind == "archives":
                beside = os.path.join(directory, value)
                self.archives(beside if os.path.exists(beside) else value)

    def archives(self, path: str) -> None:
        """A directory of archives to choose from, or a page of links to them."""
        self.add(path)
        self.add(*(entry.path for entry in os.scandir(path)) if os.path.isdir(path) else ())

    def setting(self, value: str) -> None:
        """Of a package manager: it may name files of the app."""
        for word in value.split():
            path = os.path.relpath(word)
            if not path.startswith(".."):
                self.requirements_file(path)
                self.archives(path)
