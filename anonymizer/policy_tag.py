"""The rules of ``[tag]``: what the script that a site's pages load brings along."""

from anonymizer.policy_sections import KEYS
from anonymizer.policy_tables import Table

TAG_MODULES = (
    "clicks",
    "downloads",
    "failures",
    "forms",
    "leaving",
    "links",
    "phone",
    "pointer",
    "products",
    "search",
    "vitals",
)
"""The tag's modules; each is a file of collector/tag/modules/."""


def read_tag_modules(table: Table) -> tuple[str, ...]:
    """Read ``[tag]``: the modules of every page that names none of its own."""
    table.refuse_unknown(KEYS["tag"])
    modules = table.read_texts("modules")
    if not set(modules) <= set(TAG_MODULES):
        table.refuse("modules", f"must be of {', '.join(TAG_MODULES)}")
    if len(set(modules)) < len(modules):
        table.refuse("modules", "must name each module once")
    return modules
