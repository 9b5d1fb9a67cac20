// What IAB's own library writes and reads of TC strings, as JSON lines for test_tcf_oracle.py.
//   node tcf.mjs write SEED COUNT   strings of every segment mix and encoding, each judged
//   node tcf.mjs judge              {"text", "vendors"} per line of standard input
// A verdict is null where the library throws, else {"valid", "permits"}: under "site" and
// each vendor the purposes permitted by consent and by legitimate interest.
import { createInterface } from "node:readline";
import {
  Base64Url, PurposeRestriction, RestrictionType, Segment, SegmentEncoder, TCModel, TCString,
} from "@iabtcf/core";

const PURPOSES = Array.from({ length: 24 }, (_, index) => index + 1);
const CONSENT_ONLY = new Set([1, 3, 4, 5, 6]);

// TCF 2.3 told once more from the library's fields, apart from anonymizer/tcf.py.
function judge(text, vendors) {
  let model;
  try {
    model = TCString.decode(text);
  } catch {
    return null;
  }
  const types = text.split(".").map((part) => parseInt(Base64Url.decode(part[0]).slice(0, 3), 2));
  const others = types.slice(1);
  const valid =
    model.version === 2 && model.policyVersion >= 4 && model.isServiceSpecific &&
    types[0] === 0 && others.includes(1) && others.every((type) => type === 1 || type === 3) &&
    new Set(others).size === others.length &&
    [...CONSENT_ONLY].every((purpose) => !model.purposeLegitimateInterests.has(purpose));
  const told = (purpose) => purpose !== 1 || !model.purposeOneTreatment;
  const permits = {
    site: [
      PURPOSES.filter((p) => told(p) && model.publisherConsents.has(p)),
      PURPOSES.filter((p) => !CONSENT_ONLY.has(p) && model.publisherLegitimateInterests.has(p)),
    ],
  };
  for (const vendor of vendors) {
    const free = (purpose, type) =>
      !model.publisherRestrictions.vendorHasRestriction(vendor, new PurposeRestriction(purpose, type));
    const open = PURPOSES.filter(
      (p) => model.vendorsDisclosed.has(vendor) && free(p, RestrictionType.NOT_ALLOWED),
    );
    permits[vendor] = [
      open.filter(
        (p) =>
          told(p) && model.purposeConsents.has(p) && model.vendorConsents.has(vendor) &&
          free(p, RestrictionType.REQUIRE_LI),
      ),
      open.filter(
        (p) =>
          model.purposeLegitimateInterests.has(p) && model.vendorLegitimateInterests.has(vendor) &&
          free(p, RestrictionType.REQUIRE_CONSENT),
      ),
    ];
  }
  return { valid, permits };
}

// Mulberry32: the same strings from the same seed on every machine.
function chooser(seed) {
  const random = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (count) => Math.floor(random() * count);
  return {
    below,
    chance: (share) => random() < share,
    pick: (list) => list[below(list.length)],
    some: (list, share) => list.filter(() => random() < share),
  };
}

function run(first, length) {
  return Array.from({ length }, (_, index) => first + index);
}

// Bit fields come of the dense sets, ranges of the others. Far apart they are not: the
// library keeps restricted vendors in a tree that it fills in order, so that a range of
// 65,535 takes it minutes.
function vendorIds({ below, chance, pick, some }) {
  return pick([
    () => some(run(1, 40), 0.4),
    () => some(run(1, 1400), 0.5),
    () => run(1 + below(3000), 1 + below(300)),
    () => Array.from({ length: 1 + below(6) }, () => run(1 + below(500), 1 + below(3))).flat(),
    () => [1 + below(30), 300 + below(500)],
    () => run(chance(0.2) ? 65531 : 5000, 1 + below(5)),
  ])();
}

function compose(choose) {
  const { below, chance, pick, some } = choose;
  const model = new TCModel();
  const ids = [...new Set(vendorIds(choose))].sort((one, other) => one - other);
  const share = () => pick([0, 0.5, 0.9, 1, 1]);
  model.created = new Date(Date.UTC(2024, below(24), 1 + below(28)));
  model.lastUpdated = model.created;
  model.cmpId = 2 + below(4000);
  model.cmpVersion = below(4096);
  model.consentScreen = below(64);
  model.consentLanguage = pick(["EN", "DE", "ZH", "ZZ", "AA"]);
  model.publisherCountryCode = pick(["AA", "DE", "ZZ"]);
  model.vendorListVersion = below(4096);
  model.policyVersion = pick([2, 3, 4, 4, 4, 4, 5, 5, 5, 5, 63]);
  model.isServiceSpecific = chance(0.93);
  model.useNonStandardStacks = chance(0.5);
  model.purposeOneTreatment = chance(0.2);
  model.specialFeatureOptins.set(some(run(1, 12), 0.3));
  model.purposeConsents.set(some(PURPOSES, share()));
  const objectable = PURPOSES.filter((p) => !CONSENT_ONLY.has(p) || chance(0.02));
  model.purposeLegitimateInterests.set(some(objectable, share()));
  model.vendorConsents.set(some(ids, share()));
  model.vendorLegitimateInterests.set(some(ids, share()));
  model.vendorsDisclosed.set(some(ids, share()));
  model.vendorsAllowed.set(some(ids, 0.5));
  // The vendors that a range may not run across; it may across any other.
  model.publisherRestrictions.gvl = { vendorIds: new Set(chance(0.5) ? ids : vendorIds(choose)) };
  for (let count = below(pick([1, 1, 8])); count > 0; count -= 1) {
    const restriction = new PurposeRestriction(1 + below(pick([11, 24])), below(3));
    for (const id of some(ids.slice(0, 200), pick([0.1, 1]))) {
      model.publisherRestrictions.add(id, restriction);
    }
  }
  model.publisherConsents.set(some(PURPOSES, share()));
  model.publisherLegitimateInterests.set(some(PURPOSES, share()));
  model.numCustomPurposes = below(pick([1, 6, 64]));
  model.publisherCustomConsents.set(some(run(1, model.numCustomPurposes), 0.5));
  model.publisherCustomLegitimateInterests.set(some(run(1, model.numCustomPurposes), 0.5));
  if (chance(0.01)) model.version = 1;

  const others = [];
  if (chance(0.9)) others.push(Segment.VENDORS_DISCLOSED);
  if (chance(0.6)) others.push(Segment.PUBLISHER_TC);
  if (chance(0.05)) others.push(Segment.VENDORS_ALLOWED);
  if (chance(0.3)) others.reverse();
  if (chance(0.02) && others.length) others.push(pick(others));
  const segments = model.version === 1 ? [Segment.CORE] : [Segment.CORE, ...others];
  const text = segments.map((segment) => SegmentEncoder.encode(model, segment)).join(".");
  const asked = [pick(ids), pick(ids), pick(ids) + 1, pick(ids) - 1, 1, 65535];
  return { text, vendors: [...new Set(asked)].filter((id) => id > 0 && id < 65536) };
}

function tell(text, vendors) {
  console.log(JSON.stringify({ text, vendors, verdict: judge(text, vendors) }));
}

const [mode, seed, count] = process.argv.slice(2);
if (mode === "write") {
  const choose = chooser(Number(seed));
  for (let left = Number(count); left > 0; left -= 1) {
    const { text, vendors } = compose(choose);
    tell(text, vendors);
  }
} else if (mode === "judge") {
  for await (const line of createInterface({ input: process.stdin })) {
    const { text, vendors } = JSON.parse(line);
    tell(text, vendors);
  }
} else {
  console.error("write SEED COUNT, or judge");
  process.exitCode = 2;
}
