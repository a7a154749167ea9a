import type { Image } from "../image";
import { describePoint, formatMagnitude, logPixel, type Plane, roundLength } from "../plane";
import { valueAt } from "../probe";
import { levelForZoom } from "../pyramid";
import type { Viewer } from "../state";

/** Where the picture is: coordinates under the pointer (else of the centre), size, level, scale. */
export function StatusBar({ viewer }: { viewer: Viewer }) {
  const { camera } = viewer.readout.value;
  const plane = viewer.plane.value;
  const [image] = viewer.images.value;
  if (!camera || !plane || !image) return null;
  const pixel = logPixel(plane, camera.zoom);
  const pending = viewer.pending.value;
  return (
    <footer class="status">
      <ScaleBar pixel={pixel} plane={plane} />
      <Position viewer={viewer} />
      <span class="width">
        width {formatMagnitude(Math.log2(viewer.size.value.width) + pixel)}
        {plane.complex ? "" : " px"}
      </span>
      <span class="level">level {describeLevel(image, camera.zoom)}</span>
      <span class="activity" role="status">
        {pending > 0 ? `${pending} ${pending === 1 ? "tile" : "tiles"} on the way` : ""}
      </span>
    </footer>
  );
}

/** What is under the pointer, else in the middle: coordinates, and the value there. */
function Position({ viewer }: { viewer: Viewer }) {
  const [cursor, plane] = [viewer.cursor.value, viewer.plane.value];
  const { camera } = viewer.readout.value;
  const [image] = viewer.images.value;
  if (!camera || !cursor || !plane || !image) return null;
  image.tilesChanged.value;
  const numbers = describePoint(plane, cursor, camera.zoom);
  const value = valueAt(image, cursor, camera);
  return (
    <output class="position" aria-label="Position" aria-live="off">
      <span title={describePosition(plane, numbers)}>
        {describePosition(plane, [shortened(numbers[0]), shortened(numbers[1])])}
      </span>
      {value !== undefined && <span class="value">{describeValue(image, value)}</span>}
    </output>
  );
}

function describeValue({ info, interior }: Image, value: number): string {
  if (!info.mandelbrot) return `value ${Number(value.toPrecision(6))}`;
  return value >= interior ? "did not escape" : `n = ${value}`;
}

/** Digits kept at each end of a long number: those that say where, and those that change. */
const HEAD = 10;
const TAIL = 7;

function shortened(text: string): string {
  return text.length <= HEAD + TAIL + 3 ? text : `${text.slice(0, HEAD)}…${text.slice(-TAIL)}`;
}

function describePosition({ complex }: Plane, [a, b]: readonly [string, string]): string {
  const minus = (text: string) => text.replace("-", "−");
  if (!complex) return `x ${minus(a)}  y ${minus(b)}`;
  return `${minus(a)} ${b.startsWith("-") ? "−" : "+"} ${b.replace("-", "")} i`;
}

export function describeLevel({ info }: Image, zoom: number): string {
  const level = levelForZoom(info, zoom, globalThis.devicePixelRatio);
  return `${level} of ${info.levels.length - 1}`;
}

/** log2 of the screen pixels the bar may take at most. */
const LONGEST_BAR = Math.log2(96);

function ScaleBar({ pixel, plane }: { pixel: number; plane: Plane }) {
  const length = roundLength(pixel + LONGEST_BAR);
  const text = `${length.text}${plane.complex ? "" : " px"}`;
  return (
    <span class="scale" role="img" aria-label={`Scale bar: ${text}`}>
      <span class="bar" style={{ width: `${2 ** (length.log - pixel)}px` }} />
      <span aria-hidden="true">{text}</span>
    </span>
  );
}
