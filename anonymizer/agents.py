"""Device, browser and operating system, or what machine, read from a user agent.

A raw agent comes in; coarse words go out. The classes are those of the
`user_agents` package; what it reads them from is ua-parser's Rust resolver,
because its own way through ua-parser's legacy API costs thirteen times as much.
"""

import re
from functools import cache
from importlib.util import find_spec, module_from_spec
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct
from ua_parser_rs import DeviceExtractor, OSExtractor, UserAgentExtractor
from user_agents.parsers import (
    UserAgent,
    parse_browser,
    parse_device,
    parse_operating_system,
)

from anonymizer.machines import OTHER_FAMILY, Machine, MachineKind, Machines
from anonymizer.recent import Recent
from anonymizer.scrub import scrub

MAX_AGENT_CHARACTERS = 1000
"""What is read of an agent; browsers send 100 to 300 characters."""

OTHER = "Other"
"""ua-parser's word for a family that no rule names."""

# Some of ua-parser's rules copy text out of the agent. What is kept of it has the shape of a
# product's name and of its major version, so that no number or address passes through.
_FAMILY = re.compile(r"(?=.{1,40}\Z)(?!.*[0-9]{5})[^\W_][\w .,!()/&+'-]*\Z")
_MAJOR = re.compile(r"[0-9]{1,4}\Z|[A-Za-z]{1,8}\Z")


class Agent(Struct, frozen=True, gc=False):
    """A user agent after it was made coarse.

    What a machine says of a device, a browser and a system is its own invention: not kept.
    """

    device: str
    """``desktop``, ``mobile``, ``tablet`` or ``other``."""
    browser: str
    os: str
    machine: Machine | None = None
    """None for a person."""

    @property
    def bot(self) -> bool:
        """Tell whether no person stands behind the hit: a mail proxy asks on behalf of one."""
        return self.machine is not None and self.machine.kind is not MachineKind.MAIL_PROXY


class Agents:
    """A bounded memory of agents already read."""

    def __init__(self, machines: Machines, cache_size: int = 4096) -> None:
        """Keep at most `cache_size` agents; at least 2."""
        self._machines = machines
        self._recent: Recent[Agent] = Recent(cache_size)

    def read_agent(self, raw_agent: str) -> Agent:
        """Return the coarse agent; an empty one is a machine of unknown kind.

        The first call for a person in a process loads ua-parser's rules: 110 ms and 28 MB.
        """
        return self._recent.get(raw_agent) or self._recent.keep(raw_agent, self._read(raw_agent))

    def _read(self, raw_agent: str) -> Agent:
        raw_head = raw_agent[:MAX_AGENT_CHARACTERS].strip()
        machine = self._machines.find(raw_head) if raw_head else _NAMELESS
        return Agent("other", OTHER, OTHER, machine) if machine else _classify(raw_head)

    def __len__(self) -> int:
        return len(self._recent)


_NAMELESS = Machine(MachineKind.UNKNOWN, OTHER_FAMILY)


class _Rules(NamedTuple):
    browsers: UserAgentExtractor
    systems: OSExtractor
    devices: DeviceExtractor


@cache
def _rules() -> _Rules:
    # Executed outside sys.modules: its 1270 rule objects (3.6 MB) are free again once the
    # extractors are made. These take 7.3, 1.9 and 15.0 MB.
    spec = find_spec("ua_parser_builtins.lazy")
    if spec is None or spec.loader is None:
        raise ImportError("ua_parser_builtins.lazy is missing")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    browsers, systems, devices = module.MATCHERS
    versioned = attrgetter("regex", "family", "major", "minor", "patch", "patch_minor")
    branded = attrgetter("regex", "regex_flag", "family", "brand", "model")
    return _Rules(
        UserAgentExtractor(map(versioned, browsers)),
        OSExtractor(map(versioned, systems)),
        DeviceExtractor(map(branded, devices)),
    )


class _ClassifiedAgent(UserAgent):  # type: ignore[misc]  # user_agents has no types
    """`user_agents.UserAgent` over the Rust resolver; the parent's constructor is not called."""

    def __init__(self, raw_agent: str) -> None:
        rules = _rules()
        browser = rules.browsers.extract(raw_agent)
        system = rules.systems.extract(raw_agent)
        device = rules.devices.extract(raw_agent)
        # No class is told by more of a version than its major, nor by a brand or a model.
        self.ua_string = raw_agent
        self.browser = (
            parse_browser(browser.family, browser.major) if browser else parse_browser(OTHER)
        )
        self.os = (
            parse_operating_system(system.family, system.major)
            if system
            else parse_operating_system(OTHER)
        )
        self.device = parse_device(device.family if device else OTHER, None, None)


def _classify(raw_agent: str) -> Agent:
    found = _ClassifiedAgent(raw_agent)
    if found.is_tablet:
        device = "tablet"
    elif found.is_mobile:
        device = "mobile"
    elif found.is_pc:
        device = "desktop"
    else:
        device = "other"
    return Agent(
        device,
        _coarsen_product(found.browser.family, found.browser.version),
        _coarsen_product(found.os.family, found.os.version),
    )


def _coarsen_product(family: str, version: tuple[str | int, ...]) -> str:
    if not _FAMILY.match(family) or scrub(family, []) != family:
        return OTHER
    major = str(version[0]) if version else ""
    return f"{family} {major}" if _MAJOR.match(major) else family
