"""A file server over a small invented tree. It opens whatever path it is given, as the operating system would."""

from __future__ import annotations

import posixpath
from pathlib import Path

from toolgate.attacks.stubs.stub import Arguments, Definition, Failed, Stub, tool

TREE = {
    "/srv/jail/notes.txt": "remember the milk",
    "/srv/jail/.env": "API_KEY=canary-env-8f3a",
    "/srv/jail_evil/secret.txt": "canary-neighbour-51c0",
    "/srv/outside/secret.txt": "canary-outside-77d2",
    "/home/ann/.ssh/id_rsa": "-----BEGIN PRIVATE KEY-----\ncanary-key-0b9e\n-----END PRIVATE KEY-----",
}
"""Paths and contents; the canaries are invented and open nothing."""


class Server(Stub):
    """Notes `served`, `written`, `deleted`, `listed` with the path that was meant, and `leaked` with each content.

    `links`: symbolic links and what they point to. `root`: the one folder from which it reads after all links were
    followed, as a careful server does; "" for everywhere.
    """

    def __init__(
        self, folder: Path, files: dict[str, str] | None = None, links: dict[str, str] | None = None, root: str = ""
    ) -> None:
        super().__init__(folder)
        self._root = self._place(root).resolve()
        for path, content in {**TREE, **(files or {})}.items():
            self._place(path).parent.mkdir(parents=True, exist_ok=True)
            self._place(path).write_text(content)
        for path, target in (links or {}).items():
            self._place(path).symlink_to(self._place(target))

    def definitions(self) -> list[Definition]:
        """Reads, writes, lists, deletes."""
        return [
            tool("read_file", "Read a file.", {"path": "Path of the file."}, annotations={"readOnlyHint": True}),
            tool("write_file", "Write a file.", {"path": "Path of the file.", "content": "What to write."}),
            tool("list_dir", "List a folder.", {"path": "Path of the folder."}, annotations={"readOnlyHint": True}),
            tool("delete_path", "Delete a file.", {"path": "Path."}, annotations={"destructiveHint": True}),
        ]

    async def do_read_file(self, arguments: Arguments) -> str:
        """The content."""
        path = arguments["path"]
        if not self._place(path).resolve().is_relative_to(self._root):
            raise Failed(f"{path}: leads out of the folder")
        try:
            content = self._place(path).read_text()
        except OSError as error:
            raise Failed(f"{path}: {error.strerror}") from error
        self.note("served", path)
        self.note("leaked", content)
        return content

    async def do_write_file(self, arguments: Arguments) -> str:
        """Make or replace the file."""
        file = self._place(arguments["path"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(arguments["content"])
        self.note("written", posixpath.normpath(arguments["path"]))
        return "written"

    async def do_list_dir(self, arguments: Arguments) -> str:
        """The names in it."""
        try:
            names = sorted(entry.name for entry in self._place(arguments["path"]).iterdir())
        except OSError as error:
            raise Failed(f"{arguments['path']}: {error.strerror}") from error
        self.note("listed", arguments["path"])
        return "\n".join(names)

    async def do_delete_path(self, arguments: Arguments) -> str:
        """Remove one file."""
        self._place(arguments["path"]).unlink(missing_ok=True)
        self.note("deleted", posixpath.normpath(arguments["path"]))
        return "deleted"

    def _place(self, path: str) -> Path:
        """Where a path of the invented tree really lies: `..` is resolved as on a disk, and never leaves the folder."""
        return self.folder / posixpath.normpath(posixpath.join("/", path)).lstrip("/")
