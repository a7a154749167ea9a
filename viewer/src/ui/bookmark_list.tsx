import { X } from "lucide";
import { useEffect, useState } from "preact/hooks";
import type { Bookmark } from "../bookmarks";
import type { Viewer } from "../state";
import { Icon } from "./icon";
import { Preview } from "./preview_canvas";
import { reaches, travel } from "./travel";

/** The places that the person keeps. */
export function BookmarkList({ viewer }: { viewer: Viewer }) {
  const bookmarks = viewer.bookmarks.value;
  const change = (bookmark: Bookmark, ...instead: Bookmark[]) => {
    viewer.bookmarks.value = bookmarks.flatMap((other) => (other === bookmark ? instead : [other]));
  };
  return (
    <section aria-label="Bookmarks">
      <h2>Bookmarks</h2>
      {bookmarks.length === 0 && <p class="hint">None yet: b keeps the place on screen.</p>}
      <ul class="cards">
        {bookmarks.map((bookmark, i) => (
          <li key={i} class="card">
            <button
              type="button"
              class="visit"
              aria-label={`Go to ${bookmark.name}`}
              disabled={!reaches(viewer, bookmark)}
              onClick={() => travel(viewer, bookmark)}
            >
              <Thumbnail viewer={viewer} bookmark={bookmark} />
            </button>
            <input
              class="name"
              value={bookmark.name}
              aria-label={`Name of ${bookmark.name}`}
              onChange={(event) =>
                change(bookmark, { ...bookmark, name: event.currentTarget.value })
              }
            />
            <button
              type="button"
              class="tool remove"
              aria-label={`Remove ${bookmark.name}`}
              onClick={() => change(bookmark)}
            >
              <Icon node={X} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** For a bookmark without a picture. */
const PREVIEW_MAXITER = 1000;

function Thumbnail({ viewer, bookmark }: { viewer: Viewer; bookmark: Bookmark }) {
  const png = bookmark.thumbnail;
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!png) return undefined;
    const made = URL.createObjectURL(new Blob([png], { type: "image/png" }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [png]);
  const [image] = viewer.images.value;
  if (png) return <img class="thumbnail" src={url} alt="" />;
  if (!image || !viewer.plane.value?.complex) return <span class="thumbnail" />;
  return <Preview image={image} location={bookmark} maxiter={PREVIEW_MAXITER} />;
}
