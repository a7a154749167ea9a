/** The way from one camera to another: out, across and in, as van Wijk and Nuij (2003) found it. */

import { type Camera, cameraAt, displacement, panned, project } from "./frames";
import type { Size } from "./model";

export interface Journey {
  /** Its length: about how many times the picture changes by a factor of e. */
  readonly length: number;
  /** The camera after a part of the way, 0 to 1; exactly the ends at 0 and 1. */
  at(part: number): Camera;
}

/** How much going across costs against zooming; 1.4 is what people preferred in the paper. */
const RHO = 1.4;

/** A goal that is nearer than this to the middle, in screens, is reached by zooming alone. */
const NEAR = 1e-3;

/**
 * Seen as points of the hyperbolic half-plane (place, width), the ends are joined by the arc of a
 * circle. Up to its top, distances are measured from the start, then from the goal, and in screens,
 * so that nothing is lost between ends that are a hundred orders of magnitude apart.
 */
export function journey(from: Camera, to: Camera, size: Size): Journey {
  const { direction, log } = displacement(from, to);
  // In screens, and everything by its logarithm: it may be out of float64's range.
  const distance = log * Math.LN2 - Math.log(size.width);
  if (distance + Math.min(from.zoom, to.zoom) * Math.LN2 < Math.log(NEAR)) {
    return straightIn(from, to);
  }

  // Widths in units of the distance.
  const unit = distance + 2 * Math.log(RHO);
  const logA = -from.zoom * Math.LN2 - unit;
  const logB = -to.zoom * Math.LN2 - unit;
  const [a2, b2] = [Math.exp(2 * logA), Math.exp(2 * logB)];
  const middle = (1 + b2 - a2) / 2;
  const radius = Math.hypot(middle, Math.exp(logA));
  const start = -asinhOfRatio(middle, logA);
  const end = asinhOfRatio(1 - middle, logB);

  const at = (part: number): Camera => {
    if (part <= 0) return from;
    if (part >= 1) return to;
    const t = start + (end - start) * part;
    const zoom = -(unit + Math.log(radius) - logCosh(t)) / Math.LN2;
    const [near, sign, screens] =
      t < 0 ? [from, 1, sinhOverCosh(t - start, start)] : [to, -1, sinhOverCosh(end - t, end)];
    const pixels = (sign * screens * size.width) / RHO ** 2;
    return panned(cameraAt(near, zoom), pixels * direction[0], pixels * direction[1]);
  };
  return { length: (end - start) / RHO, at };
}

/** Between cameras that look at the same place, or so near that nobody sees the difference. */
function straightIn(from: Camera, to: Camera): Journey {
  const [wide, deep] = from.zoom < to.zoom ? [from, to] : [to, from];
  const [dx, dy] = project(wide, deep);
  const span = 2 ** (wide.zoom - deep.zoom);
  const at = (part: number): Camera => {
    if (part <= 0) return from;
    if (part >= 1) return to;
    const zoom = from.zoom + (to.zoom - from.zoom) * part;
    // The middle wanders evenly with the width of the picture; in pixels of the moment.
    const even = deep === from ? part : 1 - part;
    const pixels = span < 1 ? (1 - 2 ** (zoom - deep.zoom)) / (1 - span) : even;
    return panned(cameraAt(deep, zoom), -pixels * dx, -pixels * dy);
  };
  return { length: (Math.abs(to.zoom - from.zoom) * Math.LN2) / RHO, at };
}

/** asinh(value / e^logOf), also where the quotient is out of range. */
function asinhOfRatio(value: number, logOf: number): number {
  const log = Math.log(Math.abs(value)) - logOf;
  return Math.sign(value) * (log > 18 ? log + Math.LN2 : Math.asinh(Math.exp(log)));
}

function logCosh(t: number): number {
  return Math.abs(t) + Math.log1p(Math.exp(-2 * Math.abs(t))) - Math.LN2;
}

/** sinh(distance) / cosh(t) for distance ≥ 0, without overflow of either. */
function sinhOverCosh(distance: number, t: number): number {
  return (
    (Math.exp(distance - Math.abs(t)) * -Math.expm1(-2 * distance)) /
    (1 + Math.exp(-2 * Math.abs(t)))
  );
}
