import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { type Browser, chromium, type FrameLocator, type Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { bundleScript } from "../../build/bundle";
import type { Size } from "../../src/pyramid";

const here = (path: string) => new URL(path, import.meta.url).pathname;
const SCREENSHOTS = here("../../test-artifacts");

/** A browser with the flags under which WebGL2 works without a graphics card, and others. */
export function launchBrowser(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-angle=swiftshader",
      "--enable-unsafe-swiftshader",
      "--ignore-gpu-blocklist",
      ...flags,
    ],
  });
}

function findChromium(): string {
  const { CHROMIUM } = process.env;
  if (CHROMIUM) return CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome", "chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // not installed under this name
    }
  }
  if (existsSync(chromium.executablePath())) return chromium.executablePath();
  throw new Error("No Chromium was found; install one or name it in CHROMIUM.");
}

/** Runs in the page before its own scripts: the software renderer says that it is a graphics card. */
export function pretendGraphicsCard(): void {
  const UNMASKED_VENDOR_WEBGL = 0x9245;
  const UNMASKED_RENDERER_WEBGL = 0x9246;
  const { getParameter } = WebGL2RenderingContext.prototype;
  WebGL2RenderingContext.prototype.getParameter = function (name) {
    const isName = name === UNMASKED_VENDOR_WEBGL || name === UNMASKED_RENDERER_WEBGL;
    return isName ? "NVIDIA" : getParameter.call(this, name);
  };
}

export interface Harness {
  readonly page: Page;
  readonly viewer: FrameLocator;
  /** What the page logged or threw; empty when all is well. */
  readonly complaints: string[];
  state(name: string): Promise<string>;
  /** Waits until the view is drawn with every tile it wants. */
  painted(): Promise<void>;
  /** Saves a picture for people to look at. */
  screenshot(name: string): Promise<Buffer>;
}

let hostScript: Promise<string> | undefined;

/**
 * A page with the built viewer in a sandboxed iframe, connected, no network within reach.
 *
 * It is closed when the test has finished: what goes on in it would slow down those that follow.
 */
export async function openViewer(
  browser: Browser,
  options: Parameters<Window["startHost"]>[1] = {},
  {
    size = { width: 900, height: 600 },
    before,
    reducedMotion = "no-preference",
  }: { size?: Size; before?: () => void; reducedMotion?: "reduce" | "no-preference" } = {},
): Promise<Harness> {
  hostScript ??= bundleScript(here("./host.ts")).then(({ code }) => code);
  const context = await browser.newContext({ viewport: size, reducedMotion });
  onTestFinished(() => context.close());
  await context.route(/^(?!data:|blob:|about:)/, (route) => route.abort());
  // Runs in every frame before its own scripts.
  if (before) await context.addInitScript(before);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.setContent(
    "<!doctype html><style>body{margin:0}iframe{border:0;width:100vw;height:100vh;display:block}</style>",
  );
  await page.addScriptTag({ content: await hostScript });
  const html = readFileSync(here("../../dist/index.html"), "utf8");
  await page.evaluate(([html, options]) => window.startHost(html, options), [
    html,
    options,
  ] as const);
  const viewer = page.frameLocator("iframe");
  const root = viewer.locator("main.viewer");
  return {
    page,
    viewer,
    complaints,
    state: async (name) => (await root.getAttribute(`data-${name}`)) ?? "",
    painted: () =>
      viewer.locator('main[data-state="idle"][data-complete="true"]').waitFor({ timeout: 30_000 }),
    async screenshot(name) {
      mkdirSync(SCREENSHOTS, { recursive: true });
      return page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
    },
  };
}
