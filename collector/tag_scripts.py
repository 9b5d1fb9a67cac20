"""The tag as a policy wants it, its modules, and every version of it that was handed out.

The script reads of a visitor's browser what the policy's statistics need and nothing else, so it
is made from the policy. A version that was handed out once stays under the hash of its content:
a page may name it with an SRI value, which no other content answers to.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256, sha384
from importlib.resources import files
from pathlib import Path

from anonymizer.policy import Dimension, Policy
from anonymizer.policy_tag import TAG_MODULES

_BUILT = files("collector") / "tag" / "built"
_SCRIPT = "document.currentScript"
_READS = {
    # Where a page has no layout yet, Chromium makes it for innerWidth: 57 ms for 7,500 elements.
    "w": "outerWidth",
    # Intl takes some 25 ms where it is asked first in a process, Temporal none.
    "tz": "self.Temporal?.Now.timeZoneId()??Intl.DateTimeFormat().resolvedOptions().timeZone",
}
"""Key of a hit → what the browser tells for it."""


def compile_tag(policy: Policy) -> bytes:
    """Return the script that `/tag.js` is under `policy`."""
    core = (_BUILT / "core.min.js").read_text("utf-8")
    reads = ",".join(f"{key}:{_READS[key]}" for key in keys_read(policy))
    script = _SCRIPT
    if policy.tag_modules:
        # What an element says of its own is the last word.
        named = ",".join(policy.tag_modules)
        script = f'(e=>({{src:e?.src,dataset:{{modules:"{named}",...e?.dataset}}}}))({_SCRIPT})'
    return f"({core})(()=>({{{reads}}}),{script})".encode()


def keys_read(policy: Policy) -> tuple[str, ...]:
    """Return the keys of a hit that are read of the browser because `policy` needs them."""
    needed = {dimension for statistic in policy.statistics for dimension in statistic.by}
    by_country = any(region.countries for region in policy.regions.values())
    return (
        *(("w",) if Dimension.SCREEN in needed else ()),
        *(("tz",) if Dimension.COUNTRY in needed or by_country else ()),
    )


def read_modules(names: Sequence[str]) -> bytes | None:
    """Return the named modules in one script; None when one is unknown or named twice."""
    if not set(names) <= set(TAG_MODULES) or len(set(names)) < len(names):
        return None
    return b"".join((_BUILT / "modules" / f"{name}.min.js").read_bytes() for name in names)


def hash_of(script: bytes) -> str:
    """Return the name of a version: the first half of its SHA-256, in hexadecimal."""
    return sha256(script).hexdigest()[:32]


def integrity_of(script: bytes) -> str:
    """Return a script's SRI value (W3C Subresource Integrity, section 3.1)."""
    return f"sha384-{b64encode(sha384(script).digest()).decode()}"


def keep_version(folder: Path, script: bytes) -> Mapping[str, bytes]:
    """Keep `script` among the versions in `folder`; return all of them by their hash.

    A file that doesn't hold what its name says is left out.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / f"{hash_of(script)}.js").write_bytes(script)
    return dict(_read_versions(sorted(folder.glob("*.js"))))


def _read_versions(paths: Iterable[Path]) -> Iterable[tuple[str, bytes]]:
    for path in paths:
        script = path.read_bytes()
        if hash_of(script) == path.stem:
            yield path.stem, script
