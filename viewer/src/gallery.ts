import type { Location } from "./model";

/** A place worth a visit. */
export interface Place extends Location {
  readonly name: string;
  /** The cap of the count from which on it looks as it should. */
  readonly maxiter: number;
}

const place = (name: string, re: string, im: string, width: string, maxiter: number): Place => ({
  name,
  center: [re, im],
  width,
  maxiter,
});

/**
 * Coordinates are facts, long known; those of the last three are from the examples of
 * rust-fractal-core (MIT) and Fractalshades (MIT).
 */
export const GALLERY: readonly Place[] = [
  place("Seahorse valley", "-0.747", "0.1", "0.03", 1000),
  place("Elephant valley", "0.282", "0.0105", "0.03", 1000),
  place("Triple spiral valley", "-0.088", "0.654", "0.02", 1000),
  place("Quad spiral valley", "0.274", "0.482", "0.012", 1000),
  place("Scepter valley", "-1.2535", "0.0465", "0.03", 1000),
  place("Period-3 island", "-1.7548776662466927", "0", "0.06", 1000),
  place("Feigenbaum point", "-1.4011551890920506", "0", "0.05", 1000),
  place("Dendrite at i", "-0.015", "1", "0.06", 500),
  place("Misiurewicz point M4,1", "-0.1010963638456221", "0.9562865108091415", "0.02", 500),
  place("Misiurewicz point M23,2", "-0.77568377", "0.13646737", "0.0004", 3000),
  place("Double spiral", "-0.7269", "0.1889", "0.006", 1000),
  place("Crown island", "-0.1592", "1.0317", "0.04", 500),
  place("Seahorse tail", "-0.743643887037151", "0.131825904205330", "0.0006", 3000),
  place("Julia island, 1e-10", "-0.743643887037151", "0.131825904205330", "1e-10", 5000),
  place(
    "Julia island, 1e-21",
    "-1.76866786283748881262741947",
    "0.0016455805468202094303259",
    "12e-22",
    100_000,
  ),
  place(
    "Deep, 1e-50",
    "-0.049470029063104093751692226727353630118745712488224879318104940232642194772686903427991549974759419",
    "-0.674787575844675364011392053130597656334770706822403480697999794790994198345484511151420849954031029999999999999999988",
    "4e-50",
    263_010,
  ),
  place(
    "Deep, 1e-113",
    "-1.479815776132473260722984525978778546922407257740453696898785101398649207410022938202505173292820112273633130531592039146407834156096081686607051230824463571794919097054033812",
    "-0.00063911193261361727152139632255671572957303918943984736047394936471220951961813321928573067036466151147195436388486168819318341208023229522609015461543581599807510715681229605",
    "8e-114",
    35_494,
  ),
];
