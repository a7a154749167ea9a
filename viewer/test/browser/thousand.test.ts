import type { Browser } from "playwright-core";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Harness, launchBrowser, openViewer } from "./page";
import { everyPixel, type Grey, readsAs, type SeenTile, shows } from "./pattern";

const SIZE = { width: 300, height: 200 };
const TILE = 256;
const TOP = 38;
const LEVELS = 1000;
/** Levels from one rest of the camera to the next. */
const REST = 25;
/** A place whose tiles are never the same two levels running, to a thousand levels down. */
const [RE, IM] = [`-0.${"7436438870371587".repeat(20)}`, `0.${"1318259042053119".repeat(20)}`];

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** n / d as a decimal, exactly; d has no prime factors but 2 and 5. */
function decimal(n: bigint, power: number): string {
  // n / 2^power = n * 5^power / 10^power
  return `${n * 5n ** BigInt(power)}e-${power}`;
}

/** Of a screen at a level: where each tile of that level is seen, from the decimals of the place. */
function tilesAt(level: number): SeenTile[] {
  const digits = 10n ** BigInt(16 * 20);
  const across = 256n << BigInt(40 - level);
  const re = -BigInt(RE.slice(3)) * 2n + digits * 5n;
  const im = digits * 5n - BigInt(IM.slice(2)) * 2n;
  const column = (re * across) / (digits * 10n);
  const row = (im * across) / (digits * 10n);
  return [-1n, 0n, 1n].flatMap((j) =>
    [-1n, 0n, 1n].map((i) => {
      const tile = { row: row / 256n + j, column: column / 256n + i };
      return {
        level,
        ...tile,
        scale: 1,
        left: Number(tile.column * 256n - column) + SIZE.width / 2,
        top: Number(tile.row * 256n - row) + SIZE.height / 2,
      };
    }),
  );
}

/** The red of the page's ground, where there is no tile. */
const BLANK = 11;
/** So many levels finer and coarser tiles are looked for where others are to come. */
const FINER = 2;
/** As many as may stand in, and those that finer tiles are below. */
const COARSER = 16 + FINER;

/**
 * How many levels coarser the tile is that is seen where a tile belongs: 0 where it is that tile,
 * infinity where there is none, -1 where it is finer ones; undefined where it is something else.
 */
function coarseness(seen: Grey, tile: SeenTile, finer = FINER): number | undefined {
  const { level, row, column, left, top, scale } = tile;
  const side = TILE * scale;
  // Where tiles of two levels meet may be rounded to either side.
  const square = { left: left + 2, top: top + 2, side: side - 4 };
  for (let k = 0; k <= COARSER; k++) {
    const [y, x] = [row >> BigInt(k), column >> BigInt(k)];
    const coarser = {
      level: level + k,
      row: y,
      column: x,
      left: left - Number(column - (x << BigInt(k))) * side,
      top: top - Number(row - (y << BigInt(k))) * side,
      scale: scale * 2 ** k,
    };
    if (shows(seen, coarser, square)) return k;
  }
  if (everyPixel(seen, square, (x, y) => seen.at(x, y) === BLANK)) return Number.POSITIVE_INFINITY;
  if (finer === 0) return undefined;
  const isFound = [0, 1, 2, 3].every((i) => {
    const [j, k] = [i >> 1, i & 1];
    const part = {
      level: level - 1,
      row: 2n * row + BigInt(j),
      column: 2n * column + BigInt(k),
      left: left + (k * side) / 2,
      top: top + (j * side) / 2,
      scale: scale / 2,
    };
    return coarseness(seen, part, finer - 1) !== undefined;
  });
  return isFound ? -1 : undefined;
}

async function look({ page }: Harness): Promise<Grey> {
  const { width, height, data } = PNG.sync.read(await page.screenshot());
  return { width, height, at: (x, y) => data[(y * width + x) * 4] ?? -1 };
}

