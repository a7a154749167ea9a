import { describe, expect, test } from "vitest";
import { parseAppearance, parseConfig } from "../../src/config";

describe("an image config", () => {
  test("reads vizarr's vocabulary", () => {
    const config = parseConfig({
      source: "https://example.org/image.zarr",
      name: "cells",
      colormap: "viridis",
      opacity: 0.5,
      axis_labels: ["c", "y", "x"],
      channel_axis: 0,
      colors: ["#FF0000", "00ff00", [1, 2, 3]],
      names: ["a", "b", "c"],
      contrast_limits: [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
      visibilities: [true, false, true],
      acquisition: "0",
    });
    expect(config).toMatchInlineSnapshot(`
      {
        "axisLabels": [
          "c",
          "y",
          "x",
        ],
        "channelAxis": 0,
        "colormap": "viridis",
        "colors": [
          [
            255,
            0,
            0,
          ],
          [
            0,
            255,
            0,
          ],
          [
            1,
            2,
            3,
          ],
        ],
        "limits": [
          [
            0,
            1,
          ],
          [
            2,
            3,
          ],
          [
            4,
            5,
          ],
        ],
        "name": "cells",
        "names": [
          "a",
          "b",
          "c",
        ],
        "opacity": 0.5,
        "source": "https://example.org/image.zarr",
        "visibilities": [
          true,
          false,
          true,
        ],
      }
    `);
  });

  test("takes one channel's keys for a list of one", () => {
    expect(
      parseAppearance({ color: "#102030", contrast_limits: [1, 9], visibility: false }),
    ).toEqual({ colors: [[16, 32, 48]], limits: [[1, 9]], visibilities: [false] });
  });

  test("leaves out what is null or absent", () => {
    expect(parseAppearance({ name: null, opacity: undefined })).toEqual({});
  });

  test("reads a model matrix from numbers or text", () => {
    const matrix = [2, 0, 0, 5, 0, 2, 0, 6, 0, 0, 1, 0, 0, 0, 0, 1];
    expect(parseAppearance({ model_matrix: JSON.stringify(matrix) })).toEqual(
      parseAppearance({ model_matrix: matrix }),
    );
  });

  test.each([
    [{}, /source is undefined; expected a URL/],
    [{ source: 3 }, /source is 3; expected/],
    [{ source: "x", opacity: 2 }, /opacity is 2; expected 0 to 1/],
    [{ source: "x", colormap: "viridiss" }, /no colormap named viridiss; try one of vikO/],
    [{ source: "x", colormap: 3 }, /colormap is 3; expected a colormap's name/],
    [{ source: "x", color: "red" }, /color is "red"; expected "#RRGGBB"/],
    [{ source: "x", contrast_limits: [1] }, /contrast_limits is \[1\]; expected \[low, high\]/],
    [{ source: "x", channel_axis: 0.5 }, /channel_axis is 0.5; expected the index/],
    [{ source: "x", model_matrix: [1] }, /model_matrix is \[1\]; expected 16 numbers/],
    [7, /the image config is 7; expected an object/],
  ])("%j is refused with the key, the value and what was expected", (config, message) => {
    expect(() => parseConfig(config)).toThrow(message);
  });
});
