import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, openViewer } from "./page";

const MEGABYTE = 2 ** 20;
const TILE = 2048;
/** What the README states: decoded tiles, and textures, beside what is on screen. */
const KEPT = { decoded: 256, textures: 64 };
/** Tiles on a screen of 900 x 600, at most: decoded of 4 MB each, and painted in software of 16. */
const ON_SCREEN = 4 * 4 + 1;
const ON_SCREEN_PAINTED = 4 * 16 + 1;
/** The page itself, with deck.gl and everything else that is no pixel. */
const PAGE = 64;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser(["--enable-precise-memory-info", "--js-flags=--expose-gc"]);
});
afterAll(() => browser.close());

declare global {
  interface Window {
    gc(): void;
    /** Bytes of all textures, now and at most. */
    textures: { bytes: number; most: number };
  }
}

/** Runs in the page before its own scripts. */
function countTextures(): void {
  window.textures = { bytes: 0, most: 0 };
  const sizes = new WeakMap<WebGLTexture, number>();
  const context = WebGL2RenderingContext.prototype;
  const { texStorage2D, deleteTexture } = context;
  const count = (bytes: number) => {
    const { textures } = window;
    textures.bytes += bytes;
    textures.most = Math.max(textures.most, textures.bytes);
  };
  context.texStorage2D = function (target, levels, format, width, height) {
    const texture = this.getParameter(this.TEXTURE_BINDING_2D);
    const bytes = width * height * (format === this.R8UI ? 1 : 4);
    sizes.set(texture, bytes);
    count(bytes);
    texStorage2D.call(this, target, levels, format, width, height);
  };
  context.deleteTexture = function (texture) {
    if (texture) count(-(sizes.get(texture) ?? 0));
    deleteTexture.call(this, texture);
  };
}

test("a flight over more tiles than are kept: memory and textures stay within their bounds", async () => {
  const pattern = { levels: 40, floor: -400, tilesize: TILE };
  const harness = await openViewer(browser, { pattern }, { before: countTextures });
  await harness.page.evaluate(() =>
    window.host.api.add_image?.({ source: window.host.store.source }),
  );
  await harness.painted();
  const main = harness.viewer.locator("main");
  const loaded = async () => Number(await harness.state("loaded"));
  const memory = () =>
    main.evaluate(() => {
      window.gc();
      const { usedJSHeapSize } = (performance as unknown as { memory: { usedJSHeapSize: number } })
        .memory;
      return { decoded: usedJSHeapSize, ...window.textures };
    });
  const enough = (1.25 * KEPT.decoded) / 4;
  let digits = 1234567;
  for (let leg = 0; (await loaded()) < enough; leg++) {
    digits = (digits * 48271) % 2147483647;
    const center = [`-0.${digits}`, `0.${String(digits).split("").reverse().join("")}`];
    await harness.page.evaluate(
      ({ center, width }) => window.host.api.set_view_state?.({ center, width }),
      { center, width: `1e-${10 + (leg % 40)}` },
    );
    await harness.page.waitForTimeout(80);
    await harness.painted();
  }
  const used = await memory();
  console.info(
    `${await loaded()} tiles of 4 MB: ${Math.round(used.decoded / MEGABYTE)} MB of memory, ` +
      `${Math.round(used.most / MEGABYTE)} MB of textures at most`,
  );
  expect(used.decoded / MEGABYTE).toBeLessThan(KEPT.decoded + ON_SCREEN + PAGE);
  expect(used.most / MEGABYTE).toBeLessThan(KEPT.textures + ON_SCREEN_PAINTED);
  // The bounds were reached, and so are seen to hold.
  expect(used.decoded / MEGABYTE).toBeGreaterThan(0.9 * KEPT.decoded);
  expect(used.most / MEGABYTE).toBeGreaterThan(0.9 * KEPT.textures);

  // Taken away, an image leaves nothing behind.
  await harness.page.evaluate(() => window.host.api.remove_image?.("image-1"));
  await expect.poll(async () => (await memory()).decoded / MEGABYTE).toBeLessThan(PAGE);
  expect((await memory()).bytes / MEGABYTE).toBeLessThan(1);
  expect(harness.complaints).toEqual([]);
});
