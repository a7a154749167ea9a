import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GALLERY } from "../../src/gallery";
import { parseLocation } from "../../src/location_text";
import { escapeTime } from "./fake_stores";
import { type Harness, launchBrowser, openViewer } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** Journeys take seconds, and are the same to every place: but for one test they are left out. */
const AT_ONCE = { reducedMotion: "reduce" } as const;

async function open(options: Parameters<typeof openViewer>[2] = AT_ONCE): Promise<Harness> {
  const harness = await openViewer(browser, { maxiter: 1000 }, options);
  await harness.page.evaluate(() =>
    window.host.api.add_image?.({ source: window.host.store.source }),
  );
  await harness.painted();
  return harness;
}

interface View {
  center: [string, string];
  width: string;
}

const view = (harness: Harness) =>
  harness.page.evaluate(() => window.host.api.get_view_state?.()) as unknown as Promise<View>;

/** Waits until the camera has come to rest at a place. */
async function arrived(harness: Harness, re: number, im: number, width: number): Promise<void> {
  await expect
    .poll(
      async () => {
        const { center, width } = await view(harness);
        return [...center, width].map((text) => Number(Number(text).toPrecision(4)));
      },
      { timeout: 20_000 },
    )
    .toEqual([re, im, width]);
  await harness.painted();
}

async function paste(harness: Harness, text: string): Promise<void> {
  await harness.viewer.getByLabel("Real part").evaluate((field, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text", text);
    field.dispatchEvent(
      new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }),
    );
  }, text);
}

const openPlaces = (harness: Harness) =>
  harness.viewer.getByRole("button", { name: "Places", exact: true }).click();

describe("where the view is", () => {
  test("the count under the pointer is that of the tile data", async () => {
    const harness = await open();
    const position = harness.viewer.getByLabel("Position");
    for (const [x, y] of [
      [520, 180],
      [300, 420],
      [610, 90],
    ] as const) {
      await harness.page.mouse.move(x, y);
      await harness.page.waitForTimeout(100);
      const text = (await position.innerText()).replaceAll("−", "-");
      const [, re, sign, im] = /(-?[\d.]+) ([+-]) ([\d.]+) i/.exec(text) ?? [];
      // Level 39 has 512 pixels over 5 units: the value is that of the middle of its pixel.
      const middle = (value: number) => (Math.floor((value / 5) * 512) + 0.5) * (5 / 512);
      const n = escapeTime(middle(Number(re)), middle(Number(`${sign}${im}`)), 1000);
      expect(text).toContain(`n = ${n}`);
    }
    await harness.page.mouse.move(440, 300);
    await expect.poll(() => position.innerText()).toContain("did not escape");
  });

  test("the location is copied as text that can be pasted again", async () => {
    const harness = await open();
    await openPlaces(harness);
    await paste(harness, "-0.7436 + 0.1318i @ 0.001");
    await arrived(harness, -0.7436, 0.1318, 0.001);
    await harness.viewer.getByRole("button", { name: "Copy" }).click();
    await harness.viewer.getByText("The location is on the clipboard.").waitFor();
    // Into a field of the page around the viewer, as a person would.
    await harness.page.evaluate(() => {
      const field = document.createElement("textarea");
      document.body.append(field);
      field.focus();
    });
    await harness.page.keyboard.press("Control+V");
    const copied = await harness.page.locator("textarea").inputValue();
    expect(copied).toMatch(/^re: -0\.7436\d*\nim: 0\.1318\d*\nwidth: [\d.e-]+$/);
    const { width } = parseLocation(copied);
    expect(Number(width)).toBeCloseTo(0.001, 9);
  });
});

