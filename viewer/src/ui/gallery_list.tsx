import { GALLERY, type Place } from "../gallery";
import type { Viewer } from "../state";
import { Preview } from "./preview_canvas";
import { reaches, travel } from "./travel";

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
  const { name, maxiter } = place;
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
        <Preview image={image} location={place} maxiter={maxiter} />
        <span>{name}</span>
      </button>
    </li>
  );
}

function remark(cap: number, wanted: number): string {
  return cap >= wanted ? "" : `Looks best with maxiter ${wanted} or more; this image has ${cap}.`;
}
