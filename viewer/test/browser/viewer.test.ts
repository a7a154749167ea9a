import type { Browser } from "playwright-core";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { colorOf, DEFAULT_COLORING, INTERIOR } from "../../src/coloring";
import { DEFAULT_ESCAPE_TIME, paletteBytes, paletteOf } from "../../src/palette";
import { escapeTime } from "./fake_stores";
import { type Harness, launchBrowser, openViewer } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** Shows the host's Mandelbrot store and waits until it is drawn. */
async function showSet(harness: Harness, config: object = {}): Promise<string> {
  const id = await harness.page.evaluate(
    (config) => window.host.api.add_image?.({ source: window.host.store.source, ...config }),
    config,
  );
  await harness.painted();
  return id as string;
}

const call = (harness: Harness, method: string, ...args: unknown[]) =>
  harness.page.evaluate(([method, args]) => window.host.api[method]?.(...args), [
    method,
    args,
  ] as const);

const asked = (harness: Harness) => harness.page.evaluate(() => window.host.store.asked);

/** Colours of a screenshot at screen positions. */
function colorsAt(png: Buffer, points: readonly (readonly [number, number])[]) {
  const { width, data } = PNG.sync.read(png);
  return points.map(([x, y]) => {
    const offset = (Math.round(y) * width + Math.round(x)) * 4;
    return [...data.subarray(offset, offset + 3)];
  });
}

/** Where points of the plane are on a screen that shows the whole of the fake set. */
function onScreen(re: number, im: number, [width, height]: readonly [number, number]) {
  const scale = Math.min(width - 16, height - 72) / 5;
  return [width / 2 + re * scale, height / 2 - im * scale] as const;
}

function paletteColor(n: number, maxiter: number): readonly number[] {
  const coloring = { ...DEFAULT_COLORING, scaling: "logarithmic" } as const;
  return colorOf(n, paletteOf(DEFAULT_ESCAPE_TIME), [0, maxiter], coloring);
}

/** Whether colours are the same but for rounding. */
function expectNear(
  seen: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
) {
  expect(seen.length).toBe(expected.length);
  seen.forEach((color, i) => {
    color.forEach((value, j) => {
      expect(Math.abs(value - (expected[i]?.[j] ?? -99)), `${seen} and ${expected}`).toBeLessThan(
        4,
      );
    });
  });
}

describe("the whole set", () => {
  test("is painted after the metadata and four tiles, each asked for once", async () => {
    const harness = await openViewer(browser);
    await showSet(harness);
    const [first, ...tiles] = await asked(harness);
    expect(first).toBe(".zmetadata");
    expect(tiles.sort()).toEqual(["39/0.0", "39/0.1", "39/1.0", "39/1.1"]);
    expect(harness.complaints).toEqual([]);
  });

  test("is painted without a question from what comes with the image", async () => {
    const harness = await openViewer(browser);
    await harness.page.evaluate(async () => {
      const { source, asked } = window.host.store;
      const getItem = source.getItem as (key: string) => Promise<ArrayBuffer | null>;
      const keys = [".zmetadata", "39/0.0", "39/0.1", "39/1.0", "39/1.1"];
      const values = await Promise.all(keys.map(async (key) => [key, await getItem(key)]));
      asked.length = 0;
      source.items = Object.fromEntries(values);
    });
    await showSet(harness);
    expect(await asked(harness)).toEqual([]);
    expectNear(colorsAt(await harness.screenshot("early"), [onScreen(-0.1, 0, [900, 600])]), [
      INTERIOR,
    ]);
  });

  test("is there before the controls are", async () => {
    const watch = () => {
      new MutationObserver((_, observer) => {
        if (!document.querySelector('main[data-complete="true"]')) return;
        observer.disconnect();
        const controls = document.querySelectorAll(".toolbar, .status").length;
        Object.assign(window, { controlsAtFirst: controls });
      }).observe(document, { attributes: true, childList: true, subtree: true });
    };
    const harness = await openViewer(browser, {}, { before: watch });
    await showSet(harness);
    await harness.viewer.locator(".toolbar").waitFor();
    await harness.viewer.locator(".status").waitFor();
    const atFirst = () => (window as unknown as { controlsAtFirst: number }).controlsAtFirst;
    expect(await harness.viewer.locator("main").evaluate(atFirst)).toBe(0);
  });

  test("is not waited for by the controls where it is long in coming", async () => {
    const harness = await openViewer(browser, { delay: 60_000 });
    await harness.page.evaluate(() =>
      window.host.api.add_image?.({ source: window.host.store.source }),
    );
    await harness.viewer.locator(".toolbar").waitFor();
    expect(await harness.state("painted")).toBe("0");
    expect(await harness.viewer.locator("canvas").isVisible()).toBe(false);
  });

  test.each([255, 1000])("has the right colours at maxiter %i", async (maxiter) => {
    const harness = await openViewer(browser, { maxiter });
    await showSet(harness, { contrast_limits: [0, maxiter] });
    const png = await harness.screenshot(`whole-set-${maxiter}`);
    const points = [
      [-0.1, 0],
      [-1, 0.1],
      [-0.12, 0.75],
      [-0.12, -0.75],
      [0.9, 0.9],
      [-2.2, 1.2],
      [1.7, -1.9],
      [0.6, 0.2],
    ] as const;
    const expected = points.map(([re, im]) => {
      const n = escapeTime(re, im, maxiter);
      return n === maxiter ? [...INTERIOR] : paletteColor(n, maxiter);
    });
    const seen = colorsAt(
      png,
      points.map(([re, im]) => onScreen(re, im, [900, 600])),
    );
    expectNear(seen, expected);
  });

  test("is painted too where the host page forbids workers", async () => {
    const forbid = () => {
      window.Worker = class extends EventTarget {
        constructor() {
          super();
          setTimeout(() => this.dispatchEvent(new Event("error")));
        }
      } as unknown as typeof Worker;
    };
    const harness = await openViewer(browser, {}, { before: forbid });
    await showSet(harness);
    // The browser tells of it on its own time.
    await expect
      .poll(() => harness.complaints.join(), { timeout: 10_000 })
      .toContain("decoded on the main thread");
  });

  test("fits a narrow screen", async () => {
    const harness = await openViewer(browser, {}, { size: { width: 320, height: 480 } });
    await showSet(harness);
    await harness.viewer.getByRole("button", { name: "Colours" }).click();
    await harness.screenshot("narrow");
    const overflow = await harness.viewer
      .locator("main")
      .evaluate((main) => main.scrollWidth > main.clientWidth);
    expect(overflow).toBe(false);
  });
});

