import type { Browser } from "playwright-core";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, openViewer } from "./page";
import { readsAs } from "./pattern";

const SIZE = { width: 300, height: 200 };
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
  const main = harness.viewer.locator("main");

  /** The tiles at the middle of the screen, from the decimals of the place alone. */
  const middle = (level: number) => {
    const digits = 10n ** BigInt(16 * 20);
    const across = 256n << BigInt(40 - level);
    const re = -BigInt(RE.slice(3)) * 2n + digits * 5n;
    const im = digits * 5n - BigInt(IM.slice(2)) * 2n;
    const column = (re * across) / (digits * 10n);
    const row = (im * across) / (digits * 10n);
    return { row, column };
  };

  let looked = 0;
  let passing: string[] = [];
  const levels = Array.from({ length: LEVELS + 1 }, (_, i) => TOP - i);
  for (const level of [...levels, ...levels.slice(0, -1).reverse()]) {
    // A pixel of the level is a pixel of the screen: so wide is the view in the plane.
    passing.push(decimal(BigInt(SIZE.width) * 5n, 48 - level));
    if (level % REST !== 0) continue;
    // The camera passes every level, a frame each, and comes to rest at the last of them.
    await harness.page.evaluate(
      async ({ center, widths }) => {
        for (const width of widths) {
          await window.host.api.set_view_state?.({ center, width });
          await new Promise(requestAnimationFrame);
        }
      },
      { center: [RE, IM], widths: passing },
    );
    passing = [];
    await main.evaluate(
      (element, level) =>
        new Promise<void>((resolve) => {
          const look = () => {
            const { level: at, state, complete } = (element as HTMLElement).dataset;
            const painted = at === String(level) && state === "idle" && complete === "true";
            // What is drawn in one frame is on the screen by the one after the next.
            if (painted) requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
            else requestAnimationFrame(look);
          };
          look();
        }),
      level,
    );
    const { row, column } = middle(level);
    const { width: w, height: h, data } = PNG.sync.read(await harness.page.screenshot());
    const seen = { width: w, height: h, at: (x: number, y: number) => data[(y * w + x) * 4] ?? -1 };
    let blocks = 0;
    for (const [j, i] of [
      [0n, 0n],
      [0n, 1n],
      [1n, 0n],
      [1n, 1n],
      [0n, -1n],
      [-1n, 0n],
    ] as const) {
      const tile = { row: row / 256n + j, column: column / 256n + i };
      const place = {
        level,
        ...tile,
        left: Number(tile.column * 256n - column) + SIZE.width / 2,
        top: Number(tile.row * 256n - row) + SIZE.height / 2,
      };
      const read = readsAs(seen, place, 256);
      expect(read.wrong, `${level}/${tile.row}.${tile.column}`).toBe(0);
      blocks += read.blocks;
    }
    expect(blocks, `level ${level}`).toBeGreaterThan(15);
    looked++;
    if (level === -950) await harness.screenshot("thousand");
  }
  expect(looked).toBe(80);
  expect(await harness.state("failed")).toBe("0");
  expect(harness.complaints).toEqual([]);
});
