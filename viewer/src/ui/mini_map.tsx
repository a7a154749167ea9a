import { DEFAULT_ESCAPE_TIME, paletteOf } from "../palette";
import type { Viewer } from "../state";
import { PreviewCanvas } from "./preview_canvas";

/** The whole set, as far as anything is to be seen of it. */
const WHOLE = { re: -0.6, im: 0, width: 3.6, maxiter: 100 };
const SIZE = { width: 108, height: 78 };
const ASPECT = SIZE.height / SIZE.width;

/** From how far in on the map is shown: as long as the view shows the set itself, it says no more. */
const SHOWN_BELOW = 1.5;

/** Where in the set the view lies; a click goes there. */
export function MiniMap({ viewer }: { viewer: Viewer }) {
  const location = viewer.toldLocation.value;
  const [image] = viewer.images.value;
  if (!location || !image || !viewer.plane.value?.complex) return null;
  const width = Number(location.width);
  if (width > SHOWN_BELOW) return null;
  const [re = 0, im = 0] = location.center.map(Number);
  const scale = SIZE.width / WHOLE.width;
  const { width: across, height: down } = viewer.size.value;
  const [x, y] = [
    SIZE.width / 2 + (re - WHOLE.re) * scale,
    SIZE.height / 2 - (im - WHOLE.im) * scale,
  ];
  const [w, h] = [width * scale, (width * scale * down) / across];
  // Where the view is smaller than can be seen, a cross marks the place.
  const tiny = w < 6;

  function visit(event: MouseEvent): void {
    const { left, top, width: shown } = (event.currentTarget as Element).getBoundingClientRect();
    const unit = WHOLE.width / shown;
    // By keyboard there is no place to go to but the whole.
    if (event.detail === 0) {
      void viewer.motion.home();
      return;
    }
    const goal = viewer.cameraAt({
      center: [
        String(WHOLE.re + (event.clientX - left) * unit - WHOLE.width / 2),
        String(WHOLE.im - (event.clientY - top) * unit + (WHOLE.width / 2) * ASPECT),
      ],
      width: String(WHOLE.width / 4),
    });
    if (goal) void viewer.motion.goTo(goal);
  }

  return (
    <button type="button" class="mini-map" aria-label="Map: show the whole set" onClick={visit}>
      <PreviewCanvas
        size={SIZE}
        place={WHOLE}
        palette={paletteOf(image.colormap.value ?? DEFAULT_ESCAPE_TIME)}
      />
      <svg aria-hidden="true" viewBox={`0 0 ${SIZE.width} ${SIZE.height}`}>
        {tiny ? (
          <path d={`M${x - 7} ${y}h5m4 0h5M${x} ${y - 7}v5m0 4v5`} />
        ) : (
          <rect x={x - w / 2} y={y - h / 2} width={w} height={h} />
        )}
      </svg>
    </button>
  );
}
