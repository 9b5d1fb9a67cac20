"""Consent strings as a site's own visitors send them: TC strings, GPP strings."""

from collections.abc import Collection

from tests.anonymizer import tc_strings

GPP_OPT_OUT = "DBABLA~BFQVAAAAAQA.YA"
"""Section usnat with three opt-outs and the GPC sub-section, as @iabgpp/cmpapi 3.2.0 writes it."""

GPP_CHILD = "DBABL~CAAAAAAAAECA"
"""Section usnat of version 2 whose one known child has no consent."""


def tc_string(
    consents: Collection[int] = (), interests: Collection[int] = (), *, policy_version: int = 5
) -> str:
    """Return a TC string whose publisher segment permits these purposes to the site itself."""
    core = tc_strings.core(policy=policy_version, consents=(), interests=())
    return f"{core}.{tc_strings.disclosed()}.{tc_strings.publisher(consents, interests)}"


def gpp_string(tc: str) -> str:
    """Return a GPP string whose one section is this TC string."""
    return f"DBABMA~{tc}"
