"""Who of those who log in may ask by SQL, and what the others are told."""

from collections.abc import Awaitable, Callable

from clickhouse_http.question import Refusal
from people.roles import Right
from people.users import User


class SqlLogins:
    """Lets users in whose name and password `log_in` knows."""

    def __init__(self, log_in: Callable[[str, str], Awaitable[User | None]]) -> None:
        self._log_in = log_in

    async def log_in(self, name: str, password: str) -> bool:
        """Tell whether the password is the one of `name`.

        Raises:
            Refusal: it is, and the user has no SQL.
        """
        user = await self._log_in(name, password)
        if user is not None and (why := why_no_sql(user)):
            raise Refusal(497, "ACCESS_DENIED", why)
        return user is not None


def why_no_sql(user: User) -> str:
    """Return why a user has no SQL; empty where they have."""
    if user.person.may(Right.SQL):
        # A program can't type a code, and the second factor would be worth nothing without one.
        return (
            "This user has a second factor, which this protocol has no place for;"
            " make a user for the program: discreet user add NAME --role analyst"
            if user.has_second_factor
            else ""
        )
    if user.person.sites:
        return "This user sees some sites only, and SQL shows every site"
    return "This user's role has no SQL"
