import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Harness, launchBrowser, openViewer } from "./page";
import type { Request } from "./pattern";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** A viewer over a slow kernel: two threads, a fifth of a second for every tile. */
async function open(): Promise<Harness> {
  const pattern = { levels: 40, floor: -400, delay: 200, threads: 2 };
  const harness = await openViewer(browser, { pattern });
  await harness.page.evaluate(() =>
    window.host.api.add_image?.({ source: window.host.store.source, color: [255, 255, 255] }),
  );
  await harness.painted();
  return harness;
}

const requests = (harness: Harness): Promise<Request[]> =>
  harness.page.evaluate(() => [...window.host.store.requests.values()]);
const clock = (harness: Harness) => harness.page.evaluate(() => performance.now());
const levelOf = ({ key }: Request) => Number(key.split("/")[0]);

/** For a message to get from the camera through worker and RPC to the store, on a busy machine. */
const ON_THE_WAY = 400;

test("after zooming in by ten levels, no tile of a passed level is computed", async () => {
  const harness = await open();
  const start = Number(await harness.state("level"));
  await harness.page.mouse.move(440, 290);
  let goal = start;
  for (let notch = 0; notch < 20; notch++) {
    await harness.page.mouse.wheel(0, -120);
    await harness.page.waitForTimeout(90);
  }
  await harness.page.waitForTimeout(ON_THE_WAY);
  const stopped = await clock(harness);
  await harness.page.waitForTimeout(ON_THE_WAY);
  await harness.painted();
  goal = Number(await harness.state("level"));
  expect(start - goal).toBeGreaterThanOrEqual(9);

  const all = await requests(harness);
  const passed = all.filter((request) => levelOf(request) > goal && levelOf(request) < start);
  console.info(
    `passed ${start - goal} levels: ${passed.length} tiles asked for on the way, ` +
      `${passed.filter(({ done }) => done).length} computed, all while they were in view`,
  );
  // What was cancelled is not begun, and what had been begun is not finished.
  for (const { key, cancelled, started, done } of passed) {
    if (cancelled === undefined) continue;
    expect(started === undefined || started <= cancelled, key).toBe(true);
    expect(done === undefined || done <= cancelled, key).toBe(true);
  }
  // Everything of a passed level is done or cancelled by the time the camera rests.
  for (const request of passed) {
    const settled = request.done ?? request.cancelled ?? Number.POSITIVE_INFINITY;
    expect(settled, request.key).toBeLessThan(stopped);
  }
  // The kernel's threads are free for the level that is wanted: no more work than its tiles.
  const late = all.filter(({ started = 0 }) => started > stopped);
  expect(late.every((request) => levelOf(request) === goal)).toBe(true);
});

test("what is nearest to the middle comes first, and neighbours when that is done", async () => {
  const harness = await open();
  await harness.page.evaluate(() =>
    window.host.api.set_view_state?.({ center: ["-0.7512345", "0.1012345"], width: "1e-7" }),
  );
  await harness.page.waitForTimeout(300);
  await harness.painted();
  const level = Number(await harness.state("level"));
  const at = async (which: number) =>
    (await requests(harness)).filter((request) => levelOf(request) === which);
  // As nothing of the place was here, a look at a few coarser tiles came first.
  const look = await at(level + 2);
  expect(look.length).toBeGreaterThan(0);
  const inView = (await at(level)).filter(({ done }) => done).length;
  expect(look.length).toBeLessThan(inView / 2);
  for (const { started = 0 } of await at(level)) {
    expect(started).toBeGreaterThanOrEqual(Math.min(...look.map(({ started = 0 }) => started)));
  }
  const size = { width: 900, height: 600 };
  // Idle for as long as a ring of neighbours takes.
  await harness.page.waitForTimeout(3000);
  const tiles = await at(level);
  const wanted = tiles.slice(0, inView);
  const around = tiles.slice(wanted.length);
  expect(around.length).toBeGreaterThan(4);
  expect(await harness.state("state")).toBe("idle");
  const distances = wanted.map(({ key }) => {
    const [row = 0n, column = 0n] = (key.split("/")[1] ?? "").split(".").map(BigInt);
    // Where the middle of the view lies in this level's tiles, in plain float64.
    const across = 2 ** (40 - level);
    const x = ((-0.7512345 + 2.5) / 5) * across;
    const y = ((2.5 - 0.1012345) / 5) * across;
    return Math.hypot(Number(column) + 0.5 - x, Number(row) + 0.5 - y);
  });
  expect(wanted.length).toBeGreaterThan(size.width / 512);
  expect(distances).toEqual([...distances].sort((a, b) => a - b));
  const lastWanted = Math.max(...wanted.map(({ done = 0 }) => done));
  for (const { asked } of around) expect(asked).toBeGreaterThan(lastWanted);
  // Moving there, they are here already: the picture is whole at once, and nothing is asked twice.
  await harness.viewer.locator(".stage").focus();
  await harness.page.keyboard.press("Shift+ArrowRight");
  await harness.page.keyboard.press("ArrowRight");
  await harness.painted();
  const keys = (await requests(harness)).map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
});

test("tiles on the way are told of, fewer and fewer, and then no more", async () => {
  const harness = await open();
  const activity = harness.viewer.locator("footer .activity");
  await expect.poll(() => activity.textContent()).toBe("");
  await harness.page.evaluate(() =>
    window.host.api.set_view_state?.({ center: ["-0.7512345", "0.1012345"], width: "1e-7" }),
  );
  const told = new Set<number>();
  await expect
    .poll(
      async () => {
        const text = (await activity.textContent()) ?? "";
        if (text !== "") told.add(Number(/^(\d+) tiles? on the way$/.exec(text)?.[1]));
        return text === "" && told.size > 0;
      },
      { timeout: 20_000, interval: 50 },
    )
    .toBe(true);
  expect(told.size).toBeGreaterThan(2);
  expect(Math.min(...told)).toBeGreaterThan(0);
  expect(await harness.state("state")).toBe("idle");
});
