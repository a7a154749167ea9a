import { GALLERY, LEAST_PREVIEW_WIDTH, type Place } from "../gallery";
import { paletteOf } from "../palette";
import type { Viewer } from "../state";
import { PreviewCanvas } from "./preview_canvas";
import { reaches, travel } from "./travel";

const SIZE = { width: 84, height: 56 };

/** Famous places, ready to visit. */
export function GalleryList({ viewer }: { viewer: Viewer }) {
  return (
    <section aria-label="Gallery">
      <h2>Gallery</h2>
      <ul class="cards">
        {GALLERY.map((place) => (
          <GalleryCard key={place.name} viewer={viewer} place={place} />
        ))}
      </ul>
    </section>
  );
}

function GalleryCard({ viewer, place }: { viewer: Viewer; place: Place }) {
  const [image] = viewer.images.value;
  if (!image) return null;
  const { name, center, maxiter } = place;
  const width = Number(place.width);
  const palette = paletteOf(image.colormap.value ?? "vikO");
  const within = reaches(viewer, place);
  return (
    <li class="card">
      <button
        type="button"
        class="visit"
        disabled={!within}
        title={within ? remark(image.interior, maxiter) : "Deeper than this image goes."}
        onClick={() => travel(viewer, place)}
      >
        {width >= LEAST_PREVIEW_WIDTH ? (
          <PreviewCanvas
            size={SIZE}
            palette={palette}
            place={{ re: Number(center[0]), im: Number(center[1]), width, maxiter }}
          />
        ) : (
          <span class="thumbnail deep">{place.width}</span>
        )}
        <span>{name}</span>
      </button>
    </li>
  );
}

function remark(cap: number, wanted: number): string {
  return cap >= wanted ? "" : `Looks best with maxiter ${wanted} or more; this image has ${cap}.`;
}
