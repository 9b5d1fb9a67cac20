"""consent.js beside a consent manager that a page already has: TCF, GPP, Google's Consent Mode.

The managers are stand-ins that walk through the states of the standards; the strings were
written by @iabtcf/core 1.5.6 and @iabgpp/cmpapi 3.2.0.
"""

import json

import pytest
from playwright.sync_api import expect

from tests.collector.consent_site import (
    CONSENT_SCRIPT,
    TAG,
    WAITING_TAG,
    Collector,
    Pages,
    Person,
    document,
)

TC_ALL = "CQtDjkAQtDjkAAKACBDEB4FgAP_gAAAAAAYgAFMBAAAAAAAA.IAFMBAAA.f_wAAAAAAAAA"
TC_NONE = "CQtDjkAQtDjkAAKACBDEB4FgAAAAAAAAAAYgAAAAAAAA.IAFMBAAA.YAAAAAAAAAAA"
TC_ASKING = "CQtDjkAQtDjkAAKACBDEB4FgAAAAAEPgAAYgAAAAAAAA.IAFMBAAA.YAAACHwAAAAA"
"""What a manager holds while it shows its question: every legitimate interest, no consent."""
GPP_OUT = "DBABLA~BFQVAAAAAQA.YA"
GPP_IN = "DBABLA~CFQqAAAAAABA.QA"

TCF = """<script>
window.listeners = [];
window.__tcfapi = (command, version, callback) => {
  if (command === 'addEventListener' && version === 2) listeners.push(callback);
};
</script>"""
GPP = """<script>
window.listeners = [];
window.__gpp = (command, callback) => {
  if (command === 'addEventListener') listeners.push(callback);
};
</script>"""
LAYER = """<script>
window.dataLayer = window.dataLayer || [];
function gtag() { dataLayer.push(arguments) }
</script>"""

EVERY = dict.fromkeys(map(str, range(1, 12)), True)
NOTHING: dict[str, bool] = dict.fromkeys(map(str, range(1, 12)), False)


def manager_page(source: str, stand_in: str, tag: str = WAITING_TAG) -> str:
    script = CONSENT_SCRIPT.replace("data-site", f'data-source="{source}" data-site')
    return document(stand_in + tag + script)


def tc_data(status: str, text: str, granted: dict[str, bool], **more: object) -> str:
    """Write what a manager hands to a listener, as __tcfapi version 2 has it."""
    answer = {"consents": granted, "legitimateInterests": NOTHING}
    data = {
        "tcString": text,
        "eventStatus": status,
        "cmpStatus": "loaded",
        "gdprApplies": True,
        "listenerId": 1,
        "purpose": answer,
        "publisher": answer,
        **more,
    }
    return f"listeners.forEach(tell => tell({json.dumps(data)}, true))"


ASKING = tc_data(
    "cmpuishown", TC_ASKING, NOTHING, purpose={"consents": NOTHING, "legitimateInterests": EVERY}
)


@pytest.mark.parametrize("last", ["useractioncomplete", "tcloaded"])
def test_tc_string_is_passed_on_once_the_visitor_has_decided(
    person: Person, pages: Pages, collector: Collector, last: str
) -> None:
    page = f"/tcf/{last}"
    pages.at[page] = manager_page("tcf", TCF)
    person.goes(page)
    person.does(ASKING)
    assert person.hits() == []

    person.does(tc_data(last, TC_ALL, EVERY))
    (hit,) = person.hits()
    assert (hit["gdpr"], hit["gdpr_consent"]) == (1, TC_ALL)
    assert collector.views(page) == 1
    expect(person.banner).to_have_count(0)
    assert person.stored() == person.cookies() == {}
    assert person.noise == []


def without(key: str, data: str) -> str:
    return data.replace(f'"{key}": true, ', "")


