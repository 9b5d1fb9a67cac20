"""Measure `discreet email render`: messages of 100 kB, as HTML and as quoted-printable .eml.

    python -m benchmarks.render_mail [messages]

Runs the command as an operator does and prints seconds for each kind.
"""

import os
import subprocess
import sys
import tempfile
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

MESSAGES = 1_000
LETTER_BYTES = 100_000
LINKS = 40

POLICY = """\
[policy]
id = "benchmark"
version = "1"
controller = "Example"
contact = "privacy@example.org"
extends = "default"

[[site]]
domain = "example.org"
timezone = "UTC"
"""

ROW = """\
<table role="presentation" border="0" cellpadding="0" cellspacing="0" width="100%">
  <tr><td align="left" style="font-size:0px;padding:10px 25px;word-break:break-word;">
    <div style="font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;color:#333;">
      Grüße aus dem Garten, Zeile für Zeile: nothing here says who reads it.
    </div></td></tr>
  <!--[if mso | IE]><tr><td width="600px"><![endif]-->
</table>
"""


def make_letter(links: int = LINKS, size: int = LETTER_BYTES) -> str:
    """Return a message of about `size` bytes with that many links."""
    rows = size // len(ROW.encode())
    body = []
    for row in range(rows):
        body.append(ROW)
        if row % max(1, rows // links) == 0:
            body.append(f'<a href="https://example.org/offer/{row}?a=1&amp;b=2">Offer</a>\n')
    return f"<!doctype html><html><body>{''.join(body)}</body></html>\n"


def make_message(letter: str) -> bytes:
    """Return the letter as a multipart message, its HTML quoted-printable."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = "news@example.org", "reader@example.net"
    message["Subject"] = "Garden"
    message.set_content("Offers: https://example.org/offer/0\n")
    message.add_alternative(letter, subtype="html", cte="quoted-printable")
    return message.as_bytes()


def main() -> None:
    """Render each kind of message and print how long it took."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    letter = make_letter()
    kinds = {".html": letter.encode(), ".eml": make_message(letter)}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = folder / "data"
        data.mkdir()
        (data / "policy.toml").write_text(POLICY)
        _discreet("email", "campaign", "add", "garden", "--site", "example.org", "--data", data)
        for suffix, content in kinds.items():
            given, made = folder / f"given{suffix}", folder / f"made{suffix}"
            given.mkdir()
            for number in range(messages):
                (given / f"{number}{suffix}").write_bytes(content)
            started = time.perf_counter()
            _discreet(
                *("email", "render", "--all", given, "-o", made, "--campaign", "garden"),
                *("--url", "https://stats.example.org", "--data", data),
            )
            seconds = time.perf_counter() - started
            print(
                f"{messages} messages ({suffix}, {len(content):,} bytes, {LINKS} links):"
                f" {seconds:.1f} s, {1000 * seconds / messages:.1f} ms each",
                flush=True,
            )
    print(f"on {os.cpu_count()} cores, of which one is used")


def _discreet(*arguments: object) -> None:
    subprocess.run(  # noqa: S603  # our own command line
        [sys.executable, "-m", "collector.cli", *map(str, arguments)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
