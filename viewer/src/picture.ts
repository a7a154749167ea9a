/** The picture on screen, as a file. */

import { locationText } from "./location_text";
import type { Size } from "./model";
import { withText } from "./png_text";
import type { Viewer } from "./state";

/**
 * What is on screen as a PNG file, with the location in its texts ("Location", which the viewer
 * reads when it is pasted, and "Software").
 *
 * @param size pixels at most; default: as many as the screen has
 * @throws Error when there is no picture yet
 */
export async function takePicture(viewer: Viewer, size?: Size): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = viewer.copyCanvas?.(size);
  if (!canvas) throw new Error("There is no picture yet; wait until an image is shown.");
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The browser could not make a picture; make the window smaller.");
  const png = new Uint8Array(await blob.arrayBuffer());
  return withText(png, describe(viewer));
}

/** Has the browser save what is on screen. */
export async function savePicture(viewer: Viewer): Promise<void> {
  const png = await takePicture(viewer);
  const url = URL.createObjectURL(new Blob([png], { type: "image/png" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${fileName(viewer)}.png`;
  link.click();
  // The browser reads it after this task.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function describe(viewer: Viewer): Record<string, string> {
  const location = viewer.location.peek();
  const [image] = viewer.images.peek();
  const maxiter = image?.info.mandelbrot?.maxiter;
  const text = [
    ...(location ? [locationText(location)] : []),
    ...(maxiter === undefined ? [] : [`maxiter: ${maxiter}`]),
    ...(image ? [`palette: ${image.colormap.peek() ?? "none"}`] : []),
  ].join("\n");
  return { Location: text, Software: "mandelbrot-vizarr" };
}

/** The image's name, and enough of where it is to tell files apart. */
function fileName(viewer: Viewer): string {
  const [image] = viewer.images.peek();
  const { center = [], width = "" } = viewer.location.peek() ?? {};
  const numbers = [...center, width].map((text) => String(Number(Number(text).toPrecision(6))));
  return [image?.name.peek() ?? "image", ...numbers].join("_").replace(/[^\w.+-]+/g, "-");
}