describe("going elsewhere", () => {
  test("a pasted location is gone to, in the forms that people use", async () => {
    const harness = await open();
    await openPlaces(harness);
    await paste(harness, "Re: -1.25\nIm: 0.02\nZoom: 2E3\nIterations: 5000\n");
    await arrived(harness, -1.25, 0.02, 0.003);
    await paste(harness, "0.282, 0.0105, 0.03");
    await arrived(harness, 0.282, 0.0105, 0.03);
    expect(await harness.viewer.getByLabel("Real part").inputValue()).toMatch(/^0\.282/);
    await harness.viewer.getByRole("button", { name: "Back" }).click();
    await arrived(harness, -1.25, 0.02, 0.003);
    expect(harness.complaints).toEqual([]);
  });

  test("a typed location is travelled to; a mistake is a sentence", async () => {
    const harness = await open({});
    await harness.viewer.locator(".stage").focus();
    await harness.page.keyboard.press("g");
    const width = harness.viewer.getByLabel("Width");
    await width.fill("a lot");
    await width.press("Enter");
    const alert = harness.viewer.locator(".trouble");
    expect(await alert.innerText()).toContain("a lot is no number; write one such as");
    await harness.screenshot("places-mistake");
    await harness.viewer.getByLabel("Real part").fill("-0.75");
    await harness.viewer.getByLabel("Imaginary part").fill("0.1");
    await width.fill("0.05");
    await width.press("Enter");
    await arrived(harness, -0.75, 0.1, 0.05);
    expect(await alert.count()).toBe(1);
    expect(await alert.innerText()).toBe("");
  });

  test("deeper than the image goes, the viewer goes as near as it can and says so", async () => {
    const harness = await open();
    await openPlaces(harness);
    await paste(harness, "-0.75 + 0.1i @ 1e-60");
    await harness.viewer.getByText("as near as it goes").waitFor();
    await expect
      .poll(async () => Number((await view(harness)).width), { timeout: 20_000 })
      .toBeLessThan(1e-10);
    expect(Number((await view(harness)).width)).toBeGreaterThan(1e-15);
  });

  test("the gallery leads to places, and the map back out", async () => {
    const harness = await open();
    await openPlaces(harness);
    const gallery = harness.viewer.getByRole("region", { name: "Gallery" });
    expect(await gallery.getByRole("button").count()).toBeGreaterThanOrEqual(12);
    expect(await gallery.getByRole("button", { name: "Deep, 1e-50" }).isDisabled()).toBe(true);
    await gallery.getByRole("button", { name: "Seahorse valley" }).click();
    await arrived(harness, -0.747, 0.1, 0.03);
    await harness.page.keyboard.press("Escape");
    const map = harness.viewer.getByRole("button", { name: /^Map/ });
    await harness.screenshot("mini-map");
    await map.click({ position: { x: 55, y: 39 } });
    await expect
      .poll(async () => Number((await view(harness)).width), { timeout: 20_000 })
      .toBeCloseTo(0.9, 3);
    const [re = 0, im = 1] = (await view(harness)).center.map(Number);
    expect(Math.abs(re + 0.6)).toBeLessThan(0.1);
    expect(Math.abs(im)).toBeLessThan(0.1);
  });
});

describe("where there is no floor", () => {
  test("a deep place is gone to and told with all the digits that it deserves", async () => {
    const pattern = { levels: 40, floor: -1100 };
    const harness = await openViewer(browser, { pattern }, AT_ONCE);
    await harness.page.evaluate(() =>
      window.host.api.add_image?.({ source: window.host.store.source }),
    );
    await harness.painted();
    await openPlaces(harness);
    const deep = GALLERY.find(({ name }) => name === "Deep, 1e-113");
    if (!deep) throw new Error("the gallery has no deep place");
    await harness.viewer.getByRole("button", { name: "Deep, 1e-113" }).click();
    await expect
      .poll(async () => (await view(harness)).width, { timeout: 30_000 })
      .toMatch(/^(8|7\.9999\d*|8\.0000\d*)e-114$/);
    await harness.painted();
    const shown = await harness.viewer.getByLabel("Real part").inputValue();
    const digits = Math.min(shown.length, deep.center[0].length) - 1;
    expect(digits).toBeGreaterThan(116);
    expect(shown.slice(0, digits)).toBe(deep.center[0].slice(0, digits));
    expect(await harness.viewer.getByLabel("Width").inputValue()).toBe("8e-114");
    const position = harness.viewer.getByLabel("Position").locator("span").first();
    expect(await position.innerText()).toMatch(/^−1\.4798157…\d{7} − 0\.0006391…\d{7} i$/);
    expect((await position.getAttribute("title"))?.length).toBeGreaterThan(230);
    await harness.screenshot("places-deep");
    expect(harness.complaints).toEqual([]);
  });
});