/** Has the camera pass levels, a frame each. */
function pass({ page }: Harness, levels: readonly number[]): Promise<void> {
  // A pixel of the level is a pixel of the screen: so wide is the view in the plane.
  const widths = levels.map((level) => decimal(BigInt(SIZE.width) * 5n, 48 - level));
  return page.evaluate(
    async ({ center, widths }) => {
      for (const width of widths) {
        await window.host.api.set_view_state?.({ center, width });
        await new Promise(requestAnimationFrame);
      }
    },
    { center: [RE, IM], widths },
  );
}

/** Waits until a level is on the screen, with all its tiles where it is to be `whole`. */
function onScreen(harness: Harness, level: number, whole: boolean): Promise<void> {
  return harness.viewer.locator("main").evaluate(
    (main, { level, whole }) =>
      new Promise<void>((resolve) => {
        const look = () => {
          const { level: at, state, complete } = main.dataset;
          const painted = !whole || (state === "idle" && complete === "true");
          // What is drawn in one of the viewer's frames is on the screen by the one after the next.
          if (at === String(level) && painted) {
            requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
          } else requestAnimationFrame(look);
        };
        look();
      }),
    { level, whole },
  );
}

test("a thousand levels down and back, every one in sight: no wrong tile, no blank at rest", {
  timeout: 600_000,
}, async () => {
  const pattern = { levels: 40, floor: -LEVELS };
  const harness = await openViewer(browser, { pattern }, { size: SIZE });
  await harness.page.evaluate(() =>
    window.host.api.add_image?.({
      source: window.host.store.source,
      color: [255, 255, 255],
      contrast_limits: [0, 255],
    }),
  );
  await harness.painted();
  await harness.viewer.locator("main").evaluate((main) => {
    const style = document.createElement("style");
    style.textContent = "main > :not(.stage) { visibility: hidden !important; }";
    main.append(style);
  });

  /** Looks at the picture before its tiles have come: what stands in for them is right, too. */
  let stoodIn = 0;
  async function lookEarly(level: number): Promise<void> {
    const found = await vi.waitFor(async () => {
      const seen = await look(harness);
      const levels = tilesAt(level).map((tile) => coarseness(seen, tile));
      if (levels.includes(undefined)) await harness.screenshot("thousand-early");
      expect(levels, `level ${level}, early`).not.toContain(undefined);
      return levels;
    }, 10_000);
    stoodIn += found.filter((levels) => levels !== 0 && levels !== Number.POSITIVE_INFINITY).length;
  }
  const hold = (isHeld: boolean) =>
    harness.page.evaluate((isHeld) => window.host.store.hold?.(isHeld), isHeld);

  let looked = 0;
  let isWhole = false;
  const down = Array.from({ length: LEVELS + 1 }, (_, i) => TOP - i);
  for (const way of [down, down.toReversed()]) {
    let passing: number[] = [];
    for (const level of way) {
      passing.push(level);
      // A step from a picture that is whole: its tiles stand in for those that are to come.
      if (isWhole && passing.length === 2) {
        await hold(true);
        await pass(harness, passing);
        await onScreen(harness, level, false);
        await lookEarly(level);
        await hold(false);
        passing = [];
        isWhole = false;
      }
      if (level % REST !== 0) continue;
      await pass(harness, passing);
      passing = [];
      await onScreen(harness, level, true);
      const seen = await look(harness);
      let blocks = 0;
      for (const tile of tilesAt(level)) {
        const square = { left: tile.left, top: tile.top, side: TILE };
        expect(shows(seen, tile, square), `${level}/${tile.row}.${tile.column}`).toBe(true);
        blocks += readsAs(seen, tile, TILE).blocks;
      }
      expect(blocks, `level ${level}`).toBeGreaterThan(15);
      looked++;
      isWhole = true;
      if (level === -950) await harness.screenshot("thousand");
    }
  }
  expect(looked).toBe(80);
  console.info(`tiles of other levels stood in for ${stoodIn}`);
  expect(stoodIn).toBeGreaterThan(20);
  expect(await harness.state("failed")).toBe("0");
  expect(harness.complaints).toEqual([]);
});