describe("moving", () => {
  test("the wheel zooms in; finer tiles are asked for and drawn", async () => {
    const harness = await openViewer(browser);
    await showSet(harness);
    await harness.page.mouse.move(...onScreen(-0.75, 0.1, [900, 600]));
    for (let i = 0; i < 30; i++) {
      await harness.page.mouse.wheel(0, -120);
      await harness.page.waitForTimeout(30);
    }
    await harness.page.waitForTimeout(300);
    await harness.painted();
    await harness.screenshot("zoomed");
    const keys = (await asked(harness)).slice(1);
    const levels = keys.map((key) => Number(key.split("/")[0]));
    expect(Math.min(...levels)).toBeLessThan(36);
    const [loaded, cancelled] = [await harness.state("loaded"), await harness.state("cancelled")];
    // Some are cancelled on their way to the worker, before it asks.
    expect(keys.length).toBeLessThanOrEqual(Number(loaded) + Number(cancelled));
    expect(keys.length).toBeGreaterThanOrEqual(Number(loaded));
    console.info(`zooming in: ${loaded} tiles loaded, ${cancelled} requests cancelled`);
    const status = await harness.viewer.getByLabel("Position").innerText();
    expect(status).toMatch(/^−0\.7/);
    expect(harness.complaints).toEqual([]);
  });

  test("a view state that is set is got back, and not told back", async () => {
    const harness = await openViewer(browser);
    await showSet(harness);
    await harness.page.evaluate(() =>
      window.host.api.on_view_state?.({
        _rintf: true,
        changed: async (view: unknown) => window.host.views.push(view),
      }),
    );
    await harness.page.waitForTimeout(200);
    const before = await harness.page.evaluate(() => window.host.views.length);
    const side = 256 * 2 ** 40;
    const view = { zoom: -37, target: [side * 0.35, side * 0.5] };
    await call(harness, "set_view_state", view);
    await harness.painted();
    await harness.page.waitForTimeout(300);
    expect(await call(harness, "get_view_state")).toMatchObject(view);
    expect(await harness.page.evaluate(() => window.host.views.length)).toBe(before);

    await harness.page.mouse.move(450, 300);
    await harness.page.mouse.down();
    await harness.page.mouse.move(350, 300, { steps: 50 });
    await harness.page.waitForTimeout(300);
    await harness.page.mouse.up();
    await harness.page.waitForTimeout(500);
    const told = (await harness.page.evaluate(() => window.host.views)) as (typeof view)[];
    expect(told.length).toBeGreaterThan(before);
    const moved = ((told.at(-1)?.target[0] ?? 0) - side * 0.35) / 2 ** 37;
    // deck.gl takes the first few pixels to see that it is a drag.
    expect(moved).toBeGreaterThan(90);
    expect(moved).toBeLessThanOrEqual(100);
  });

  test("tiles that left the view are cancelled all the way", async () => {
    const harness = await openViewer(browser, { delay: 2000 });
    await showSet(harness);
    const side = 256 * 2 ** 40;
    await call(harness, "set_view_state", { zoom: -36, target: [side * 0.3, side * 0.5] });
    await harness.page.waitForTimeout(1000);
    await call(harness, "set_view_state", { zoom: -36, target: [side * 0.7, side * 0.5] });
    await harness.painted();
    expect(Number(await harness.state("cancelled"))).toBeGreaterThan(0);
    const cancelled = await harness.page.evaluate(() => window.host.store.cancelled.length);
    expect(cancelled).toBe(Number(await harness.state("cancelled")));
  });

  test("coarser tiles stay while finer ones are on their way", async () => {
    const harness = await openViewer(browser, { delay: 1500 });
    await showSet(harness);
    const side = 256 * 2 ** 40;
    await call(harness, "set_view_state", { zoom: -38, target: [side * 0.5, side * 0.5] });
    await harness.page.waitForTimeout(700);
    expect(await harness.state("complete")).toBe("false");
    const png = await harness.screenshot("coarse-first");
    // The centre of the plane lies inside the set; well to its right lies outside.
    const [inside, outside] = colorsAt(png, [
      [440, 290],
      [780, 290],
    ]);
    expect(inside).toEqual([...INTERIOR]);
    expect(outside).not.toEqual([...INTERIOR]);
    expect(outside?.some((value) => value > 60)).toBe(true);
    await harness.painted();
  });
});