@pytest.mark.parametrize(
    ("says", "sent"),
    [
        pytest.param(tc_data("useractioncomplete", TC_NONE, NOTHING), [], id="nothing permitted"),
        pytest.param(tc_data("cmpuishown", TC_ALL, EVERY), [], id="still asking"),
        pytest.param(tc_data("error", TC_ALL, EVERY), [], id="another state"),
        pytest.param(
            tc_data("tcloaded", TC_ALL, EVERY).replace(", true))", ", false))"), [], id="failed"
        ),
        pytest.param(
            tc_data("tcloaded", TC_ALL, EVERY, purpose=None, publisher=None), [], id="no purposes"
        ),
        pytest.param(tc_data("tcloaded", "", EVERY), [], id="no string"),
        pytest.param(
            tc_data("tcloaded", TC_ALL, EVERY, gdprApplies=True), [(1, TC_ALL)], id="applies"
        ),
        pytest.param(
            without("gdprApplies", tc_data("tcloaded", TC_ALL, EVERY)),
            [(1, TC_ALL)],
            id="not known whether it applies",
        ),
        pytest.param(
            without("gdprApplies", tc_data("tcloaded", TC_NONE, NOTHING)),
            [],
            id="not known whether it applies, nothing permitted",
        ),
        pytest.param(
            tc_data("tcloaded", "", NOTHING, gdprApplies=False), [(0, "")], id="does not apply"
        ),
        pytest.param(
            tc_data("tcloaded", TC_ASKING, NOTHING, publisher={"legitimateInterests": EVERY}),
            [(1, TC_ASKING)],
            id="interest of the publisher not objected to",
        ),
    ],
)
def test_only_a_decided_tc_state_is_passed_on(
    person: Person, pages: Pages, says: str, sent: list[tuple[int, str]]
) -> None:
    pages.at["/tcf"] = manager_page("tcf", TCF)
    person.goes("/tcf")
    person.does(says)

    assert [(hit.get("gdpr"), hit.get("gdpr_consent")) for hit in person.hits()] == sent


def test_tc_refusal_after_a_permission_silences_the_next_view(person: Person, pages: Pages) -> None:
    pages.at["/tcf"] = manager_page("tcf", TCF)
    person.goes("/tcf")
    person.does(tc_data("tcloaded", TC_ALL, EVERY))
    person.does(tc_data("cmpuishown", TC_ALL, EVERY))
    person.does(tc_data("useractioncomplete", TC_NONE, NOTHING))
    person.does("history.pushState(0, '', '/tcf/next')")

    assert len(person.hits()) == 1


def test_string_that_the_collector_refuses_is_not_counted(
    person: Person, pages: Pages, collector: Collector
) -> None:
    pages.at["/tcf/forged"] = manager_page("tcf", TCF)
    person.goes("/tcf/forged")
    person.does(tc_data("tcloaded", TC_NONE, EVERY))  # its data says more than its string

    assert len(person.hits()) == 1
    assert collector.views("/tcf/forged") == 0


def test_manager_that_comes_late_is_found(person: Person, pages: Pages) -> None:
    pages.at["/tcf"] = manager_page("tcf", "")
    person.goes("/tcf")
    person.does(TCF.removeprefix("<script>").removesuffix("</script>"))
    person.page.wait_for_function("listeners.length")
    person.does(tc_data("tcloaded", TC_ALL, EVERY))

    assert len(person.hits()) == 1


def gpp_event(name: str, status: str, text: str, sections: object, data: object = None) -> str:
    ping = {"signalStatus": status, "gppString": text, "parsedSections": sections}
    event = {"eventName": name, "data": data, "pingData": ping}
    return f"listeners.forEach(tell => tell({json.dumps(event)}, true))"


OUT = {"usnat": {"SaleOptOut": 1, "SharingOptOut": 1, "TargetedAdvertisingOptOut": 1, "Gpc": True}}
IN = {"usnat": {"SaleOptOut": 2, "SharingOptOut": 2, "TargetedAdvertisingOptOut": 2, "Gpc": False}}


@pytest.mark.parametrize(
    ("says", "sent"),
    [
        pytest.param(gpp_event("signalStatus", "ready", GPP_IN, IN, "ready"), [GPP_IN], id="ready"),
        pytest.param(gpp_event("sectionChange", "ready", GPP_IN, IN), [GPP_IN], id="change"),
        pytest.param(
            gpp_event("listenerRegistered", "ready", GPP_IN, IN), [GPP_IN], id="ready before"
        ),
        pytest.param(
            gpp_event("sectionChange", "ready", GPP_IN, {"usnat": [IN["usnat"]]}),
            [GPP_IN],
            id="sections as lists",
        ),
        pytest.param(gpp_event("sectionChange", "not ready", GPP_IN, IN), [], id="not ready"),
        pytest.param(gpp_event("cmpDisplayStatus", "ready", GPP_IN, IN), [], id="another event"),
        pytest.param(
            gpp_event("sectionChange", "ready", GPP_IN, IN).replace(", true))", ", false))"),
            [],
            id="failed",
        ),
        pytest.param(gpp_event("sectionChange", "ready", GPP_OUT, OUT), [], id="opted out"),
        pytest.param(
            gpp_event("sectionChange", "ready", GPP_OUT, {"usca": [{}, {"Gpc": True}]}),
            [],
            id="GPC of a section",
        ),
        pytest.param(
            gpp_event("sectionChange", "ready", "DBABTA~1YYN", {"uspv1": {"OptOutSale": "Y"}}),
            [],
            id="opted out by uspv1",
        ),
        pytest.param(
            gpp_event("sectionChange", "ready", "DBABTA~1YNN", {"uspv1": {"OptOutSale": "N"}}),
            ["DBABTA~1YNN"],
            id="not opted out by uspv1",
        ),
        pytest.param(gpp_event("sectionChange", "ready", "", {}), [], id="no string"),
    ],
)
def test_only_a_ready_gpp_string_without_an_opt_out_is_passed_on(
    person: Person, pages: Pages, says: str, sent: list[str]
) -> None:
    pages.at["/gpp"] = manager_page("gpp", GPP)
    person.goes("/gpp")
    person.does(says)

    assert [hit.get("gpp") for hit in person.hits()] == sent
    assert person.noise == []


