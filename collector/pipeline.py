"""The straight line: signal → gate → deidentify → bound → count.

Takes raw hits and returns counted ones; store is handed nothing else. All hits
of a request are de-identified before the first is counted, so that one that
can't be read leaves nothing behind.
"""

from collections.abc import Iterable
from typing import TypeAlias

from msgspec.structs import replace

from anonymizer.agents import Agent, Agents
from anonymizer.consents import Consent, ConsentReader, Told
from anonymizer.deidentify import Tables, deidentify
from anonymizer.gate import Gate
from anonymizer.goals import Goals
from anonymizer.hits import CleanHit, CleanMail, DropReason, LocalSeconds, Mail, RawHit, SiteId
from anonymizer.mail_clients import deidentify_mail
from anonymizer.policy import Policy, PurposeId
from anonymizer.signals import read_signals
from collector.clock import SiteClock
from collector.counted import CountedHit
from collector.counters import Counter, count_refused
from collector.email.consents import PURPOSE
from collector.email.counting import MailCounter
from collector.plan import Plan, is_mail
from collector.regions import HOME, Regions
from collector.salts import FillRandom
from collector.subjects import count_machine
from collector.values import DayValues
from collector.visits import VisitMemory

_Cleaned: TypeAlias = CountedHit | tuple[CleanHit | CleanMail, frozenset[PurposeId]]
"""What was refused, as it counts; or a hit without identifiers and the purposes it serves."""


class TooManyHits(Exception):
    """A visitor sent more than `MOST_HITS_A_MINUTE`."""


class _Line:
    """What counts the hits of one region, and remembers its visitors apart from others."""

    def __init__(self, policy: Policy, plan: Plan, memory: VisitMemory) -> None:
        self.memory = memory
        self.counter = Counter(plan, memory)
        self.mail = MailCounter(plan)
        self.values = DayValues(policy)


