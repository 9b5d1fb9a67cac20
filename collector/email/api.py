"""`/api/v1/email/campaigns`: campaigns and links by JSON, for programs that hold a key."""

from collections.abc import Callable

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.api_door import Answer, ApiDoor, answer_json, read_json, refuse
from collector.api_keys import KeyScope
from collector.email.campaign_counts import CampaignCounts
from collector.email.campaigns import BadCampaign, Campaigns, KnownAlready, UnknownCampaign
from collector.email.listing import tell_campaign, tell_campaigns, tell_link
from collector.email.registry import RegistryFailed
from collector.email.targets import BadTarget, read_target
from collector.spool import SpoolFailed


class _NewCampaign(Struct, forbid_unknown_fields=True):
    name: str
    site: str
    variant: str = ""


class _NewLink(Struct, forbid_unknown_fields=True):
    url: str


class _Delivery(Struct, forbid_unknown_fields=True):
    delivered: int
    day: str = ""


def email_routes(
    campaigns: Campaigns, counts: CampaignCounts, door: ApiDoor, now: Callable[[], int]
) -> list[Route]:
    """Return the routes under `/api/v1/email/campaigns`; each asks for a key of scope email."""
    api = _Api(campaigns, counts, now)

    def guard(answer: Answer) -> Answer:
        return door.guard(KeyScope.EMAIL, _answered(answer))

    return [
        Route("/api/v1/email/campaigns", guard(api.show), methods=["GET"]),
        Route("/api/v1/email/campaigns", guard(api.add), methods=["POST"]),
        Route("/api/v1/email/campaigns/{code}/links", guard(api.add_link), methods=["POST"]),
        Route("/api/v1/email/campaigns/{code}/delivered", guard(api.deliver), methods=["POST"]),
    ]


class _Api:
    def __init__(
        self, campaigns: Campaigns, counts: CampaignCounts, now: Callable[[], int]
    ) -> None:
        self._campaigns = campaigns
        self._counts = counts
        self._now = now

    async def show(self, _: Request) -> Response:
        return answer_json(200, tell_campaigns(await run_in_threadpool(self._campaigns.all)))

    async def add(self, request: Request) -> Response:
        sent = await read_json(request, _NewCampaign)
        campaign = await run_in_threadpool(
            self._campaigns.add, sent.name, sent.variant, sent.site, self._now()
        )
        return answer_json(201, msgspec.json.encode(tell_campaign(campaign)))

    async def add_link(self, request: Request) -> Response:
        sent = await read_json(request, _NewLink)
        url = read_target(sent.url)
        name, variant = _read_code(request)
        campaign = await run_in_threadpool(self._campaigns.find, name, variant)
        known = await run_in_threadpool(self._campaigns.number, campaign, [url], register=False)
        numbers = known or await run_in_threadpool(self._campaigns.number, campaign, [url])
        told = tell_link(campaign, numbers[url], url)
        return answer_json(200 if known else 201, msgspec.json.encode(told))

    async def deliver(self, request: Request) -> Response:
        sent = await read_json(request, _Delivery)
        name, variant = _read_code(request)
        campaign = await self._counts.count_delivered(name, variant, sent.delivered, sent.day)
        told = {"code": campaign.code, "delivered": sent.delivered}
        return answer_json(201, msgspec.json.encode(told))


def _read_code(request: Request) -> tuple[str, str]:
    name, dot, variant = str(request.path_params["code"]).partition(".")
    return name, variant or dot  # of "spring." the variant can't be, so that it is not found


def _answered(answer: Answer) -> Answer:
    async def answer_or_refuse(request: Request) -> Response:
        try:
            return await answer(request)
        except KnownAlready as error:
            return refuse(409, error.field, error.wanted)
        except UnknownCampaign as error:
            return refuse(404, error.field, error.wanted)
        except BadCampaign as error:
            return refuse(400, error.field, error.wanted)
        except BadTarget as error:
            return refuse(400, "url", error.wanted)
        except (RegistryFailed, SpoolFailed):
            return refuse(503, "server", "can't read or keep campaigns at the moment")

    return answer_or_refuse
