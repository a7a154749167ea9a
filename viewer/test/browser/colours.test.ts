import { isDeepStrictEqual } from "node:util";
import type { Browser } from "playwright-core";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { colorOf, DEFAULT_COLORING } from "../../src/coloring";
import { paletteOf } from "../../src/palette";
import { escapeTime } from "./fake_stores";
import { type Harness, launchBrowser, openViewer, pretendGraphicsCard } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const SIZE = [900, 600] as const;
const MAXITER = 1000;

/** Shows the set in colours between limits; default: those that the store's counts may have. */
async function showSet(
  harness: Harness,
  contrast_limits: readonly number[] = [0, MAXITER],
): Promise<void> {
  await harness.page.evaluate(
    (contrast_limits) =>
      window.host.api.add_image?.({ source: window.host.store.source, contrast_limits }),
    contrast_limits,
  );
  await harness.painted();
}

const POINTS = [
  [-2.2, 1.2],
  [0.9, 0.9],
  [0.6, 0.2],
  [-0.1, 1.3],
] as const;

/** What a screenshot shows at POINTS. */
function seenIn(png: Buffer): number[][] {
  const { width, data } = PNG.sync.read(png);
  const scale = (SIZE[1] - 72) / 5;
  return POINTS.map(([re, im]) => {
    const x = Math.round(SIZE[0] / 2 + re * scale);
    const y = Math.round(SIZE[1] / 2 - im * scale);
    return [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)];
  });
}

/** When a busy machine that draws in software has shown a change. */
const SOON = { timeout: 20_000, interval: 100 };

/** Waits until the picture has these colours at POINTS, or nearly. */
async function looksLike(
  harness: Harness,
  name: string,
  expected: readonly (readonly number[])[],
): Promise<void> {
  await vi.waitFor(async () => {
    const seen = seenIn(await harness.screenshot(name));
    const off = seen.flatMap((color, i) =>
      color.map((v, j) => Math.abs(v - (expected[i]?.[j] ?? 0))),
    );
    expect(Math.max(...off), `${JSON.stringify(seen)} ${JSON.stringify(expected)}`).toBeLessThan(6);
  }, SOON);
}

/** Waits until the colours change. */
async function changes({ page }: Harness): Promise<void> {
  const first = seenIn(await page.screenshot());
  await expect.poll(async () => seenIn(await page.screenshot()), SOON).not.toEqual(first);
}

/** Waits until the colours stay as they are. */
async function rests({ page }: Harness): Promise<void> {
  const stays = async () => {
    const first = seenIn(await page.screenshot());
    await page.waitForTimeout(700);
    return isDeepStrictEqual(seenIn(await page.screenshot()), first);
  };
  await expect.poll(stays, SOON).toBe(true);
}

const counts = POINTS.map(([re, im]) => escapeTime(re, im, MAXITER));

test.each([
  ["in software", () => undefined],
  ["on a graphics card", pretendGraphicsCard],
])(
  "every control of the colours changes the picture, and asks for nothing: %s",
  async (_, before) => {
    const harness = await openViewer(browser, { maxiter: MAXITER }, { before });
    await showSet(harness);
    const asked = await harness.page.evaluate(() => window.host.store.asked.length);
    await harness.viewer.getByRole("button", { name: "Colours" }).click();
    await harness.viewer.getByRole("radio", { name: "CET_C6" }).check();
    const expected = (change: object) => {
      const coloring = { ...DEFAULT_COLORING, scaling: "logarithmic" as const, ...change };
      return counts.map((n) => colorOf(n, paletteOf("CET_C6"), [0, MAXITER], coloring));
    };
    const look = (name: string, change: object) => looksLike(harness, name, expected(change));
    await look("colours-palette", {});

    const density = harness.viewer.getByRole("slider", { name: "Density" });
    await density.fill("2");
    await look("colours-density", { density: 4 });
    await harness.viewer.getByRole("slider", { name: "Offset" }).fill("0.5");
    await look("colours-offset", { density: 4, offset: 0.5 });
    const scaling = harness.viewer.getByRole("combobox", { name: "Scaling" });
    await scaling.selectOption("square root");
    await look("colours-square-root", { density: 4, offset: 0.5, scaling: "square root" });
    await scaling.selectOption("linear");
    await look("colours-linear", { density: 4, offset: 0.5, scaling: "linear" });

    await harness.viewer.getByLabel("Interior").fill("#ffffff");
    await vi.waitFor(async () => {
      const { data, width } = PNG.sync.read(await harness.screenshot("colours-interior"));
      const middle = (300 * width + 440) * 4;
      expect([...data.subarray(middle, middle + 3)]).toEqual([255, 255, 255]);
    }, SOON);
    expect(await harness.page.evaluate(() => window.host.store.asked.length)).toBe(asked);
    expect(harness.complaints).toEqual([]);
  },
);

