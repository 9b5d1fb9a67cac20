"""What the process may write to its log: its own sentences, and of others the kind alone.

Messages and exceptions of libraries can hold what a visitor sent (ClickHouse repeats the
value that it could not cast, asyncio the whole of a failed task), so neither is printed.
"""

import logging
import sys
import threading
import traceback
from types import TracebackType

OWN = "discreet"
"""The logger whose messages are written for operators, without values."""


class Formatter(logging.Formatter):
    """Formats a record without any value that it was given from outside."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line, and its exception as kind and places."""
        if record.name == OWN or record.name.startswith(f"{OWN}."):
            said = record.getMessage()
        else:
            # The template, not what would be filled in; asyncio's has reprs from line two on.
            template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
            said = f"{record.name}: {template.strip().partition(chr(10))[0]}"
        lines = [f"{record.levelname} {said}"]
        if record.exc_info and record.exc_info[1]:
            lines += _places(record.exc_info[1])
        return "\n".join(lines)


def write_without_values() -> None:
    """Make all that this process logs, or dies of, pass by `Formatter`."""
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.raiseExceptions = False  # would print a record's arguments
    sys.excepthook = _last_words
    sys.unraisablehook = lambda given: _last_words(given.exc_type, given.exc_value, None)
    threading.excepthook = lambda given: _last_words(given.exc_type, given.exc_value, None)


def _last_words(
    kind: type[BaseException], error: BaseException | None, _: TracebackType | None
) -> None:
    lines = _places(error) if error else [kind.__name__]
    sys.stderr.write("\n".join(("discreet: stopped by a fault:", *lines, "")))


def _places(error: BaseException) -> list[str]:
    # Neither the text of the error nor the source lines nor any local variable.
    lines = [
        f"  {frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return [*lines, f"  {type(error).__name__}"]
