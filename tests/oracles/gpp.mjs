// IAB's own library on GPP strings.
//   node gpp.mjs write SEED COUNT   pseudo-random strings, each with what the library reads in it
//   node gpp.mjs read               the same of strings given as JSON, one a line
// One line of JSON each: {text, opted_out, child, tc}, or {text, error: true} when it throws.

import { createInterface } from "node:readline";

import { GppModel, RangeEntry, Sections, UsNatField } from "@iabgpp/cmpapi";

const PURPOSES = 24;
const VENDORS = [1, 31, 300];
const NO_INTEREST = new Set([1, 3, 4, 5, 6]);
const OPT_OUT = /^(Sale|Sharing|TargetedAdvertising)OptOut$/;
const NAMES = Sections.SECTION_ORDER.filter((name) => name !== "tcfcav1");

let state = 1;

// xorshift32: a seed gives the same strings on every machine.
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

const below = (limit) => Math.floor(random() * limit);
const pick = (list) => list[below(list.length)];
const chance = (rate) => random() < rate;
const flags = (count, rate) => Array.from({ length: count }, () => chance(rate));

function ids(last, rate) {
  return Array.from({ length: last }, (_, index) => index + 1).filter(() => chance(rate));
}

function writeTc(model) {
  const set = (field, value) => model.setFieldValue("tcfeuv2", field, value);
  const rate = pick([0, 0.02, 0.5, 0.98, 1]);
  set("CmpId", 2 + below(4000));
  set("CmpVersion", below(4096));
  set("ConsentScreen", below(64));
  set("VendorListVersion", below(4096));
  set("PolicyVersion", pick([4, 5]));
  set("UseNonStandardStacks", chance(0.5));
  set("SpecialFeatureOptins", flags(12, 0.5));
  set("PurposeConsents", flags(PURPOSES, rate));
  set("PurposeLegitimateInterests", flags(PURPOSES, 0.7));
  set("PurposeOneTreatment", chance(0.2));
  set("PublisherCountryCode", pick(["AA", "DE", "FR", "ZZ"]));
  set("VendorConsents", ids(pick([0, 40, 400]), pick([0.01, 0.5, 0.99])));
  set("VendorLegitimateInterests", ids(pick([0, 40, 400]), pick([0.01, 0.5, 0.99])));
  set("VendorsDisclosed", ids(pick([0, 40, 400]), pick([0.5, 0.99, 1])));
  const restrictions = Array.from(
    { length: chance(0.5) ? 0 : 1 + below(4) },
    () => new RangeEntry(1 + below(10), below(3), [1 + below(40), 41 + below(300)]),
  );
  set("PublisherRestrictions", restrictions);
  set("PublisherConsents", flags(PURPOSES, rate));
  set("PublisherLegitimateInterests", flags(PURPOSES, 0.5));
  const custom = chance(0.3) ? 1 + below(5) : 0;
  set("NumCustomPurposes", custom);
  set("PublisherCustomConsents", flags(custom, 0.5));
  set("PublisherCustomLegitimateInterests", flags(custom, 0.5));
  set("Created", new Date(Date.UTC(2026, below(10), 1 + below(28))));
}

function writeState(model, name, rates) {
  model.setFieldValue(name, "MspaCoveredTransaction", 1 + below(2)); // makes the section
  const section = model.sections.get(name);
  const two = (field) => {
    if (OPT_OUT.test(field)) return chance(rates.optOut) ? 1 : pick([0, 2]);
    if (field.startsWith("KnownChild")) return chance(rates.child) ? pick([1, 2]) : 0;
    return below(3);
  };
  for (const field of section.segments.flatMap((segment) => segment.getFieldNames())) {
    if (/Version$|SegmentType$|MspaCoveredTransaction/.test(field)) continue;
    if (field === "Gpc") {
      section.setFieldValue("GpcSegmentIncluded", chance(0.5));
      section.setFieldValue("Gpc", chance(rates.optOut));
      continue;
    }
    const value = section.getFieldValue(field);
    section.setFieldValue(field, Array.isArray(value) ? value.map(() => two(field)) : two(field));
  }
  if (section.segments.some((segment) => segment.hasField("SensitiveDataConsentSegmentIncluded"))) {
    section.setFieldValue("SensitiveDataConsentSegmentIncluded", chance(0.5));
  }
  if (name === "usnat") section.setFieldValue(UsNatField.VERSION, 1 + below(2));
}