test("equalized, each part of the palette covers as much of the picture", async () => {
  const harness = await openViewer(browser, { maxiter: MAXITER });
  await showSet(harness);
  await harness.viewer.getByRole("button", { name: "Colours" }).click();
  await harness.viewer.getByRole("radio", { name: "viridis" }).check();
  await harness.viewer.getByRole("combobox", { name: "Scaling" }).selectOption("histogram");
  await rests(harness);
  // viridis grows greener throughout: the order of the counts is the order of the greens.
  const seen = seenIn(await harness.screenshot("colours-histogram"));
  const greens = seen.map(([, green = 0]) => green);
  const byCount = (values: number[]) =>
    [...values].map((value, i) => ({ value, n: counts[i] ?? 0 })).sort((a, b) => a.n - b.n);
  const ordered = byCount(greens).map(({ value }) => value);
  expect(ordered).toEqual([...ordered].sort((a, b) => a - b));
  // With the logarithmic scaling all four are dark: here they are spread.
  expect(Math.max(...greens)).toBeGreaterThan(150);
  expect(harness.complaints).toEqual([]);
});

test("colours cycle until stopped, and rest where less motion is asked for", async () => {
  const harness = await openViewer(browser);
  await showSet(harness);
  await harness.viewer.getByRole("button", { name: "Colours" }).click();
  const cycle = harness.viewer.getByRole("checkbox", { name: /Cycle/ });
  await cycle.press(" ");
  await changes(harness);
  await cycle.press(" ");
  await rests(harness);

  await cycle.press(" ");
  await changes(harness);
  await harness.page.emulateMedia({ reducedMotion: "reduce" });
  await rests(harness);

  // The checkbox says so at once, and when it is no longer so, the colours go on.
  const asks = harness.viewer.getByRole("checkbox", { name: /asks for less motion/ });
  await asks.waitFor();
  expect(await asks.isDisabled()).toBe(true);
  await harness.page.emulateMedia({ reducedMotion: "no-preference" });
  await asks.waitFor({ state: "detached" });
  expect(await cycle.isEnabled()).toBe(true);
  await changes(harness);
});

test("a change of colour is one frame: each tile is drawn once, and none is uploaded again", async () => {
  const count = () => {
    // As in `pretendGraphicsCard`, of which nothing is there in the page.
    const { getParameter } = WebGL2RenderingContext.prototype;
    WebGL2RenderingContext.prototype.getParameter = function (name) {
      return [0x9245, 0x9246].includes(name) ? "NVIDIA" : getParameter.call(this, name);
    };
    const counts = { draws: 0, uploads: 0 };
    const { prototype } = WebGL2RenderingContext;
    for (const name of ["drawArrays", "drawElements", "drawArraysInstanced"] as const) {
      const original = prototype[name] as (...args: unknown[]) => void;
      Object.assign(prototype, {
        [name](...args: unknown[]) {
          counts.draws++;
          original.apply(this, args);
        },
      });
    }
    for (const name of ["texImage2D", "texSubImage2D"] as const) {
      const original = prototype[name] as (...args: unknown[]) => void;
      Object.assign(prototype, {
        [name](...args: unknown[]) {
          // A palette takes 4 096 bytes; a tile of this test 65 536.
          const data = args.find(ArrayBuffer.isView);
          if (data && data.byteLength > 32_768) counts.uploads++;
          original.apply(this, args);
        },
      });
    }
    Object.assign(window, { counts });
  };
  const harness = await openViewer(browser, {}, { before: count });
  await showSet(harness);
  await harness.viewer.getByRole("button", { name: "Colours" }).click();
  await harness.page.waitForTimeout(500);
  const counted = () =>
    harness.viewer
      .locator("main")
      .evaluate(() => ({ ...(window as unknown as { counts: object }).counts }));
  const before = (await counted()) as { draws: number; uploads: number };
  expect(before.uploads).toBe(4);
  const changes = [
    () => harness.viewer.getByRole("radio", { name: "magma" }).check(),
    () => harness.viewer.getByRole("slider", { name: "Density" }).fill("1"),
    () => harness.viewer.getByLabel("Interior").fill("#102030"),
    () => harness.viewer.getByRole("slider", { name: /^High limit/ }).fill("100"),
  ];
  for (const [i, change] of changes.entries()) {
    await change();
    const drawn = async () => ((await counted()) as typeof before).draws;
    await expect.poll(drawn, SOON).toBeGreaterThan(before.draws + 4 * i);
    await harness.page.waitForTimeout(300);
    const { draws, uploads } = (await counted()) as typeof before;
    expect(draws - before.draws).toBe(4 * (i + 1));
    expect(uploads).toBe(4);
  }
});

