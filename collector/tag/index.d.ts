/** What is known of a visitor's consent, as docs/tag.md has it; `false` refuses, `null` waits. */
export type Told =
  | { version: string | number; purposes: readonly string[] }
  | { analytics_storage: "granted" | "denied" }
  | { gdpr: 0 | 1; gdpr_consent?: string }
  | { gpp: string }
  | false
  | null;

/** Properties of an event; the policy declares which are counted. */
export type Props = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One hit as it is sent. */
export interface Hit {
  n: string;
  u: string;
  d: string;
  r?: string;
  p?: Props | string;
  e?: number;
  sd?: number;
  [key: string]: unknown;
}

export type Module =
  | "clicks"
  | "downloads"
  | "failures"
  | "forms"
  | "leaving"
  | "links"
  | "phone"
  | "pointer"
  | "products"
  | "search"
  | "vitals";

export interface Options {
  /** The site's domain, as the policy names it. */
  site: string;
  /** The collector's address, such as `https://stats.example.org`. */
  server: string;
  /** Where hits go. Default: `/api/event` on `server`. */
  api?: string;
  /** What is measured besides views, engagement and own events; loaded from `server`. */
  modules?: readonly Module[];
  /** Wait until `consent` is told. */
  consent?: boolean;
  /** Pages meant for children. */
  child?: boolean;
  /** Pages are told apart by what follows `#`. */
  hash?: boolean;
  /** Addresses that send nothing; a string is a regular expression. */
  exclude?: string | RegExp;
  /** Returns the hit that is sent, or nothing to drop it. */
  beforeSend?: (hit: Hit) => Hit | null | undefined | false;
  /** What is read of the browser: the window's width and the time zone. Default: both. */
  reads?: readonly ("w" | "tz")[];
}

/** Counts views from now on; a second call for the same site does nothing. */
export function init(options: Options): void;

/** Tells an event; before `init` it waits for it. */
export function track(name: string, props?: Props): void;

/** Tells what the visitor decided. */
export function consent(told: Told): void;
