"""The straight line: signal → gate → deidentify → count.

Takes raw hits and returns counted ones; store is handed nothing else. A hit is
judged as soon as it is received: one that is refused goes no further than its
reason. All hits of a request are de-identified before the first is counted, so
that one that can't be read leaves nothing behind.
"""

from collections.abc import Iterable

from msgspec import Struct

from anonymizer.agents import Agent, Agents
from anonymizer.deidentify import Tables, deidentify
from anonymizer.gate import Gate
from anonymizer.hits import CleanHit, DropReason, LocalSeconds, RawHit, SiteId
from anonymizer.policy import Policy, PurposeId
from anonymizer.signals import read_signals
from collector.clock import SiteClock
from collector.counted import CountedHit
from collector.counters import Counter, count_refused
from collector.plan import Plan
from collector.salts import FillRandom
from collector.visits import VisitMemory


class Passed(Struct, frozen=True, gc=False):
    """A raw hit that the gate let through."""

    raw: RawHit
    agent: Agent
    local: LocalSeconds
    purposes: frozenset[PurposeId]


Judged = CountedHit | Passed
"""A refused hit as the one thing it leaves, or a hit on its way to `count`."""


class Pipeline:
    """The line under one policy, with the visit memory of one stream of time."""

    def __init__(
        self, policy: Policy, plan: Plan, agents: Agents, tables: Tables, fill_random: FillRandom
    ) -> None:
        self._policy = policy
        self._gate = Gate(policy)
        self._agents = agents
        self._tables = tables
        self._memory = VisitMemory(fill_random)
        self._counter = Counter(plan, self._memory)
        self._clocks = {domain: SiteClock(site.zone) for domain, site in policy.sites.items()}

    def judge(self, raw: RawHit) -> Judged:
        """Read a hit's signals and ask the gate."""
        local = self.local(raw.site, raw.time)
        agent = self._agents.read_agent(raw.raw_agent)
        gated = self._gate.judge(raw, read_signals(raw, agent), self._policy.sites[raw.site])
        if isinstance(gated, DropReason):
            return count_refused(raw.site, raw.door, gated, local)
        return Passed(raw, agent, local, gated)

    def take(self, raw_hits: Iterable[RawHit]) -> list[CountedHit]:
        """Take raw hits of one request through the whole line.

        Raises:
            BadUrl: a hit that the gate let through has no readable URL; nothing was counted.
        """
        return self.count([self.judge(raw) for raw in raw_hits])

    def count(self, hits: Iterable[Judged]) -> list[CountedHit]:
        """De-identify and count judged hits of one request.

        Raises:
            BadUrl: a hit that the gate let through has no readable URL; nothing was counted.
        """
        clean_hits = [
            hit if isinstance(hit, CountedHit) else (self._deidentify(hit), hit.purposes)
            for hit in hits
        ]
        counted: list[CountedHit] = []
        for clean in clean_hits:
            if isinstance(clean, CountedHit):
                counted.append(clean)
            else:
                counted += self._counter.count(*clean)
        return counted

    def _deidentify(self, hit: Passed) -> CleanHit:
        raw = hit.raw
        site = self._policy.sites[raw.site]
        salts = self._memory.salts(raw.site, hit.local)
        return deidentify(raw, hit.agent, hit.local, site, self._policy, salts, self._tables)

    def forget_ended_days(self, time: int, slack_seconds: int = 0) -> None:
        """Destroy salts and visitors of every day that is over at Unix second `time`."""
        for domain, clock in self._clocks.items():
            self._memory.forget_before(domain, clock.local(time - slack_seconds))

    def forget_visitors(self) -> None:
        """Destroy all salts and visitors: what was counted on them could not be kept."""
        self._memory.forget_all()

    def local(self, site: SiteId, time: int) -> LocalSeconds:
        """Return what the site's wall clock showed at Unix second `time`."""
        return self._clocks[site].local(time)
