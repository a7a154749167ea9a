import { type Camera, localCamera, screenRect } from "../frames";
import type { Image } from "../image";
import type { Size } from "../model";
import { type TileAddress, tileArea } from "../pyramid";
import { sentence, type Viewer } from "../state";
import { tileKey } from "../tiles";

/** Marks the tiles that could not be loaded, where they are, and says why once. */
export function FailedTiles({ viewer }: { viewer: Viewer }) {
  const failures = viewer.failures.value;
  const camera = viewer.camera.value;
  const [first] = failures;
  if (!first || !camera) return null;
  const size = viewer.size.value;
  const count = failures.length === 1 ? "A tile" : `${failures.length} tiles`;
  return (
    <>
      {failures.map(({ image, failure }) => (
        <div
          class="failed-tile"
          key={`${image.id}/${tileKey(failure.request)}`}
          style={onScreen(image, failure.request, camera, size)}
        />
      ))}
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

/** Where a tile is seen, as CSS; under a model matrix that turns the image, without the turn. */
function onScreen(image: Image, tile: TileAddress, camera: Camera, size: Size) {
  const local = localCamera(image, camera);
  const { left, top, right, bottom } = screenRect(
    local,
    size,
    tileArea(image.info, tile, local.bits),
  );
  return {
    left: `${left}px`,
    top: `${top}px`,
    width: `${right - left}px`,
    height: `${bottom - top}px`,
  };
}
