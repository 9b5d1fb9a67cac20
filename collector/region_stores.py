"""The stores of all regions of `[residency]`, beside the home's: started, asked and closed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.data_dir import DataDir
from collector.plan import Plan
from collector.query_socket import Handler, Refused, Values
from collector.region_store import RegionStore
from collector.regions import HOME, Regions
from collector.retention.desk import RetentionDesk
from collector.spool import Spool
from collector.store_address import StoreAddress
from collector.writer import Writer

Ask = Callable[[str, Mapping[str, object]], Awaitable[Sequence[Sequence[Any]]]]


class RegionStores:
    """What every region has for itself, by name. Use it from the event loop."""

    def __init__(
        self,
        addresses: Mapping[str, StoreAddress],
        data: DataDir,
        policy: Policy,
        plan: Plan,
        on_lost: Callable[[Sequence[str]], None],
        now: Callable[[], int],
    ) -> None:
        self._regions = Regions(policy)
        self._stores = {
            name: RegionStore(name, place, data, policy, plan, partial(on_lost, (name,)), now)
            for name, place in addresses.items()
        }

    @property
    def spools(self) -> list[Spool]:
        """Return each region's spool, not the home's."""
        return [store.spool for store in self._stores.values()]

    @property
    def writers(self) -> dict[str, Writer]:
        """Return each region's writer, not the home's."""
        return {name: store.writer for name, store in self._stores.items()}

    def start(self) -> None:
        """Begin to send batches and to look after retention, in each region."""
        for store in self._stores.values():
            store.start()

    async def close(self) -> None:
        """Send what waits as far as it goes, and end."""
        await asyncio.gather(*(store.close() for store in self._stores.values()))

    def ask_of_site(self, home: Ask) -> Ask:
        """Return what asks the region of the site that a query's parameters name, else `home`."""

        async def ask(sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
            name = self._regions.of_site(SiteId(str(parameters.get("site", ""))))
            return await (self._stores[name].query if name else home)(sql, parameters)

        return ask

    def retention_of_site(self, home: RetentionDesk) -> Callable[[str], RetentionDesk]:
        """Return what tells who drops a site's cells: its region's desk, else `home`."""

        def find(site: str) -> RetentionDesk:
            name = self._regions.of_site(SiteId(site))
            return self._stores[name].retention if name else home

        return find

    def route(self, handlers: Mapping[str, Handler]) -> dict[str, Handler]:
        """Return handlers that hand a request to the region that its values name, else on."""
        by_region = {name: store.handlers() for name, store in self._stores.items()}

        def routed(kind: str, home: Handler) -> Handler:
            async def answer(values: Values) -> bytes:
                name = values.get("region", HOME)
                if name == HOME:
                    return await home(values)
                if name not in by_region:
                    raise Refused("--region: the policy has no such region")
                return await by_region[name][kind](values)

            return answer

        return {kind: routed(kind, home) for kind, home in handlers.items()}
