import { describe, expect, test } from "vitest";
import { locationText, parseLocation, resolveLocation } from "../../src/location_text";

const SEAHORSE = { center: ["-0.743643887037151", "0.131825904205330"], width: "1e-10" };
const [RE, IM] = SEAHORSE.center as [string, string];

describe("a location is read", () => {
  test.each([
    `${RE} + ${IM}i @ 1e-10`,
    `${RE}+${IM}i, 1e-10`,
    `(${RE}+${IM}j) width 1e-10`,
    `${RE} + ${IM}*I; width=1e-10`,
    `${RE.replace("-", "−")} + ${IM} i\n1 × 10⁻¹⁰`.replace("1 ×", "1×"),
    `${RE}, ${IM}, 1e-10`,
    `${RE} ${IM} 1E-10`,
    `[${RE}; ${IM}; 1e-10]`,
    `re: ${RE}\nim: ${IM}\nwidth: 1e-10`,
    `width = 1e-10, im = ${IM}, re = ${RE}`,
    `{"re": "${RE}", "im": "${IM}", "width": "1e-10"}`,
    `{"center": [1, 2], "re": ${RE}, "im": ${IM}, "width": 1e-10, "maxiter": 5000}`,
    `https://example.org/?re=${RE}&im=${IM}&width=1e-10&colour=3`,
    `;comment\n(initstate)\n(view ${RE} ${IM} 1e-10 1e-10)\n(maxiter 500)`,
  ])("from %j", (text) => {
    const { center, width } = parseLocation(text);
    expect(center).toEqual(SEAHORSE.center);
    expect(Number(width)).toBe(1e-10);
  });

  test("from the lines of a .kfr file, whose zoom shows a square of 4 / zoom", () => {
    const kfr = `Re: ${RE}\r\nIm: ${IM}\r\nZoom: 2.5E10\r\nIterations: 5000\r\nColors: 1,2,3,\r\n`;
    const written = parseLocation(kfr);
    expect(written.center).toEqual(SEAHORSE.center);
    expect(written.extent).toBe("1.6e-10");
    const wide = resolveLocation(written, { width: 900, height: 600 }, "5");
    expect(Number(wide.width)).toBeCloseTo(2.4e-10, 20);
    const tall = resolveLocation(written, { width: 300, height: 600 }, "5");
    expect(Number(tall.width)).toBeCloseTo(1.6e-10, 20);
  });

  test("from the TOML of other explorers", () => {
    const toml = `real = "-1.25"\nimag = "0.02"\nzoom = "4e300"\niterations = 4036\n`;
    expect(parseLocation(toml)).toEqual({ center: ["-1.25", "0.02"], extent: "1e-300" });
  });

  test("with every digit that it has", () => {
    const digits = `-1.${"749271".repeat(200)}`;
    expect(parseLocation(`${digits} + 0.${"03".repeat(500)}i`).center).toEqual([
      digits,
      `0.${"03".repeat(500)}`,
    ]);
  });

  test("with short forms of the imaginary part, and without a width", () => {
    expect(parseLocation("-0.75 + 0.1i")).toEqual({ center: ["-0.75", "0.1"] });
    expect(parseLocation("-0.75-.1i")).toEqual({ center: ["-0.75", "-.1"] });
    expect(parseLocation("0 + i")).toEqual({ center: ["0", "1"] });
    expect(parseLocation("0.25 - i")).toEqual({ center: ["0.25", "-1"] });
    expect(parseLocation("-2 0")).toEqual({ center: ["-2", "0"] });
  });

  test("and written so that it is read again", () => {
    const location = { center: ["-0.75", "1e-300"], width: "3.5e-290" } as const;
    expect(parseLocation(locationText(location))).toEqual(location);
  });
});

describe("what is no location", () => {
  test.each(["", "   ", "hello", "0.1", "1 2 3 4", "-0.75 + 0.1k", "re: 1", "im: 1, width: 2"])(
    "%j is refused with what was expected",
    (text) => {
      expect(() => parseLocation(text)).toThrow(
        /is no location; write one such as -0\.75 \+ 0\.1i/,
      );
    },
  );

  test("a zoom of nothing is refused", () => {
    expect(() => parseLocation("re: 1 im: 2 zoom: 0")).toThrow("The zoom is 0");
  });

  test.each(["1".repeat(99_999), "1 ".repeat(49_999), `1${" ".repeat(99_990)}x`, "re".repeat(1e5)])(
    "a very long text is refused before anybody notices (%#)",
    (text) => {
      expect(() => parseLocation(text)).toThrow("is no location");
    },
  );
});

test("without a width the view keeps its own", () => {
  const size = { width: 900, height: 600 };
  expect(resolveLocation({ center: ["1", "2"] }, size, "7").width).toBe("7");
  expect(resolveLocation({ center: ["1", "2"], width: "3" }, size, "7").width).toBe("3");
});