describe("keeping", () => {
  test("a bookmark is kept with its picture, told, renamed, visited and removed", async () => {
    const harness = await open();
    await harness.page.evaluate(() =>
      window.host.api.on_bookmarks?.({
        _rintf: true,
        changed: async (bookmarks: unknown) => window.host.views.push(bookmarks),
      }),
    );
    await openPlaces(harness);
    await paste(harness, "-0.747, 0.1, 0.03");
    await arrived(harness, -0.747, 0.1, 0.03);
    await harness.viewer.getByRole("button", { name: "Bookmark", exact: true }).click();
    await harness.viewer.getByText("Kept as Place 1.").waitFor();
    const told = await harness.page.evaluate(() => {
      const [bookmark] = window.host.views.at(-1) as { thumbnail: ArrayBuffer; name: string }[];
      return { ...bookmark, thumbnail: [...new Uint8Array(bookmark?.thumbnail ?? [])] };
    });
    expect(told).toMatchObject({ name: "Place 1", center: ["-0.747", "0.1"] });
    const thumbnail = PNG.sync.read(Buffer.from(told.thumbnail));
    expect([thumbnail.width, thumbnail.height]).toEqual([132, 88]);
    const colors = new Set(
      Array.from({ length: 500 }, (_, i) => thumbnail.data.readUInt32BE(i * 92)),
    );
    expect(colors.size).toBeGreaterThan(20);
    console.info(`a thumbnail takes ${told.thumbnail.length} bytes`);

    const name = harness.viewer.getByLabel("Name of Place 1");
    await name.fill("Seahorses");
    await name.press("Tab");
    await harness.viewer.getByRole("button", { name: "Show all" }).click();
    await expect.poll(async () => Number((await view(harness)).width)).toBeGreaterThan(5);
    await harness.viewer.getByRole("button", { name: "Go to Seahorses" }).click();
    await arrived(harness, -0.747, 0.1, 0.03);
    await harness.screenshot("bookmark");
    await harness.viewer.getByRole("button", { name: "Remove Seahorses" }).click();
    const lists = await harness.page.evaluate(() => window.host.views as { name: string }[][]);
    expect(lists.map((list) => list.map((bookmark) => bookmark.name))).toEqual([
      ["Place 1"],
      ["Seahorses"],
      [],
    ]);
    expect(harness.complaints).toEqual([]);
  });

  test("bookmarks that the notebook holds are there, and not told back", async () => {
    const harness = await open();
    await harness.page.evaluate(async () => {
      await window.host.api.on_bookmarks?.({
        _rintf: true,
        changed: async (bookmarks: unknown) => window.host.views.push(bookmarks),
      });
      await window.host.api.set_bookmarks?.([
        { name: "Elephants", center: ["0.282", "0.0105"], width: "0.03" },
      ]);
    });
    await openPlaces(harness);
    await harness.viewer.getByRole("button", { name: "Go to Elephants" }).click();
    await arrived(harness, 0.282, 0.0105, 0.03);
    expect(await harness.page.evaluate(() => window.host.views)).toEqual([]);
  });

  test("the picture is saved as PNG and taken over RPC, its location inside", async () => {
    const harness = await open();
    const started = harness.page.waitForEvent("download");
    await harness.viewer.locator(".stage").focus();
    await harness.page.keyboard.press("s");
    const download = await started;
    expect(download.suggestedFilename()).toMatch(/^mandelbrot_.*\.png$/);
    const saved = readFileSync(await download.path());
    expect(saved.toString("latin1")).toMatch(
      /iTXtLocation\0+re: -?[\d.]+\nim: [\s\S]*maxiter: 1000/,
    );

    const bytes = (await harness.page.evaluate(async () => [
      ...new Uint8Array((await window.host.api.screenshot?.()) as ArrayBuffer),
    ])) as number[];
    const taken = PNG.sync.read(Buffer.from(bytes));
    expect([taken.width, taken.height]).toEqual([900, 600]);
    const seen = PNG.sync.read(await harness.screenshot("saved"));
    for (const [x, y] of [
      [440, 300],
      [520, 180],
      [300, 420],
      [100, 100],
    ] as const) {
      const at = (y * 900 + x) * 4;
      expect([...taken.data.subarray(at, at + 3)]).toEqual([...seen.data.subarray(at, at + 3)]);
    }
  });
});
