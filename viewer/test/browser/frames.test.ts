import { execFileSync } from "node:child_process";
import type { Browser } from "playwright-core";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { INTERIOR } from "../../src/coloring";
import { CORNER_BITS, FRAME_REACH } from "../../src/frames";
import { type Harness, launchBrowser, openViewer } from "./page";
import { GREY, type Grey, type PatternOptions, readsAs, seamNear } from "./pattern";

const SIZE = { width: 900, height: 600 };

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

interface Expected {
  readonly center: [string, string];
  readonly width: string;
  readonly tiles: { row: string; column: string; left: number; top: number }[];
}

interface View {
  readonly pattern: PatternOptions;
  readonly level: number;
  readonly center: readonly [string, string];
  readonly pixel?: string;
  readonly offset?: readonly [number, number];
  readonly look?: Look;
}

/** Asks Python where tiles belong. */
function expectedTiles({ pattern, level, center, pixel = "1", offset = [0, 0] }: View): Expected {
  const script = new URL("./expected_tiles.py", import.meta.url).pathname;
  const { levels, tilesize = 256, floor } = pattern;
  const complex = floor !== undefined;
  const size = [SIZE.width, SIZE.height];
  const query = { levels, tilesize, complex, level, center, pixel, offset, size };
  const python = process.env.PYTHON ?? "python3";
  const answer = execFileSync(python, [script], { input: `${JSON.stringify(query)}\n` });
  return JSON.parse(answer.toString());
}

/** What the pattern's values look like: white mixed by its intensity, or a palette of greys. */
type Look = "mixed" | "palette";

/** The screen in the pattern's own values. */
async function picture(
  harness: Harness,
  name: string,
  { look = "mixed", pattern }: Pick<View, "look" | "pattern">,
): Promise<Grey> {
  const { width, height, data } = PNG.sync.read(await harness.screenshot(`frames/${name}`));
  const seen = (x: number, y: number) => data[(y * width + x) * 4] ?? -1;
  if (look === "mixed") return { width, height, at: seen };
  // Where there is a plane, counts are seen through a logarithm, and 255 of them are the interior.
  const scaled = (value: number) => {
    if (pattern.floor === undefined) return value;
    return value === 255 ? INTERIOR[0] : (255 * Math.log1p(value)) / Math.log1p(255);
  };
  const value = (x: number, y: number) =>
    Object.values(GREY).find((grey) => Math.abs(scaled(grey) - seen(x, y)) < 3) ?? -1;
  return { width, height, at: value };
}

async function open({ pattern, look = "mixed" }: Pick<View, "look" | "pattern">): Promise<Harness> {
  const harness = await openViewer(browser, { pattern }, { before: countDraws });
  await harness.page.evaluate(
    (appearance) =>
      window.host.api.add_image?.({
        source: window.host.store.source,
        contrast_limits: [0, 255],
        ...appearance,
      }),
    look === "mixed" ? { color: [255, 255, 255] } : { colormap: "greys" },
  );
  await harness.painted();
  // What lies over the picture would be in the way of reading it.
  await harness.viewer.locator("main").evaluate((main) => {
    const style = document.createElement("style");
    style.textContent = "main > :not(.stage) { visibility: hidden !important; }";
    main.append(style);
  });
  return harness;
}

declare global {
  interface Window {
    /** How often something was drawn since the canvas was cleared, for each time that it was. */
    drawn: number[];
  }
}

/** Runs in the page before its own scripts. */
function countDraws(): void {
  window.drawn = [];
  const context = WebGL2RenderingContext.prototype;
  const { clear, drawArrays, drawElements } = context;
  context.clear = function (mask) {
    window.drawn.push(0);
    clear.call(this, mask);
  };
  const count = () => window.drawn.push((window.drawn.pop() ?? 0) + 1);
  context.drawArrays = function (...args) {
    count();
    drawArrays.apply(this, args);
  };
  context.drawElements = function (...args) {
    count();
    drawElements.apply(this, args);
  };
}

/** From here on, whatever is drawn has to be whole. */
async function watchFlashes(harness: Harness): Promise<void> {
  await harness.viewer.locator("main").evaluate((main) => {
    window.drawn = [];
    main.dataset.flashes = "0";
    new MutationObserver(() => {
      const { complete, painted, state } = main.dataset;
      if (complete !== "true" || painted === "0" || state !== "idle") main.dataset.flashes = "1";
    }).observe(main, { attributeFilter: ["data-complete", "data-painted", "data-state"] });
  });
}

/** Checks that no frame since `watchFlashes` was drawn with fewer than so many tiles. */
async function expectNoFlash(harness: Harness, tiles: number): Promise<void> {
  expect(await harness.state("flashes")).toBe("0");
  const drawn = await harness.viewer.locator("main").evaluate(() => window.drawn);
  expect(drawn.length).toBeGreaterThan(2);
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(tiles);
}

