"""A folder that is there whole or not at all, whatever is killed meanwhile."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"
"""How the name of an unfinished folder ends; it begins with the finished one's."""


class TargetInUse(Exception):
    """There is something already where a folder is to go."""


def check_target(to: Path) -> None:
    """Refuse a place that holds anything.

    Raises:
        TargetInUse: it is a file, or a folder that isn't empty.
    """
    if to.is_dir() and not to.is_symlink():
        if next(to.iterdir(), None) is not None:
            raise TargetInUse(f"{to}: must be a new or an empty folder")
    elif to.exists() or to.is_symlink():
        raise TargetInUse(f"{to}: must be a new or an empty folder")


@contextmanager
def in_place_when_whole(to: Path) -> Iterator[Path]:
    """Give a folder to fill, mode 0700; it becomes `to` when the block ends, on disk by then.

    Where the block fails nothing of it is left. A kill leaves a folder with `PART` in its name.

    Raises:
        TargetInUse: something came to stand there meanwhile.
    """
    part = to.with_name(f"{to.name}-{secrets.token_hex(4)}{PART}")
    part.mkdir(mode=0o700, parents=True)
    try:
        yield part
        _sync(part)
        try:
            part.rename(to)  # over an empty folder too
        except OSError:
            check_target(to)
            raise
        _sync_folder(to.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def move_whole(part: Path, to: Path, on_bytes: Callable[[int], None]) -> None:
    """Put a finished folder at `to`, also on another disk; `on_bytes` hears of bytes copied.

    Raises:
        TargetInUse: something stands there.
    """
    check_target(to)
    to.parent.mkdir(parents=True, exist_ok=True)
    if part.stat().st_dev == to.parent.stat().st_dev:
        part.rename(to)
        _sync_folder(to.parent)
        return
    with in_place_when_whole(to) as copy:
        for source in sorted(part.rglob("*")):
            target = copy / source.relative_to(part)
            if source.is_dir():
                target.mkdir(mode=0o700)
            else:
                shutil.copyfile(source, target)
                shutil.copymode(source, target)
                on_bytes(source.stat().st_size)
    shutil.rmtree(part)


def _sync(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            if not path.is_symlink() and path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        _sync_folder(Path(parent))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
