/** When tiles that have come are drawn. */

/** Milliseconds from one picture with tiles that have come to the next, and to the first. */
const NEXT = 80;
const FIRST = 30;

export interface Arrivals {
  /** Told that tiles have come, and whether no more of them are on their way. */
  tell(isLast: boolean): void;
  stop(): void;
}

/** Tiles that come close after one another are drawn together, the last one of all at once. */
export function mergeArrivals(draw: () => void): Arrivals {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let drawn = Number.NEGATIVE_INFINITY;

  function drawNow(): void {
    clearTimeout(timer);
    timer = undefined;
    drawn = performance.now();
    draw();
  }

  return {
    tell(isLast) {
      const left = drawn + NEXT - performance.now();
      if (isLast) drawNow();
      else timer ??= setTimeout(drawNow, Math.max(left, FIRST));
    },
    stop: () => clearTimeout(timer),
  };
}
