import type { Rect, ViewState } from "../model";
import { type Size, tileRect } from "../pyramid";
import { type Image, sentence, transformRect, type Viewer } from "../state";
import { tileKey } from "../tiles";

/** Marks the tiles that could not be loaded, where they are, and says why once. */
export function FailedTiles({ viewer }: { viewer: Viewer }) {
  const failures = viewer.failures.value;
  const view = viewer.view.value;
  const [first] = failures;
  if (!first || !view) return null;
  const size = viewer.size.value;
  const count = failures.length === 1 ? "A tile" : `${failures.length} tiles`;
  return (
    <>
      {failures.map(({ image, failure }) => {
        const rect = placed(image, tileRect(image.info.levels, failure.request));
        return (
          <div
            class="failed-tile"
            key={`${image.id}/${tileKey(failure.request)}`}
            style={onScreen(rect, view, size)}
          />
        );
      })}
      <div class="failed-notice" role="status">
        <p>
          {count} could not be loaded: {sentence(first.failure.message)}
        </p>
        <button type="button" onClick={() => retryAll(viewer)}>
          Try again
        </button>
      </div>
    </>
  );
}

function retryAll(viewer: Viewer): void {
  for (const image of viewer.images.value) image.tiles.retry();
}

function placed({ modelMatrix }: Image, rect: Rect): Rect {
  return modelMatrix ? transformRect(modelMatrix, rect) : rect;
}

function onScreen(rect: Rect, { zoom, target }: ViewState, { width, height }: Size) {
  const scale = 2 ** zoom;
  return {
    left: `${(rect.left - target[0]) * scale + width / 2}px`,
    top: `${(rect.top - target[1]) * scale + height / 2}px`,
    width: `${(rect.right - rect.left) * scale}px`,
    height: `${(rect.bottom - rect.top) * scale}px`,
  };
}