test("each image is equalized by itself, and again when other tiles are seen", async () => {
  const harness = await openViewer(browser, { maxiter: MAXITER });
  await showSet(harness);
  await harness.page.evaluate(() =>
    window.host.api.add_image?.({
      source: window.host.store.source,
      name: "above",
      contrast_limits: [0, 1000],
    }),
  );
  await harness.painted();
  await harness.viewer.getByRole("button", { name: "Colours" }).click();
  const below = harness.viewer.getByRole("region", { name: "mandelbrot" });
  const above = harness.viewer.getByRole("region", { name: "above" });
  await below.getByRole("combobox", { name: "Scaling" }).selectOption("histogram");
  const expected = counts.map((n) =>
    colorOf(n, paletteOf("vikO"), [0, MAXITER], { ...DEFAULT_COLORING, scaling: "logarithmic" }),
  );
  await looksLike(harness, "colours-two", expected);
  await above.getByRole("combobox", { name: "Scaling" }).selectOption("histogram");
  await rests(harness);
  const equalized = seenIn(await harness.page.screenshot());
  await above.getByRole("checkbox", { name: "Visible" }).uncheck();
  await rests(harness);
  // The same tiles, equalized the same way.
  expect(seenIn(await harness.page.screenshot())).toEqual(equalized);
  await harness.page.evaluate(() =>
    window.host.api.set_view_state?.({ center: ["-0.747", "0.1"], width: "0.03" }),
  );
  await harness.viewer.locator('main[data-level="31"]').waitFor();
  await harness.painted();
  // Both ends of the palette are in the picture, though its counts lie close together.
  const deep = PNG.sync.read(await harness.screenshot("colours-equalized-deep"));
  const warmth = (x: number, y: number) => {
    const [red = 0, , blue = 0] = deep.data.subarray((y * 900 + x) * 4);
    return red - blue;
  };
  expect(warmth(60, 150)).toBeLessThan(-40);
  expect(warmth(300, 550)).toBeGreaterThan(40);
  expect(harness.complaints).toEqual([]);
});

const DEEP = { center: ["-0.7453", "0.1127"], width: "0.0005" };

/** How many of the 16 shades of red and of blue are to be seen in a good part of the picture. */
function hues(png: Buffer): number {
  const { data, width, height } = PNG.sync.read(png);
  const seen = new Map<number, number>();
  for (let y = 60; y < height - 60; y += 3) {
    for (let x = 20; x < width - 240; x += 3) {
      const [red = 0, , blue = 0] = data.subarray((y * width + x) * 4);
      const hue = (red >> 4) * 16 + (blue >> 4);
      seen.set(hue, (seen.get(hue) ?? 0) + 1);
    }
  }
  return [...seen.values()].filter((count) => count > 50).length;
}

test("limits follow the picture where that is wanted, until they are set", async () => {
  const look = async (harness: Harness, name: string, follows: boolean) => {
    await harness.viewer.getByRole("button", { name: "Colours" }).click();
    await harness.viewer.getByRole("checkbox", { name: "Follow the picture" }).setChecked(follows);
    await harness.viewer.getByRole("button", { name: "Close Colours" }).click();
    await harness.page.evaluate((place) => window.host.api.set_view_state?.(place), DEEP);
    await harness.viewer.locator('main[data-level="25"]').waitFor();
    await harness.painted();
    await harness.page.waitForTimeout(1500);
    return hues(await harness.screenshot(name));
  };
  const following = await openViewer(browser, { maxiter: MAXITER });
  await showSet(following);
  const followed = await look(following, "colours-following", true);
  const given = await openViewer(browser, { maxiter: MAXITER });
  await showSet(given);
  const kept = await look(given, "colours-given", false);
  expect(followed).toBeGreaterThan(1.5 * kept);

  // Where the same tiles are seen, nothing moves.
  const before = seenIn(await following.page.screenshot());
  await following.page.evaluate(async () => {
    const view = (await window.host.api.get_view_state?.()) as { zoom: number; target: number[] };
    const [x = 0, y = 0] = view.target;
    await window.host.api.set_view_state?.({ zoom: view.zoom, target: [x + 2 ** 20, y] });
  });
  await following.painted();
  await following.page.waitForTimeout(600);
  expect(seenIn(await following.page.screenshot())).toEqual(before);

  // By hand, limits stay where they were put.
  await following.viewer.getByRole("button", { name: "Colours" }).click();
  const follow = following.viewer.getByRole("checkbox", { name: "Follow the picture" });
  expect(await follow.isChecked()).toBe(true);
  await following.viewer.getByRole("slider", { name: /^High limit/ }).fill("900");
  expect(await follow.isChecked()).toBe(false);
  await following.page.waitForTimeout(500);
  await following.viewer.getByRole("slider", { name: "High limit 900" }).waitFor();
  expect(following.complaints).toEqual([]);
}, 150_000); // four large pictures, drawn in software
