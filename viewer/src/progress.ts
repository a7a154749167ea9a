/** How far long computations are, and how long they may still take. Pure. */

/** Of one request: in any unit that grows evenly with time. */
export interface ProgressReport {
  readonly id: number;
  readonly done: number;
  readonly total: number;
}

/** Of everything that is waited for. */
export interface Progress {
  /** From 0 to 1. */
  readonly part: number;
  /** Milliseconds; undefined where another part has begun, which nothing is known of yet. */
  readonly left: number | undefined;
}

/** Milliseconds of a computation from which the rest of it is foretold, and it is called long. */
const OBSERVED = 1000;

interface Start {
  readonly done: number;
  readonly total: number;
  readonly time: number;
  /** Whether its rest has been foretold: of what is over before, there is nothing to say. */
  readonly foretold: boolean;
}

/** Follows the reports on some requests. */
export class ProgressClock {
  #starts = new Map<number, Start>();

  /** What the latest reports, complete, say at a time in milliseconds: of the longest wait. */
  read(reports: readonly ProgressReport[], now: number): Progress | undefined {
    const starts = new Map<number, Start>();
    const waits = reports.flatMap(({ id, done, total }) => {
      const known = this.#starts.get(id);
      // Another part of the computation begins anew.
      const goesOn = known !== undefined && known.total === total && known.done <= done;
      const start = goesOn ? known : { done, total, time: now, foretold: known?.foretold ?? false };
      const left = timeLeft(start, done, now);
      const foretold = start.foretold || left !== undefined;
      starts.set(id, { ...start, foretold });
      const part = total > 0 ? Math.min(1, Math.max(0, done / total)) : 1;
      return foretold ? [{ part, left }] : [];
    });
    this.#starts = starts;
    return waits.sort(byLength)[0];
  }
}

function timeLeft({ done: first, total, time }: Start, done: number, now: number) {
  if (now - time < OBSERVED || done <= first) return undefined;
  return (Math.max(0, total - done) * (now - time)) / (done - first);
}

/** The longest first; what nobody can tell the length of, by what is done of it. */
function byLength(a: Progress, b: Progress): number {
  if (a.left !== undefined && b.left !== undefined) return b.left - a.left;
  return a.part - b.part;
}

/** A time to wait, no more exact than it can be. */
export function describeTime(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 5) return "a few seconds";
  if (seconds < 57.5) return `about ${Math.round(seconds / 5) * 5} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return minutes === 1 ? "about a minute" : `about ${minutes} minutes`;
  return `about ${Math.round(minutes / 60)} hours`;
}
