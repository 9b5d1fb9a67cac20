"""Roles, what each may do, and whose numbers a person may see."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Role(StrEnum):
    """What a user is there for. Every role reads reports."""

    OWNER = "owner"
    ANALYST = "analyst"
    VIEWER = "viewer"
    AUDITOR = "auditor"


class Right(StrEnum):
    """What not every role may do."""

    EXPORTS = "exports"
    SQL = "sql"
    AUDIT = "audit"
    ANNOTATIONS = "annotations"
    SHARES = "shares"
    PEOPLE = "people"


_RIGHTS = {
    Role.OWNER: frozenset(Right),
    Role.ANALYST: frozenset({Right.EXPORTS, Right.SQL, Right.ANNOTATIONS}),
    Role.VIEWER: frozenset[Right](),
    Role.AUDITOR: frozenset({Right.AUDIT}),
}


class Person(Struct, frozen=True):
    """Who asks."""

    name: str
    role: Role
    sites: frozenset[str] = frozenset()
    """The domains that may be seen; none named means every one, also those to come."""

    def may(self, right: Right) -> bool:
        """Tell whether the person has the right.

        SQL is for those alone who see every site: the views hold the rows of all sites, and
        nothing there filters them by who asks.
        """
        return right in _RIGHTS[self.role] and (right is not Right.SQL or not self.sites)

    def sees(self, site: str) -> bool:
        """Tell whether the person may see a site; the empty name stands for what is of no site."""
        return not self.sites or site in self.sites


def write_access(role: Role, sites: Iterable[str]) -> str:
    """Write what a user may see, for the trail: ``viewer: example.net, example.org``."""
    told = ", ".join(sorted(sites))
    return f"{role.value}: {told}" if told else role.value
