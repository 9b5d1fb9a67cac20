"""Whatever fails, its place and kind are logged and none of its values."""

import subprocess
import sys

import pytest

CANARY = "kanarienvogel"

START = "from collector.logs import write_without_values; write_without_values(); import logging\n"
DEEP = (
    f"def deep(raw_secret):\n    raise ValueError(f'no {{raw_secret}} here')\nsecret = '{CANARY}'\n"
)


def run(program: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", START + DEEP + program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert CANARY not in done.stdout
    return done.stderr


LOGGED = """
try:
    deep(secret)
except ValueError:
    logging.getLogger("uvicorn.error").exception("Exception in %s", secret)
"""
ASYNCIO = """
import asyncio, gc
async def fail():
    deep(secret)
async def main():
    task = asyncio.create_task(fail(), name=secret)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
asyncio.run(main())
"""
THREAD = """
import threading
thread = threading.Thread(target=deep, args=(secret,))
thread.start(); thread.join()
"""
UNRAISABLE = """
class Last:
    def __del__(self):
        deep(secret)
Last()
"""
CHAINED = """
try:
    try:
        deep(secret)
    except ValueError as error:
        raise KeyError(secret) from error
except KeyError:
    logging.getLogger("discreet").exception("a request failed")
"""
BAD_RECORD = "logging.getLogger('discreet').error('%d', secret)"


@pytest.mark.parametrize(
    ("program", "told"),
    [
        pytest.param(LOGGED, ["uvicorn.error: Exception in %s", "ValueError"], id="library's log"),
        pytest.param(ASYNCIO, ["Task exception was never retrieved", "ValueError"], id="asyncio"),
        pytest.param(THREAD, ["stopped by a fault", "ValueError"], id="thread"),
        pytest.param(UNRAISABLE, ["stopped by a fault", "ValueError"], id="finaliser"),
        pytest.param("deep(secret)", ["stopped by a fault", "ValueError"], id="main program"),
        pytest.param(CHAINED, ["ERROR a request failed", "KeyError"], id="chained"),
        pytest.param(BAD_RECORD, [], id="record that can't be formatted"),
    ],
)
@pytest.mark.parametrize(
    "options",
    [[], ["-X", "dev"], ["-X", "faulthandler"]],
    ids=["plain", "development mode", "faulthandler"],
)
def test_failure_is_told_without_values(program: str, told: list[str], options: list[str]) -> None:
    logged = run(program, *options)

    assert CANARY not in logged
    for words in told:
        assert words in logged


def test_place_of_a_failure_is_told() -> None:
    assert "in deep" in run("deep(secret)")


def test_own_messages_are_whole() -> None:
    assert run("logging.getLogger('discreet').error('a request failed: %s', 'KeyError')") == (
        "ERROR a request failed: KeyError\n"
    )


def test_fatal_signal_is_told_without_values() -> None:
    logged = run("import faulthandler, os; faulthandler.enable(); x = secret; os.abort()")

    assert "Fatal Python error" in logged
    assert CANARY not in logged
