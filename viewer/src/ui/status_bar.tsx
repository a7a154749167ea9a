import { formatCoordinate, formatMagnitude, type Plane, planeOf, roundLength } from "../plane";
import { levelForZoom } from "../pyramid";
import type { Image, Viewer } from "../state";

/** Where the picture is: coordinates under the pointer (else of the centre), size, level, scale. */
export function StatusBar({ viewer }: { viewer: Viewer }) {
  const view = viewer.view.value;
  const [image] = viewer.images.value;
  if (!view || !image) return null;
  const step = 2 ** -view.zoom;
  const plane = planeOf(image.info);
  const position = viewer.pointer.value ?? view.target;
  const pending = viewer.pending.value;
  return (
    <footer class="status">
      <ScaleBar pixel={step} plane={plane} />
      <output class="position" aria-label="Position">
        {describePosition(position, step, plane)}
      </output>
      <span class="width">
        width {formatMagnitude(viewer.size.value.width * step * (plane?.step ?? 1))}
        {plane ? "" : " px"}
      </span>
      <span class="level">{describeLevel(image, view.zoom)}</span>
      <span class="activity" role="status">
        {pending > 0 ? `${pending} ${pending === 1 ? "tile" : "tiles"} on the way` : ""}
      </span>
    </footer>
  );
}

function describePosition([x, y]: readonly [number, number], step: number, plane?: Plane): string {
  if (!plane) return `x ${formatCoordinate(x, step)}  y ${formatCoordinate(y, step)}`;
  const [re, im] = plane.at(x, y);
  const unit = step * plane.step;
  const sign = im < 0 ? "−" : "+";
  return `${formatCoordinate(re, unit)} ${sign} ${formatCoordinate(Math.abs(im), unit)} i`;
}

function describeLevel({ info }: Image, zoom: number): string {
  const level = levelForZoom(info.levels, zoom, globalThis.devicePixelRatio);
  return `level ${level} of ${info.levels.length - 1}`;
}

/** Screen pixels the bar may take at most. */
const LONGEST_BAR = 96;

function ScaleBar({ pixel, plane }: { pixel: number; plane: Plane | undefined }) {
  const unit = pixel * (plane?.step ?? 1);
  const length = roundLength(unit * LONGEST_BAR);
  const text = `${formatMagnitude(length)}${plane ? "" : " px"}`;
  return (
    <span class="scale" role="img" aria-label={`Scale bar: ${text}`}>
      <span class="bar" style={{ width: `${length / unit}px` }} />
      <span aria-hidden="true">{text}</span>
    </span>
  );
}
