import type { Image } from "../image";
import { describeTime } from "../progress";
import type { Viewer } from "../state";

/** How far the longest computation is that the view waits for, with a way to do without it. */
export function LongWait({ viewer }: { viewer: Viewer }) {
  const waits = viewer.images.value.flatMap((image) => {
    image.tilesChanged.value;
    const { value } = image.progress;
    return value && image.tiles.pending > 0 ? [{ image, ...value }] : [];
  });
  const [longest] = waits.sort((a, b) => (b.left ?? 0) - (a.left ?? 0));
  if (!longest) return null;
  const { part, left } = longest;
  return (
    <section class="long-wait" aria-label="Long computation">
      <progress value={part} aria-label="Done" />
      <p>
        {Math.floor(part * 100)} % of a long computation
        {left === undefined ? "" : `, at most ${describeTime(left)} left`}
      </p>
      <button type="button" onClick={() => stop(waits.map(({ image }) => image))}>
        Stop
      </button>
    </section>
  );
}

function stop(images: readonly Image[]): void {
  for (const { tiles } of images) tiles.stop();
}