describe("trouble", () => {
  test("a failed tile is marked, explained and tried again on request", async () => {
    const harness = await openViewer(browser);
    await harness.page.evaluate(() => window.host.store.broken.push("39/0.1"));
    await harness.page.evaluate(() =>
      window.host.api.add_image?.({ source: window.host.store.source }),
    );
    const notice = harness.viewer.locator(".failed-notice");
    await notice.waitFor();
    expect(await notice.innerText()).toContain("A tile could not be loaded: no tile 39/0.1 today");
    expect(await harness.viewer.locator(".failed-tile").count()).toBe(1);
    await harness.screenshot("failed-tile");
    // After four attempts the next one by itself is eight seconds away: the button is faster.
    await harness.page.waitForFunction(
      () => window.host.store.asked.filter((key) => key === "39/0.1").length === 4,
    );
    await harness.page.evaluate(() => window.host.store.broken.pop());
    await notice.getByRole("button", { name: "Try again" }).click();
    await harness.painted();
    expect(await notice.count()).toBe(0);
  });

  test("a failed tile comes by itself once it can", async () => {
    const harness = await openViewer(browser);
    await harness.page.evaluate(() => window.host.store.broken.push("39/0.1"));
    await harness.page.evaluate(() =>
      window.host.api.add_image?.({ source: window.host.store.source }),
    );
    await harness.viewer.locator(".failed-notice").waitFor();
    await harness.page.evaluate(() => window.host.store.broken.pop());
    await harness.painted();
  });

  test("a source that holds nothing is a sentence with a retry", async () => {
    const harness = await openViewer(browser);
    const error = await harness.page.evaluate(async () => {
      const source = { _rintf: true, _rtype: "zarr-group", getItem: async () => null };
      try {
        await window.host.api.add_image?.({ source, name: "nothing" });
        return "";
      } catch (error) {
        return String(error);
      }
    });
    expect(error).toContain("holds no Zarr metadata");
    const alert = harness.viewer.getByRole("alert");
    expect(await alert.innerText()).toContain("nothing could not be opened. The source holds no");
    await harness.screenshot("no-metadata");
    await alert.getByRole("button", { name: "Dismiss" }).click();
    expect(await alert.innerText()).toBe("");
  });
});

describe("appearance", () => {
  test("a translucent image shows no seam between levels", async () => {
    const harness = await openViewer(browser, { delay: 10 });
    await showSet(harness, { opacity: 0.5, colormap: "viridis" });
    const before = colorsAt(await harness.screenshot("translucent"), [[450, 300]]);
    const side = 256 * 2 ** 40;
    await harness.page.evaluate(() => window.host.store.broken.push("38/1.1"));
    await call(harness, "set_view_state", { zoom: -38.2, target: [side * 0.5, side * 0.5] });
    await harness.viewer.locator(".failed-notice").waitFor();
    const seen = async () => colorsAt(await harness.screenshot("translucent-mixed"), [[455, 305]]);
    await expect.poll(seen, { timeout: 10_000 }).toEqual(before);
  });

  test("an image can be changed and removed", async () => {
    const harness = await openViewer(browser);
    const id = await showSet(harness);
    const requests = (await asked(harness)).length;
    await call(harness, "update_image", id, { colormap: "viridis", contrast_limits: [0, 20] });
    await harness.page.waitForTimeout(300);
    const [far] = colorsAt(await harness.screenshot("viridis"), [onScreen(2.3, 2.3, [900, 600])]);
    expect(far).toEqual([...paletteBytes("viridis").subarray(0, 3)]);
    expect((await asked(harness)).length).toBe(requests);
    await call(harness, "remove_image", id);
    await harness.viewer.locator('main[data-state="empty"]').waitFor();
  });
});
