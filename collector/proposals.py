"""Tell whether a statistic may be declared beside those of the policy in force."""

from collections.abc import Sequence

from anonymizer.policy_file import PolicyFaults, read_policy
from collector.plan import TooManyCombinations, make_plan
from collector.reference import default_policy


class Proposals:
    """Judges lines that would be added to one policy."""

    def __init__(self, policy_text: str) -> None:
        self._policy_text = policy_text

    def faults_of(self, lines: str) -> Sequence[str]:
        """Return what would be wrong of the policy with `lines` at its end; takes some 30 ms."""
        try:
            make_plan(read_policy(f"{self._policy_text}\n{lines}", default_policy()))
        except PolicyFaults as faults:
            return [f"{fault.key} {fault.message}".strip() for fault in faults.faults]
        except TooManyCombinations as error:
            return [str(error)]
        return []