async function show(harness: Harness, view: View): Promise<Expected> {
  const expected = expectedTiles(view);
  await harness.page.evaluate(
    ({ center, width }) => window.host.api.set_view_state?.({ center, width }),
    { center: expected.center, width: expected.width },
  );
  await settled(harness, view.level);
  return expected;
}

/** Waits until the view is at rest and painted. */
async function settled(harness: Harness, level: number): Promise<void> {
  await harness.page.waitForTimeout(150);
  await harness.viewer.locator(`main[data-level="${level}"]`).waitFor();
  await harness.painted();
}

/** A seam is seen between whole pixels: half a pixel off at most. */
const SEAM = 0.5;

/** Waits until every seam between tiles, and the label of every tile, is where it belongs. */
async function showsTiles(
  harness: Harness,
  name: string,
  expected: Expected,
  view: View,
  scale = 1,
): Promise<void> {
  await vi.waitFor(
    async () => expectTiles(await picture(harness, name, view), expected, view, scale),
    { timeout: 10_000, interval: 100 }, // a busy machine may draw a frame later
  );
}

function expectTiles(seen: Grey, { tiles }: Expected, view: View, scale: number): void {
  const { tilesize = 256 } = view.pattern;
  let [seams, blocks] = [0, 0];
  for (const { row, column, left, top } of tiles) {
    const side = tilesize * scale;
    const [x, y] = [left + side, top + side];
    // Along the middle of what is visible of the tile, where no other border crosses.
    const across = Math.floor((Math.max(top, 0) + Math.min(y, SIZE.height)) / 2);
    const down = Math.floor((Math.max(left, 0) + Math.min(x, SIZE.width)) / 2);
    if (x > 4 && x < SIZE.width - 4 && tiles.some((other) => other.left > left)) {
      const seam = seamNear((at) => seen.at(at, across), SIZE.width, x);
      expect(Math.abs((seam ?? -99) - x), `right of ${row}.${column}`).toBeLessThanOrEqual(SEAM);
      seams++;
    }
    if (y > 4 && y < SIZE.height - 4 && tiles.some((other) => other.top > top)) {
      const seam = seamNear((at) => seen.at(down, at), SIZE.height, y);
      expect(Math.abs((seam ?? -99) - y), `below ${row}.${column}`).toBeLessThanOrEqual(SEAM);
      seams++;
    }
    if (scale !== 1) continue;
    const tile = { level: view.level, row: BigInt(row), column: BigInt(column), left, top };
    const read = readsAs(seen, tile, tilesize);
    expect(read.wrong, `labels of ${view.level}/${row}.${column}`).toBe(0);
    blocks += read.blocks;
  }
  expect(seams).toBeGreaterThan(1);
  if (scale === 1) expect(blocks).toBeGreaterThan(192);
}

/** Digits enough for any depth here: those of √2 − 2.1 and 1/7, neither on any tile corner. */
const DEEP = [
  `-0.${"6857864376269049511983112757903019214303281246230519268233202620092".repeat(3)}`,
  `0.${"142857".repeat(40)}`,
] as const;
const pattern = { levels: 40, floor: -400 };
const finite = { levels: 52, tilesize: 1024 };
/** Near a tile corner of every level, and beside the middle of 2^62 pixels. */
const PIXEL = [String(2n ** 61n + 2n ** 60n - 237n), String(2n ** 61n - 177n)] as const;

const views: [string, View][] = [
  ...[39, 20, 5, 2, 0, -40, -300].map((level, i): [string, View] => [
    `level ${level}`,
    {
      pattern,
      level,
      center: level === 39 ? ["-0.01", "0.02"] : DEEP,
      look: i % 2 === 0 ? "palette" : "mixed",
    },
  ]),
  ["level 0 of 2^62 px", { pattern: finite, level: 0, center: PIXEL, look: "palette" }],
];

describe.each(views)("at %s", (name, view) => {
  test("tiles are where they belong, before and after moving and zooming", async () => {
    const harness = await open(view);
    const still = await show(harness, view);
    await showsTiles(harness, name, still, view);

    // One pixel to the right, with the keyboard.
    await harness.viewer.locator(".stage").focus();
    await harness.page.keyboard.press("Shift+ArrowRight");
    await settled(harness, view.level);
    const moved = expectedTiles({ ...view, offset: [1, 0] });
    expect(moved.tiles[0]?.left).toBeCloseTo((still.tiles[0]?.left ?? 0) - 1, 9);
    await showsTiles(harness, `${name}, 1 px on`, moved, view);

    // Out by some levels and in again, with the keyboard, comes back to the same place.
    const steps = view.level >= 38 ? 1 : 5;
    for (const key of ["-", "+"]) {
      for (let i = 0; i < steps; i++) await harness.page.keyboard.press(key);
      await harness.page.waitForTimeout(700);
      await harness.painted();
    }
    await settled(harness, view.level);
    await showsTiles(harness, `${name}, back`, moved, view);

    // Between levels, tiles are drawn larger: their borders are still where they belong.
    const between = { ...view, pixel: "1.25" };
    const zoomed = await show(harness, between);
    await showsTiles(harness, `${name}, larger`, zoomed, between, 1.25);
    expect(harness.complaints).toEqual([]);
  });
});