def gtag(command: str, **values: object) -> str:
    return f"gtag('consent', '{command}', {json.dumps(values)});"


GRANTED = gtag("default", analytics_storage="granted")
DENIED = gtag("default", analytics_storage="denied", wait_for_update=500)
NOW_GRANTED = gtag("update", analytics_storage="granted")
NOW_DENIED = gtag("update", analytics_storage="denied")


@pytest.mark.parametrize(
    ("before", "after", "views"),
    [
        pytest.param("", "", 0, id="nothing said"),
        pytest.param(DENIED, "", 0, id="denied until asked"),
        pytest.param(DENIED, NOW_GRANTED, 2, id="denied, then granted"),
        pytest.param(DENIED, NOW_DENIED, 0, id="denied, then denied"),
        pytest.param(DENIED + NOW_GRANTED, "", 2, id="decided before the script came"),
        pytest.param(GRANTED, "", 2, id="granted by default"),
        pytest.param(GRANTED, NOW_DENIED, 1, id="granted by default, then denied"),
        pytest.param(GRANTED + DENIED, "", 0, id="granted and denied by default"),
        pytest.param(
            gtag("default", analytics_storage="granted", region=["US"]), "", 0, id="for a region"
        ),
        pytest.param(
            GRANTED + gtag("default", analytics_storage="denied", region=["DE"]),
            "",
            0,
            id="denied for a region",
        ),
        pytest.param(DENIED, gtag("update", ad_storage="granted"), 0, id="granted for ads alone"),
        pytest.param(DENIED, gtag("update", analytics_storage="yes"), 0, id="another word"),
        pytest.param(DENIED, "dataLayer.push({event: 'granted'});", 0, id="another event"),
        pytest.param(
            DENIED,
            "dataLayer.push({event: 'a'}, ['consent', 'update', {analytics_storage: 'granted'}]);",
            2,
            id="two pushed at once",
        ),
    ],
)
@pytest.mark.parametrize("order", ["consent.js last", "consent.js first"])
def test_consent_mode_undecided_is_denied_and_later_answers_are_followed(
    person: Person, pages: Pages, before: str, after: str, views: int, order: str
) -> None:
    page = manager_page("google", LAYER + f"<script>{before}</script>")
    if order == "consent.js first":
        script = CONSENT_SCRIPT.replace("data-site", 'data-source="google" data-site')
        page = page.replace(script, "").replace(WAITING_TAG, script + TAG)
    pages.at["/google"] = page
    person.goes("/google")
    person.does(after)
    person.does("history.pushState(0, '', '/google/next')")

    assert [hit["analytics_storage"] for hit in person.views()] == ["granted"] * views
    assert person.noise == []


def test_consent_mode_counts_and_leaves_the_data_layer_as_it_was(
    person: Person, pages: Pages, collector: Collector
) -> None:
    pages.at["/google/counted"] = manager_page("google", LAYER + f"<script>{DENIED}</script>")
    person.goes("/google/counted")
    person.does(NOW_GRANTED)

    assert collector.views("/google/counted") == 1
    assert person.does("dataLayer.push({event: 'x'})") == 3
    assert person.does("dataLayer.map(item => item.event || item[1])") == ["default", "update", "x"]


def test_source_of_another_name_tells_nothing(person: Person, pages: Pages) -> None:
    pages.at["/typo"] = manager_page("tfc", TCF)
    person.goes("/typo")

    assert person.does("listeners.length") == 0
    expect(person.banner).to_have_count(0)
    assert person.hits() == []
