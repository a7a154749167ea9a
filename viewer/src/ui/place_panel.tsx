import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { addBookmark } from "../bookmarks";
import {
  locationText,
  parseLocation,
  resolveLocation,
  type WrittenLocation,
} from "../location_text";
import type { Location } from "../model";
import { savePicture } from "../picture";
import { sentence, type Viewer } from "../state";
import { BookmarkList } from "./bookmark_list";
import { copyText } from "./clipboard";
import { GalleryList } from "./gallery_list";
import { describeLevel } from "./status_bar";
import { reaches, travel } from "./travel";

/** Where this is, how to go elsewhere, and the places to come back to. */
export function PlacePanel({ viewer }: { viewer: Viewer }) {
  const complex = viewer.plane.value?.complex ?? false;
  return (
    <>
      <Steps viewer={viewer} />
      <Here viewer={viewer} />
      <Facts viewer={viewer} />
      <BookmarkList viewer={viewer} />
      {complex && <GalleryList viewer={viewer} />}
    </>
  );
}

/** Back, forth, and out. */
function Steps({ viewer: { places, motion } }: { viewer: Viewer }) {
  return (
    <div class="buttons">
      <button type="button" disabled={!places.canUndo.value} onClick={() => places.undo()}>
        Back
      </button>
      <button type="button" disabled={!places.canRedo.value} onClick={() => places.redo()}>
        Forth
      </button>
      <button type="button" onClick={() => void motion.home()}>
        Show all
      </button>
    </div>
  );
}

interface Draft {
  readonly a: string;
  readonly b: string;
  readonly width: string;
}

const draftOf = ({ center: [a, b], width }: Location): Draft => ({
  a,
  b,
  width: shortWidth(width),
});

/** Where the view is, as fields that can be typed and pasted into. */
function Here({ viewer }: { viewer: Viewer }) {
  const draft = useSignal<Draft | undefined>(undefined);
  const trouble = useSignal("");
  const problem = useId();
  const location = viewer.toldLocation.value;
  const plane = viewer.plane.value;
  if (!location || !plane) return null;
  const shown = draft.value ?? draftOf(location);
  const [aLabel, bLabel] = plane.complex ? ["Real part", "Imaginary part"] : ["x", "y"];

  function edit(change: Partial<Draft>): void {
    draft.value = { ...shown, ...change };
    trouble.value = "";
  }

  function go(read: () => WrittenLocation): void {
    const before = viewer.location.peek();
    if (!before) return;
    try {
      const goal = resolveLocation(read(), viewer.size.peek(), before.width);
      trouble.value = reaches(viewer, goal)
        ? ""
        : "The image has no pixels as fine as that; this is as near as it goes.";
      travel(viewer, goal);
      draft.value = undefined;
    } catch (error) {
      trouble.value = sentence(error);
    }
  }

  function paste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text") ?? "";
    const written = locationIn(text);
    if (!written) return; // a part of a number, say: pasted as anywhere
    event.preventDefault();
    go(() => written);
  }

  async function copy(): Promise<void> {
    const text = viewer.location.peek();
    if (!text) return;
    viewer.notice.value = (await copyText(locationText(text)))
      ? "The location is on the clipboard."
      : "This page may not use the clipboard: select the fields and copy them.";
  }

  const field = (label: string, value: string, key: keyof Draft) => (
    <LocationField
      label={label}
      value={value}
      problem={trouble.value ? problem : undefined}
      onInput={(text) => edit({ [key]: text })}
      onEnter={() => go(() => written(draft.value ?? shown))}
    />
  );
  return (
    <form
      class="here"
      aria-label="Location"
      onPaste={paste}
      onSubmit={(event) => {
        event.preventDefault();
        go(() => written(shown));
      }}
    >
      {field(aLabel ?? "", shown.a, "a")}
      {field(bLabel ?? "", shown.b, "b")}
      {field("Width", shown.width, "width")}
      <p id={problem} class="trouble" role="alert">
        {trouble.value}
      </p>
      <div class="buttons">
        <button type="submit" disabled={draft.value === undefined}>
          Go there
        </button>
        <button type="button" onClick={() => void copy()}>
          Copy
        </button>
        <button type="button" onClick={() => void keep(viewer)}>
          Bookmark
        </button>
        <button type="button" onClick={() => void save(viewer)}>
          Save PNG
        </button>
      </div>
      <p class="hint">Paste a location in any common form, .kfr files too.</p>
    </form>
  );
}

interface LocationFieldProps {
  readonly label: string;
  readonly value: string;
  /** The id of the sentence that says what is wrong. */
  readonly problem: string | undefined;
  readonly onInput: (text: string) => void;
  readonly onEnter: () => void;
}

/** A number of any length, over as many lines as it needs. */
function LocationField({ label, value, problem, onInput, onEnter }: LocationFieldProps) {
  const id = useId();
  const rows = Math.min(5, Math.max(1, Math.ceil(value.length / 34)));
  return (
    <>
      <label for={id}>{label}</label>
      <textarea
        id={id}
        rows={rows}
        spellcheck={false}
        autocomplete="off"
        value={value}
        aria-invalid={problem !== undefined}
        {...(problem !== undefined && { "aria-describedby": problem })}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          onEnter();
        }}
      />
    </>
  );
}

/** What the fields say; a whole location may have been typed into the first. */
function written({ a, b, width }: Draft): WrittenLocation {
  return locationIn(a) ?? { center: [a, b], width };
}

/** The location that a text is, if it is one. */
function locationIn(text: string): WrittenLocation | undefined {
  try {
    return parseLocation(text);
  } catch {
    return undefined;
  }
}

/** Six digits say how wide the view is; `location` has enough to come back to the very pixel. */
function shortWidth(width: string): string {
  const [mantissa = "", exponent] = width.split("e");
  const rounded = String(Number(Number(mantissa).toPrecision(6)));
  if (exponent === undefined) return rounded;
  const everyday = Number(width);
  return everyday >= 1e-3 && everyday < 1e6
    ? String(Number(everyday.toPrecision(6)))
    : `${rounded}e${exponent}`;
}

/** What else there is to know about the view. */
function Facts({ viewer }: { viewer: Viewer }) {
  const [image] = viewer.images.value;
  const { camera } = viewer.readout.value;
  if (!image || !camera) return null;
  const maxiter = image.info.mandelbrot?.maxiter;
  return (
    <dl class="facts">
      <dt>Zoom</dt>
      <dd>{camera.zoom.toFixed(2)}</dd>
      <dt>Level</dt>
      <dd>{describeLevel(image, camera.zoom)}</dd>
      {maxiter !== undefined && (
        <>
          <dt>maxiter</dt>
          <dd>{maxiter}</dd>
        </>
      )}
    </dl>
  );
}

/** Bookmarks what is on screen. */
export async function keep(viewer: Viewer): Promise<void> {
  const bookmark = await addBookmark(viewer);
  if (bookmark) viewer.notice.value = `Kept as ${bookmark.name}.`;
}

/** Saves the picture, or says why not. */
export async function save(viewer: Viewer): Promise<void> {
  try {
    await savePicture(viewer);
  } catch (error) {
    viewer.report({
      id: "picture",
      text: `The picture could not be saved. ${sentence(error)}`,
      retry: () => {
        viewer.dismiss("picture");
        void save(viewer);
      },
    });
  }
}