class Pipeline:
    """The line under one policy, with the visit memory of one stream of time."""

    def __init__(
        self,
        policy: Policy,
        plan: Plan,
        agents: Agents,
        tables: Tables,
        fill_random: FillRandom,
        honoured: frozenset[str] = frozenset(),
    ) -> None:
        """Take `honoured`, the versions of the policy whose consent is still good."""
        self.policy = policy
        self._gate = Gate(policy)
        self._consents = ConsentReader(policy, honoured | {policy.version})
        self._agents = agents
        self._tables = tables
        self._goals = Goals(policy) if policy.goals or policy.funnels else None
        self._regions = Regions(policy)
        self._lines = {
            name: _Line(policy, plan, VisitMemory(fill_random)) for name in self._regions.names
        }
        self._of_machines = plan.of_machines
        # Whoever may be measured alone may be counted in a campaign's sum.
        of_mail = {each.purpose for each in policy.statistics if is_mail(each)}
        self._of_recipients = Consent(Told.ANSWER, frozenset({*of_mail, PURPOSE}))
        self._clocks = {domain: SiteClock(site.zone) for domain, site in policy.sites.items()}

    def take(self, raw_hits: Iterable[RawHit]) -> list[CountedHit]:
        """Take one request's hits, each to its deltas or its refusal.

        Raises:
            BadUrl: a hit that the gate let through has no readable URL; nothing was counted.
        """
        return [hit for _, hits in self.take_apart(raw_hits) for hit in hits]

    def take_live(self, raw_hits: Iterable[RawHit]) -> list[tuple[str, list[CountedHit]]]:
        """Do as `take_apart`, within what one visitor may send in a minute.

        Raises:
            BadUrl: a hit that the gate let through has no readable URL; nothing was counted.
            TooManyHits: nothing was counted.
        """
        cleaned = [self._clean(raw) for raw in raw_hits]
        for region, clean in cleaned:
            if isinstance(clean, CountedHit):
                continue
            hit = clean[0]
            # What a mail program's proxy fetches is of many people.
            if isinstance(hit, CleanHit) and not self._lines[region].memory.admits(hit):
                raise TooManyHits
        return self._count(cleaned)

    def take_apart(self, raw_hits: Iterable[RawHit]) -> list[tuple[str, list[CountedHit]]]:
        """Do as `take`, and tell of each hit by name to which region what it leaves belongs.

        Raises:
            BadUrl: a hit that the gate let through has no readable URL; nothing was counted.
        """
        return self._count([self._clean(raw) for raw in raw_hits])

    def admits_mail(self, raw: RawHit, mail: Mail) -> bool:
        """Tell whether a hit at the e-mail door would be counted; nothing is."""
        agent = self._agents.read_agent(raw.raw_agent)
        return not isinstance(self._judge_mail(raw, mail, agent), DropReason)

    def _count(self, cleaned: list[tuple[str, _Cleaned]]) -> list[tuple[str, list[CountedHit]]]:
        counted: list[tuple[str, list[CountedHit]]] = []
        for region, clean in cleaned:
            if isinstance(clean, CountedHit):
                counted.append((region, [clean]))
            else:
                line = self._lines[region]
                hit, purposes = clean
                # Keys are made under the salts of the site's region; another keeps days of its own.
                line.memory.salts(hit.site, hit.local)
                if isinstance(hit, CleanMail):
                    counted.append((region, line.mail.count(hit, purposes)))
                    continue
                counted.append((region, line.counter.count(line.values.bound(hit), purposes)))
        return counted

    def _clean(self, raw: RawHit) -> tuple[str, _Cleaned]:
        if raw.mail is not None:
            return self._clean_mail(raw, raw.mail)
        site = self.policy.sites[raw.site]
        local = self.local(raw.site, raw.time)
        agent = self._agents.read_agent(raw.raw_agent)
        signals = read_signals(raw, agent, site, self._consents, self._tables.spam)
        gated = self._gate.judge(raw.name, signals, site)
        region = self._regions.of_site(raw.site)
        if isinstance(gated, DropReason):
            asked = self._of_machines
            if gated is DropReason.BOT and agent.machine and asked:
                return region, count_machine(raw.site, raw.door, agent.machine, local, asked)
            return region, count_refused(raw.site, raw.door, gated, local)
        salts = self._lines[region].memory.salts(raw.site, local)
        clean = deidentify(raw, agent, local, site, self.policy, salts, self._tables)
        if self._goals is not None:
            clean = self._goals.mark(clean)
        return self._regions.of_hit(raw.site, clean.country), (clean, gated)

    def _judge_mail(
        self, raw: RawHit, mail: Mail, agent: Agent
    ) -> frozenset[PurposeId] | DropReason:
        site = self.policy.sites[raw.site]
        signals = read_signals(raw, agent, site, self._consents)
        if mail.recipient:
            signals = replace(signals, consent=self._of_recipients)
        # Machines are told apart from people here, not refused.
        return self._gate.judge(raw.name, replace(signals, prefetch=False, bot=False), site)

    def _clean_mail(self, raw: RawHit, mail: Mail) -> tuple[str, _Cleaned]:
        local = self.local(raw.site, raw.time)
        agent = self._agents.read_agent(raw.raw_agent)
        gated = self._judge_mail(raw, mail, agent)
        region = self._regions.of_site(raw.site)
        if isinstance(gated, DropReason):
            return region, count_refused(raw.site, raw.door, gated, local)
        salts = self._lines[region].memory.salts(raw.site, local)
        clean = deidentify_mail(raw, mail, agent, local, self.policy, salts, self._tables)
        return self._regions.of_hit(raw.site, clean.country), (clean, gated)

    def forget_ended_days(self, time: int, slack_seconds: int = 0) -> None:
        """Destroy salts, visitors and values of every day that is over at Unix second `time`."""
        for domain, clock in self._clocks.items():
            local = clock.local(time - slack_seconds)
            for line in self._lines.values():
                line.memory.forget_before(domain, local)
                line.values.forget_before(domain, local)
                line.mail.forget_before(domain, local)

    def forget_visitors(self, regions: Iterable[str] = (HOME,)) -> None:
        """Destroy all salts and visitors of regions: what was counted on them was not kept."""
        for name in regions:
            self._lines[name].memory.forget_all()
            self._lines[name].mail.forget_all()

    def count_present(self, site: SiteId, since: int, purpose: PurposeId) -> int:
        """Count who was seen from Unix second `since` on and serves a purpose.

        Whom a region keeps by country counts there, as in the site's numbers.
        """
        line = self._lines[self._regions.of_site(site)]
        return line.memory.count_present(site, since, purpose)

    def local(self, site: SiteId, time: int) -> LocalSeconds:
        """Return what the site's wall clock showed at Unix second `time`."""
        return self._clocks[site].local(time)
