"""Country from a browser's time zone, so that no address has to be looked up.

The texts of tzdata's ``zone.tab`` and ``tzdata.zi`` come in; a dictionary goes
out. A zone itself is never kept: some have fifty inhabitants.
"""

# tzdata links these to a zone in another country since it merged zones that agree after 1970;
# browsers (CLDR) still send some of them, among them Coral_Harbour, Truk and Ponape.
_LINKED_ABROAD = {
    "Africa/Asmera": "ER",
    "Africa/Timbuktu": "ML",
    "America/Coral_Harbour": "CA",
    "America/Virgin": "VI",
    "Antarctica/South_Pole": "AQ",
    "Atlantic/Jan_Mayen": "SJ",
    "Iceland": "IS",
    "Pacific/Johnston": "UM",
    "Pacific/Ponape": "FM",
    "Pacific/Truk": "FM",
    "Pacific/Yap": "FM",
}

# Names of an offset, not of a place; tzdata links them to some city all the same.
_NO_PLACE = frozenset({"CET", "EET", "EST", "HST", "MET", "MST", "WET"})


def read_zones(zone_tab: str, zone_links: str) -> dict[str, str]:
    """Return zone name → ISO 3166-1 alpha-2 country.

    `zone_tab` is the text of tzdata's ``zone.tab`` (one country per zone), `zone_links` that of
    ``tzdata.zi``, whose ``L target name`` lines say what a name stands for.
    """
    countries: dict[str, str] = {}
    for line in zone_tab.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            countries[zone] = country
    targets: dict[str, str] = {}
    for line in zone_links.splitlines():
        if line.startswith("L "):
            _, target, name = line.split()
            targets[name] = target
    linked: dict[str, str] = {}
    for name in targets:
        if name in countries or name in _NO_PLACE:
            continue
        zone = _follow(name, targets, countries)
        if zone in countries:
            linked[name] = _LINKED_ABROAD.get(name, countries[zone])
    return countries | linked


def _follow(name: str, targets: dict[str, str], countries: dict[str, str]) -> str:
    seen: set[str] = set()
    while name in targets and name not in countries and name not in seen:
        seen.add(name)
        name = targets[name]
    return name
