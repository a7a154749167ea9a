/** Locations as people write them, and as we write them for people. Pure. */

import type { Location, Size } from "./model";
import { divide, multiply, parseRational, toScientific } from "./rational";

/** What a text says; how much is to be seen may be missing. */
export interface WrittenLocation {
  readonly center: readonly [string, string];
  /** Width of the screen. */
  readonly width?: string;
  /** The least that is to be seen both across and down: what a "zoom" means elsewhere. */
  readonly extent?: string;
}

/** Longer texts are no locations; 20 000 digits are. */
const LONGEST = 100_000;

const NUMBER = String.raw`(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?`;
const SIGNED = `[+-]?${NUMBER}`;
const SEPARATOR = String.raw`[\s,;@]+`;
const WIDTH = String.raw`(?:${SEPARATOR}(?:width|w)?\s*[:=]?\s*(${SIGNED}))?`;

const COMPLEX = new RegExp(
  String.raw`^\(?(${SIGNED})\s*([+-])\s*(${NUMBER})?\s*\*?\s*[ij]\)?${WIDTH}$`,
  "i",
);
const LIST = new RegExp(
  String.raw`^[([]?(${SIGNED})${SEPARATOR}(${SIGNED})(?:${SEPARATOR}(${SIGNED}))?[)\]]?$`,
  "i",
);
/** XaoS: centre, then the width and height seen. */
const XAOS = new RegExp(
  String.raw`\(view\s+(${SIGNED})\s+(${SIGNED})\s+(${SIGNED})\s+${SIGNED}\)`,
  "i",
);

const LABELS = {
  re: "re|real|center_re|center_real|cre|x",
  im: "im|imag|imaginary|center_im|center_imag|cim|y",
  width: "width|w|size",
  zoom: "zoom|magnification|mag",
} as const;

/**
 * Reads a location: `-0.75 + 0.1i`, `-0.75, 0.1, 1e-10`, labelled numbers in any order and
 * notation (`re: … im: … width: …`, JSON, TOML, the parameters of a web address, the `Re:`, `Im:`
 * and `Zoom:` lines of Kalles Fraktaler), or a XaoS view.
 *
 * A zoom of z shows a square of side 4 / z, as in Kalles Fraktaler and its relatives.
 *
 * @throws Error saying what was expected
 */
export function parseLocation(text: string): WrittenLocation {
  if (text.length > LONGEST) throw notALocation(text);
  const plain = normalized(text);
  const written = fromLabels(plain) ?? fromXaos(plain) ?? fromComplex(plain) ?? fromList(plain);
  if (!written) throw notALocation(text);
  return written;
}

/** The location that a text means on a screen of some size, seen as wide as before if not said. */
export function resolveLocation(
  { center, width, extent }: WrittenLocation,
  size: Size,
  before: string,
): Location {
  if (width !== undefined) return { center, width };
  if (extent === undefined) return { center, width: before };
  const across = { n: BigInt(Math.round(size.width)), d: 1n };
  const shorter = { n: BigInt(Math.round(Math.min(size.width, size.height))), d: 1n };
  const fitting = multiply(parseRational(extent), divide(across, shorter));
  return { center, width: toScientific(fitting, 17) };
}

/** A location as lines to copy; `parseLocation` reads them. */
export function locationText({ center: [re, im], width }: Location): string {
  return `re: ${re}\nim: ${im}\nwidth: ${width}`;
}

/** One kind of space, of minus and of powers of ten, and no quotes. */
function normalized(text: string): string {
  const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return text
    .trim()
    .replace(/\s+/g, " ")
    .replace(/[−–]/g, "-")
    .replace(/⁻/g, "-")
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (digit) => String(superscripts.indexOf(digit)))
    .replace(/ ?[×·*] ?10 ?(?:\^|\*\*)? ?\(?([+-]?\d+)\)?/g, "e$1")
    .replace(/["'`]/g, "");
}

function fromLabels(text: string): WrittenLocation | undefined {
  const [re, im] = [labelled(text, "re"), labelled(text, "im")];
  if (re === undefined || im === undefined) return undefined;
  const center = [re, im] as const;
  const width = labelled(text, "width");
  if (width !== undefined) return { center, width };
  const zoom = labelled(text, "zoom");
  return zoom === undefined ? { center } : { center, extent: extentOf(zoom) };
}

function labelled(text: string, label: keyof typeof LABELS): string | undefined {
  const pattern = String.raw`(?:^|[^a-z_])(?:${LABELS[label]})\s*[:=]\s*(${SIGNED})`;
  return new RegExp(pattern, "i").exec(text)?.[1];
}

function extentOf(zoom: string): string {
  const value = parseRational(zoom);
  if (value.n <= 0n) throw new Error(`The zoom is ${zoom}; expected a number above 0.`);
  return toScientific(divide({ n: 4n, d: 1n }, value), 17);
}

function fromXaos(text: string): WrittenLocation | undefined {
  const [, re, im, width] = XAOS.exec(text) ?? [];
  return re && im && width ? { center: [re, im], width } : undefined;
}

function fromComplex(text: string): WrittenLocation | undefined {
  const [, re, sign, magnitude = "1", width] = COMPLEX.exec(text) ?? [];
  if (!re) return undefined;
  const center = [re, `${sign === "-" ? "-" : ""}${magnitude}`] as const;
  return width === undefined ? { center } : { center, width };
}

function fromList(text: string): WrittenLocation | undefined {
  const [, re, im, width] = LIST.exec(text) ?? [];
  if (!re || !im) return undefined;
  return width === undefined ? { center: [re, im] } : { center: [re, im], width };
}

function notALocation(text: string): Error {
  const shown = text.trim().slice(0, 60);
  return new Error(
    `${shown ? `“${shown}”` : "Nothing"} is no location; write one such as -0.75 + 0.1i, ` +
      "-0.75, 0.1, 1e-10 (real part, imaginary part, width), or paste the lines of a .kfr file.",
  );
}