test("moving by a pixel over a tile border fetches the tiles behind it", async () => {
  const harness = await open({ pattern });
  const view = { pattern, level: 0, center: DEEP };
  const { tiles } = expectedTiles(view);
  // The right edge of the screen comes to lie on a tile border.
  const border = Math.max(...tiles.map(({ left }) => left));
  const offset = [border - SIZE.width, 0] as const;
  const still = await show(harness, { ...view, offset });
  const keys = ({ tiles }: Expected) => tiles.map(({ row, column }) => `0/${row}.${column}`);
  const asked = () => harness.page.evaluate(() => window.host.store.asked);
  const before = await asked();
  const moved = expectedTiles({ ...view, offset: [offset[0] + 1, 0] });
  const behind = keys(moved).filter((key) => !keys(still).includes(key));
  expect(behind.length).toBeGreaterThan(1);
  await harness.viewer.locator(".stage").focus();
  await harness.page.keyboard.press("Shift+ArrowRight");
  await settled(harness, 0);
  const after = await asked();
  for (const key of behind) expect(after).toContain(key);
  for (const key of behind) expect(after.filter((other) => other === key)).toHaveLength(1);
  expect(before.length).toBeLessThanOrEqual(after.length);
});

test("where one frame of coordinates follows on another, nothing flashes, moves or is fetched", async () => {
  const harness = await open({ pattern });
  // The first view takes the frame; twelve levels deeper it ends, in the middle of level -312.
  await show(harness, { pattern, level: -300, center: DEEP });
  const view = { pattern, level: -312, center: DEEP };
  const last = { ...view, pixel: "200/201" };
  const next = { ...view, pixel: "200/199" };
  const shown = await show(harness, last);
  await showsTiles(harness, "last of a frame", shown, last, 200 / 201);
  await harness.page.waitForTimeout(1000);
  const asked = () => harness.page.evaluate(() => window.host.store.asked.length);
  const before = await asked();
  await watchFlashes(harness);
  for (const [one, scale] of [
    [next, 200 / 199],
    [last, 200 / 201],
    [next, 200 / 199],
  ] as const) {
    const expected = await show(harness, one);
    await showsTiles(harness, "beside a frame", expected, one, scale);
  }
  await expectNoFlash(harness, 6);
  expect(await asked()).toBe(before);
  // Far out and back in, over many frames.
  await show(harness, { pattern, level: 20, center: DEEP });
  const back = { ...view, pixel: "1" };
  const there = await show(harness, back);
  await showsTiles(harness, "back over many frames", there, back);
});

test.each(["mixed", "palette"] as const)(
  "a drag out of a frame of coordinates: no flash, no jump, no stale tile (%s)",
  { timeout: 120_000 },
  async (look) => {
    const view: View = { pattern, level: -40, center: DEEP, look };
    const harness = await open(view);
    // The first view takes the frame, whose origin is the corner of 2^12 px that it lies in.
    const { tiles } = await show(harness, view);
    const [tile] = tiles;
    const corner = 2n ** BigInt(CORNER_BITS);
    const across =
      Number((BigInt(tile?.column ?? 0) * 256n) % corner) + SIZE.width / 2 - (tile?.left ?? 0);
    const border = FRAME_REACH - (across % Number(corner));
    const at = (pixels: number): View => ({ ...view, offset: [border + pixels, 0] });

    const before = Number(await harness.state("loaded"));
    await show(harness, at(-30));
    // Time for the neighbours: what comes into sight is here already.
    const count = async (name: string) => Number(await harness.state(name));
    await expect.poll(() => count("loaded"), { timeout: 20_000 }).toBeGreaterThan(before + 20);
    await watchFlashes(harness);
    await harness.page.mouse.move(500, 300);
    await harness.page.mouse.down();
    let last = -30;
    for (const to of [-1, 1, 40, -2]) {
      await harness.page.mouse.move(500 - 30 - to, 300, { steps: Math.abs(to - last) });
      last = to;
      await harness.page.waitForTimeout(200);
      await harness.painted();
      await showsTiles(harness, `drag ${look}`, expectedTiles(at(to)), view);
    }
    await harness.page.mouse.up();
    await expectNoFlash(harness, 8);
    expect(harness.complaints).toEqual([]);
  },
);
