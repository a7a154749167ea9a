import { useEffect, useRef } from "preact/hooks";
import type { Image } from "../image";
import type { Location, Size } from "../model";
import { DEFAULT_ESCAPE_TIME, type Palette, paletteOf } from "../palette";
import { LEAST_PREVIEW_WIDTH, type PreviewPlace, previewPixels } from "../preview";

interface PreviewProps {
  readonly size: Size;
  readonly place: PreviewPlace;
  readonly palette: Palette;
}

const THUMBNAIL = { width: 84, height: 56 };

interface ThumbnailProps {
  readonly image: Image;
  readonly location: Location;
  readonly maxiter: number;
}

/** A place in the colours of an image; its width alone where it is too deep to be drawn here. */
export function Preview({ image, location, maxiter }: ThumbnailProps) {
  const [re = 0, im = 0] = location.center.map(Number);
  const width = Number(location.width);
  if (width < LEAST_PREVIEW_WIDTH) return <span class="thumbnail deep">{location.width}</span>;
  return (
    <PreviewCanvas
      size={THUMBNAIL}
      palette={paletteOf(image.colormap.value ?? DEFAULT_ESCAPE_TIME)}
      place={{ re, im, width, maxiter }}
    />
  );
}

/** Pictures waiting to be drawn: one a frame, so that a gallery of them never blocks the page. */
const waiting = new Set<() => void>();
let frame = 0;

function drawNext(): void {
  const [next] = waiting;
  frame = 0;
  if (!next) return;
  waiting.delete(next);
  next();
  if (waiting.size > 0) frame = requestAnimationFrame(drawNext);
}

/** A small picture of the set; what it shows is said beside it. */
export function PreviewCanvas({ size, place, palette }: PreviewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { re, im, width, maxiter } = place;
  useEffect(() => {
    const draw = () => {
      const context = canvas.current?.getContext("2d");
      const pixels = previewPixels(place, size, palette);
      context?.putImageData(new ImageData(pixels, size.width, size.height), 0, 0);
    };
    waiting.add(draw);
    if (frame === 0) frame = requestAnimationFrame(drawNext);
    return () => void waiting.delete(draw);
  }, [re, im, width, maxiter, palette, size]);
  return <canvas class="thumbnail" ref={canvas} width={size.width} height={size.height} />;
}
