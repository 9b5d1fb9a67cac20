"""All that one file of users holds, opened together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from people.open_sessions import OpenSessions
from people.second_factors import SecondFactors
from people.shares import Shares
from people.user_file import UserFile
from people.users import Users


@dataclass(frozen=True, slots=True)
class People:
    """The parts of a file of users."""

    users: Users
    second_factors: SecondFactors
    sessions: OpenSessions
    shares: Shares

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file, making it where missing.

        Raises:
            UsersFailed: it can't be used.
        """
        file = UserFile(path)
        return cls(Users(file), SecondFactors(file), OpenSessions(file), Shares(file))
