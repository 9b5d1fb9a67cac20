"""What a hit's consent signals permit, whoever wrote them.

Texts come in: Discreet's own, IAB TCF and GPP strings, Google's Consent Mode. Out
goes one answer: the purposes they grant, or that they can't be read. Where
two of them disagree, the one that refuses is believed.
"""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from anonymizer.bits import Unreadable
from anonymizer.gpp import read_gpp
from anonymizer.hits import RawConsent
from anonymizer.policy import Policy, PurposeId
from anonymizer.recent import Recent
from anonymizer.tcf import TcString, read_tc_string

_RECENT_TEXTS = 4096  # of each kind, read lately
_LONGEST_OWN = 500  # a version and a dozen purposes


class Told(StrEnum):
    """What a hit says about consent."""

    NOTHING = "nothing"
    ANSWER = "answer"
    """`granted` and `by_interest` say which purposes it permits."""
    VOID = "void"
    """It was given under a policy that has changed in a major way since."""
    UNREADABLE = "unreadable"


class Consent(Struct, frozen=True, gc=False):
    """The answer of all of a hit's consent signals together."""

    told: Told
    granted: frozenset[PurposeId] = frozenset()
    by_interest: frozenset[PurposeId] = frozenset()
    """Those, and what a legitimate interest covers and the visitor did not object to."""
    opted_out: bool = False
    """Whether a GPP section holds an opt-out."""
    child: bool = False


UNTOLD = Consent(Told.NOTHING)
_VOID = Consent(Told.VOID)
_REFUSED = Consent(Told.ANSWER)
_UNREADABLE = Consent(Told.UNREADABLE)


class _Remembering:
    """Reads a text, or remembers what it read of it lately."""

    def __init__(self, read: Callable[[str], Consent]) -> None:
        self._read = read
        self._recent: Recent[Consent] = Recent(_RECENT_TEXTS)

    def read(self, text: str) -> Consent:
        return self._recent.get(text) or self._recent.keep(text, self._read(text))


class ConsentReader:
    """Reads consent under one policy.

    `honoured` holds the policy versions whose consent is still good.
    """

    def __init__(self, policy: Policy, honoured: frozenset[str]) -> None:
        self._purposes = {purpose.id: purpose.tcf for purpose in policy.purposes}
        self._every = _granting(frozenset(self._purposes))
        self._vendor = policy.tcf_vendor
        self._honoured = honoured
        self._own = _Remembering(self._read_own)
        self._tc = _Remembering(self._read_tc)
        self._gpp = _Remembering(self._read_gpp)

    def read(self, raw: RawConsent) -> Consent:
        """Return what all signals of `raw` say together."""
        if raw.gdpr is not None and raw.gdpr not in ("0", "1"):
            return _UNREADABLE
        # ``gdpr=0`` permits nothing and silences nothing: it is the sender's word alone.
        answers = [
            reader.read(text)
            for reader, text in (
                (self._own, raw.own),
                (self._tc, raw.raw_tc),
                (self._gpp, raw.raw_gpp),
            )
            if text is not None
        ]
        if raw.analytics_storage is not None:
            answers.append(self._every if raw.analytics_storage == "granted" else _REFUSED)
        return _join(answers)

    def _read_own(self, text: str) -> Consent:
        if text == "no":
            return _REFUSED
        version, *purposes = text.split(",")
        if len(text) > _LONGEST_OWN or not version or not purposes:
            return _UNREADABLE
        if version not in self._honoured:
            return _VOID
        return _granting(frozenset(self._purposes).intersection(purposes))

    def _read_tc(self, text: str) -> Consent:
        try:
            return self._permitted(read_tc_string(text))
        except Unreadable:
            return _UNREADABLE

    def _read_gpp(self, text: str) -> Consent:
        try:
            gpp = read_gpp(text)
        except Unreadable:
            return _UNREADABLE
        answer = UNTOLD if gpp.tc is None else self._permitted(gpp.tc)
        return Consent(answer.told, answer.granted, answer.by_interest, gpp.opted_out, gpp.child)

    def _permitted(self, tc: TcString) -> Consent:
        granted, by_interest = set(), set()
        for purpose, numbers in self._purposes.items():
            permissions = [tc.permission(number, self._vendor) for number in numbers]
            if not permissions:
                continue
            if all(each.consent for each in permissions):
                granted.add(purpose)
            if all(each.consent or each.interest for each in permissions):
                by_interest.add(purpose)
        return Consent(Told.ANSWER, frozenset(granted), frozenset(by_interest))


def _granting(purposes: frozenset[PurposeId]) -> Consent:
    return Consent(Told.ANSWER, purposes, purposes)


def _join(answers: list[Consent]) -> Consent:
    if len(answers) == 1:
        return answers[0]
    told = [answer for answer in answers if answer.told is not Told.NOTHING]
    opted_out = any(answer.opted_out for answer in answers)
    child = any(answer.child for answer in answers)
    if any(answer.told is Told.UNREADABLE for answer in told):
        return Consent(Told.UNREADABLE, opted_out=opted_out, child=child)
    read = [answer for answer in told if answer.told is Told.ANSWER]
    if not read:
        return Consent(Told.VOID if told else Told.NOTHING, opted_out=opted_out, child=child)
    return Consent(
        Told.ANSWER,
        frozenset.intersection(*(answer.granted for answer in read)),
        frozenset.intersection(*(answer.by_interest for answer in read)),
        opted_out,
        child,
    )