function writeText(number) {
  const model = new GppModel();
  // Half of the strings hold no opt-out, a quarter a rare one: else nearly all would hold one.
  const rates = { optOut: pick([0, 0, 0.03, 0.5]), child: pick([0, 0, 0.03, 0.5]) };
  const share = pick([0, 0.1, 0.3, 1]);
  const forced = NAMES[number % NAMES.length];
  for (const name of NAMES.filter((each) => each === forced || chance(share))) {
    if (name === "tcfeuv2") {
      writeTc(model);
    } else if (name === "uspv1") {
      model.setFieldValue(name, "Notice", pick(["Y", "N", "-"]));
      model.setFieldValue(name, "OptOutSale", chance(rates.optOut) ? "Y" : pick(["N", "-"]));
      model.setFieldValue(name, "LspaCovered", pick(["Y", "N", "-"]));
    } else {
      writeState(model, name, rates);
    }
  }
  return model.encode();
}

function readTc(model) {
  const fields = model.getSection("tcfeuv2");
  const consents = new Set(fields.VendorConsents);
  const interests = new Set(fields.VendorLegitimateInterests);
  const disclosed = new Set(fields.VendorsDisclosed);
  const restricted = (purpose, type, vendor) =>
    fields.PublisherRestrictions.some(
      (entry) => entry.key === purpose && entry.type === type && entry.ids.includes(vendor),
    );
  const asked = (purpose) => purpose !== 1 || !fields.PurposeOneTreatment;
  const permissions = {};
  const told = (who, consent, interest) => {
    const letters = Array.from({ length: PURPOSES }, (_, index) => {
      const purpose = index + 1;
      const byConsent = asked(purpose) && consent(purpose);
      const byInterest = !NO_INTEREST.has(purpose) && interest(purpose);
      return byConsent ? (byInterest ? "b" : "c") : byInterest ? "i" : "-";
    });
    permissions[who] = letters.join("");
  };
  for (const vendor of VENDORS) {
    const may = (purpose) => disclosed.has(vendor) && !restricted(purpose, 0, vendor);
    told(
      vendor,
      (purpose) =>
        may(purpose) && fields.PurposeConsents[purpose - 1] &&
        consents.has(vendor) && !restricted(purpose, 2, vendor),
      (purpose) =>
        may(purpose) && fields.PurposeLegitimateInterests[purpose - 1] &&
        interests.has(vendor) && !restricted(purpose, 1, vendor),
    );
  }
  told(
    "site",
    (purpose) => fields.PublisherConsents[purpose - 1],
    (purpose) => fields.PublisherLegitimateInterests[purpose - 1],
  );
  return permissions;
}

function read(text) {
  const model = new GppModel(text);
  let optedOut = false;
  let child = false;
  model.getSectionIds(); // decodes, also a string without sections
  for (const [name, section] of model.sections) {
    for (const [field, value] of Object.entries(section.toObj())) {
      if (OPT_OUT.test(field)) optedOut ||= value === 1;
      if (field === "Gpc") optedOut ||= section.getFieldValue("GpcSegmentIncluded") && value;
      if (field.startsWith("KnownChild")) child ||= [value].flat().some((each) => each !== 0);
      if (name === "uspv1" && field === "OptOutSale") optedOut ||= value === "Y";
    }
  }
  const tc = model.hasSection("tcfeuv2") ? readTc(model) : null;
  return { text, opted_out: optedOut, child, tc };
}

function tell(text) {
  let told;
  try {
    told = read(text);
  } catch {
    told = { text, error: true };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

const [command, seed, count] = process.argv.slice(2);
if (command === "write") {
  state = Number(seed);
  for (let number = 0; number < Number(count); number += 1) tell(writeText(number));
} else {
  for await (const line of createInterface({ input: process.stdin })) tell(JSON.parse(line));
}
