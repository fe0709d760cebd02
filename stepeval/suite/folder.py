"""Files a suite may read: those in its own folder, opened so that no link leads out of it."""

import os
import re
import stat
from pathlib import Path

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_LONGEST = 255
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_BY_STEPS = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")


class PathRefused(Exception):
    """The sentence names the file and what is wrong with it."""


def read_inside(root: Path, name: str, most_bytes: int) -> bytes:
    """The bytes of the file ``name`` (relative, as a suite writes it) under ``root``.

    Raises:
        PathRefused: It is not there, lies outside, is no regular file, or is too large.
    """
    path = inside(root, name)
    try:
        descriptor = _open(path, root.resolve())
    except OSError as error:
        raise PathRefused(f"cannot read {name!r}: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PathRefused(f"{name!r} is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise PathRefused(f"{name!r} is larger than {most_bytes // 1_000_000} MB")
    return data


def inside(root: Path, name: str) -> Path:
    """The real path of an existing file under ``root``.

    Raises:
        PathRefused: The name is none, or leads out of the folder, or to nothing.
    """
    wrong = _wrong(name)
    if wrong:
        raise PathRefused(wrong)
    top = root.resolve()
    try:
        path = (top / name).resolve()
        exists = path.exists()
    except (OSError, RuntimeError, ValueError):
        raise PathRefused(f"{name!r} is not a path that can be followed") from None
    if not path.is_relative_to(top):
        raise PathRefused(f"{name!r} leads out of the suite's folder through a link")
    if not exists:
        raise PathRefused(f"there is no file {name!r} in the suite's folder")
    return path


def _wrong(name: str) -> str | None:
    parts = re.split(r"[/\\]", name)
    if len(name) > _LONGEST:
        return f"a path of {len(name)} characters is too long (at most {_LONGEST})"
    checks = (
        (not name.strip() or not name.isprintable(), "is not a file name"),
        (_SCHEME.match(name), "is an address; a suite reads only files in its own folder"),
        (name.startswith(("/", "\\", "~")), "is not relative to the suite's folder"),
        (".." in parts, "leads out of the suite's folder"),
        ("\\" in name, "holds a backslash; write '/' between folders"),
        (any(map(_RESERVED.fullmatch, parts)), "is a device's name on Windows"),
    )
    return next((f"{name!r} {wrong}" for is_so, wrong in checks if is_so), None)


def _open(path: Path, top: Path) -> int:
    """``path`` has no link left in it, so any that is met now was put there meanwhile."""
    if not _BY_STEPS:
        return os.open(path, _FLAGS)
    folder = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        *folders, last = path.relative_to(top).parts or (".",)
        for part in folders:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(last, _FLAGS, dir_fd=folder)
    finally:
        os.close(folder)
