"""A receipt as its holder gets it: the fields of ISO/IEC TS 27560:2023.

What the policy of its version says is not stored with each receipt but written in
here. The fields are spelt as in W3C DPV's guide to that standard (consent-27560).
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from anonymizer.hits import SiteId
from anonymizer.policy import Basis, ConsentMode, Policy, Purpose, PurposeId, Site
from collector.receipts import VALIDITY, PolicyVersions, Receipt, hash_id, state_of

_SCHEMA = "ISO/IEC TS 27560:2023, Discreet "
_CONTROLLER = "controller"
_AUTHORITY = "authority"
_RIGHTS_PAGE = "/rights"

# What a hit brings with it; which of it ends where is docs/privacy.md.
_INFORMATION: Sequence[Mapping[str, object]] = (
    {"pii_type": "network address", "pii_optional": False, "special_pii_category": False},
    {"pii_type": "user agent", "pii_optional": False, "special_pii_category": False},
    {"pii_type": "page address and referrer", "pii_optional": False, "special_pii_category": False},
)
_PROCESSING = "read in memory and added to counters; no event and no identifier is stored"


def receipt_json(
    raw_id: str, receipt: Receipt, versions: PolicyVersions, time: int
) -> dict[str, object]:
    """Return what the holder of a receipt's id is told, at a time in Unix seconds."""
    principal = _derive("principal", raw_id)
    policy = versions.kept.get(receipt.version)
    return {
        "schema_version": f"{_SCHEMA}{receipt.schema}",
        "record_id": hash_id(raw_id).hex(),
        "receipt_id": raw_id,
        "pii_principal_id": principal,
        "state": state_of(receipt, versions, time),
        "site": receipt.site,
        "policy_version": receipt.version,
        "kept_until": receipt.keep_until.isoformat(),
        "pii_processing": {
            "privacy_notice": f"/privacy/{receipt.version}",
            "language": receipt.language,
            "jurisdiction": receipt.jurisdiction,
            "collection_method": "the visitor's answer to the site's question",
            "withdrawal_method": _RIGHTS_PAGE,
            "privacy_rights": _RIGHTS_PAGE,
            "purposes": [
                _purpose_json(purpose, policy, receipt.site) for purpose in receipt.purposes
            ],
            **({} if policy is None else _policy_json(policy)),
        },
        "party_identification": [] if policy is None else _parties(policy),
        "event": _events(receipt, principal),
    }


def _purpose_json(purpose_id: PurposeId, policy: Policy | None, site: SiteId) -> dict[str, object]:
    purposes = () if policy is None else policy.purposes
    found = next((purpose for purpose in purposes if purpose.id == purpose_id), None)
    if policy is None or found is None:  # the archive that held the version's text was lost
        return {"purpose": purpose_id}
    return {
        "purpose": purpose_id,
        "title": found.title,
        "titles": found.titles,
        "clause": found.clause,
        "lawful_basis": _lawful_basis(found, policy.sites.get(site)),
        "retention_period": f"P{found.keep_days}D",
    }


def _lawful_basis(purpose: Purpose, site: Site | None) -> str:
    asks_for_all = site is not None and site.consent is ConsentMode.OPT_IN
    by_consent = asks_for_all or purpose.basis is Basis.CONSENT
    return "consent" if by_consent else "exempt from consent"


def _policy_json(policy: Policy) -> dict[str, object]:
    return {
        "pii_information": _INFORMATION,
        "pii_controllers": [_CONTROLLER],
        "processing_method": _PROCESSING,
        "processing_locations": policy.stored_in,
        "storage_locations": policy.stored_in,
        "recipient_third_parties": policy.recipients,
    }


def _parties(policy: Policy) -> Sequence[Mapping[str, str]]:
    controller = {
        "party_id": _CONTROLLER,
        "party_type": "organisation",
        "party_role": "PII controller",
        "party_name": policy.controller,
        "party_address": policy.address,
        "party_contact": policy.contact,
    }
    if not policy.authority:
        return [controller]
    authority = {
        "party_id": _AUTHORITY,
        "party_type": "authority",
        "party_role": "supervisory authority",
        "party_name": policy.authority,
    }
    return [controller, authority]


def _events(receipt: Receipt, principal: str) -> Sequence[Mapping[str, str]]:
    """Return what its holder did; a state that time or a new policy brought is none of it."""
    done = [(receipt.hour, str(receipt.decision))]
    if receipt.withdrawn is not None:
        done.append((receipt.withdrawn, "withdrawn"))
    return [
        {
            "event_time": f"{hour:%Y-%m-%dT%H:00Z}",
            "validity_duration": f"P{VALIDITY.days}D",
            "entity_id": principal,
            "event_type": "explicit",
            "event_state": state,
        }
        for hour, state in done
    ]


def _derive(label: str, raw_id: str) -> str:
    """Return a value of this receipt alone; being derived, it need not be stored."""
    return sha256(f"{label} {raw_id}".encode()).hexdigest()[:32]
