"""Nothing that a coverage-guided fuzzer makes up gets more out of a decoder than `Unreadable`."""

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RUNS = 20_000

HAS_WHEEL = (
    sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 14)
)


@pytest.mark.skipif(
    not HAS_WHEEL, reason="atheris is there for Linux on x86-64 and Python up to 3.13 alone"
)
@pytest.mark.parametrize("decoder", ["read_tc_string", "read_gpp"])
def test_fuzzed_decoder_answers_or_says_unreadable(decoder: str, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()

    fuzzed = subprocess.run(
        [
            # libFuzzer ends beyond 2 GB of the most that was ever resident, and at its start a
            # process has that of the one it comes from: of a shell, not of all tests before.
            *("sh", "-c", '"$@"; exit $?', "sh"),
            *(sys.executable, "-W", "error", "-m", "tests.fuzz.fuzz_decoders", decoder, corpus),
            *(f"-runs={RUNS}", "-seed=1", "-max_len=600", f"-artifact_prefix={tmp_path}/"),
        ],
        cwd=HERE.parent.parent,
        capture_output=True,
        timeout=120,
        check=False,
    )

    told = fuzzed.stderr.decode(errors="replace")
    assert fuzzed.returncode == 0, told + fuzzed.stdout.decode(errors="replace")
    assert f"Done {RUNS} runs" in told
    reached = [int(lines) for lines in re.findall(r"cov: (\d+)", told)]
    assert reached[-1] > reached[0] > 50, "the decoder was not watched, or only the seeds ran"
