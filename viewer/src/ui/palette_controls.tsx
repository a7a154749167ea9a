import { useId } from "preact/hooks";
import { SCALINGS } from "../coloring";
import type { Image } from "../image";
import type { Color } from "../model";
import { offsetPeriod, reducedMotion } from "../moving_colours";
import { ESCAPE_TIME_PALETTES, PALETTE_NAMES, paletteGradient } from "../palette";
import { parseHexColor } from "../zarr/metadata";
import { Check, Field, Select, Slider } from "./fields";

/** How a one-channel image gets its colours. */
export function PaletteControls({ image }: { image: Image }) {
  const colored = image.colormap.value !== undefined;
  return (
    <>
      <PalettePicker image={image} />
      {colored && <ColoringControls image={image} />}
    </>
  );
}

const CYCLIC = ESCAPE_TIME_PALETTES.filter(({ cyclic }) => cyclic).map(({ name }) => name);
const SEQUENTIAL = ESCAPE_TIME_PALETTES.filter(({ cyclic }) => !cyclic).map(({ name }) => name);
const CLASSIC = PALETTE_NAMES.filter(
  (name) => !CYCLIC.includes(name) && !SEQUENTIAL.includes(name),
);
const SAFE = new Set(
  ESCAPE_TIME_PALETTES.filter(({ colorBlindSafe }) => colorBlindSafe).map(({ name }) => name),
);

function PalettePicker({ image }: { image: Image }) {
  const group = useId();
  const chosen = image.colormap.value;
  const swatch = (name: string) => (
    <label class="swatch" key={name}>
      <input
        type="radio"
        name={group}
        checked={chosen === name}
        onChange={() => {
          image.colormap.value = name;
        }}
      />
      <span>
        {name}
        {SAFE.has(name) && (
          <abbr title="People with red-green colour blindness tell these colours apart"> ◑</abbr>
        )}
      </span>
      <span class="gradient" style={{ background: paletteGradient(name) }} />
    </label>
  );
  return (
    <fieldset class="palettes">
      <legend>Palette</legend>
      {image.info.mandelbrot === undefined && (
        <label class="swatch">
          <input
            type="radio"
            name={group}
            checked={chosen === undefined}
            onChange={() => {
              image.colormap.value = undefined;
            }}
          />
          <span>one colour</span>
        </label>
      )}
      <h3>Cyclic</h3>
      {CYCLIC.map(swatch)}
      <h3>Dark to light</h3>
      {SEQUENTIAL.map(swatch)}
      <h3>Classic</h3>
      {CLASSIC.map(swatch)}
    </fieldset>
  );
}

/** The density slider moves in octaves. */
const OCTAVES = { min: -2, max: 8 };

/** Palettes per second. */
const CYCLING = 0.1;

function ColoringControls({ image }: { image: Image }) {
  const { scaling, density, offset, interior, cycling } = image.coloring.value;
  return (
    <>
      <Select
        label="Scaling"
        value={scaling}
        options={SCALINGS}
        onChange={(scaling) => image.setColoring({ scaling })}
      />
      <Slider
        label="Density"
        {...OCTAVES}
        step={0.05}
        value={Math.log2(density)}
        text={`${density.toPrecision(3)} times through the palette`}
        onInput={(octaves) => image.setColoring({ density: 2 ** octaves })}
      />
      <Slider
        label="Offset"
        min={0}
        max={offsetPeriod(image.colormap.value)}
        step={0.005}
        value={offset}
        onInput={(offset) => image.setColoring({ offset })}
      />
      {image.info.mandelbrot && (
        <Field label="Interior">
          {(id) => (
            <input
              id={id}
              type="color"
              value={hexColor(interior)}
              onInput={(event) => {
                const color = parseHexColor(event.currentTarget.value);
                if (color) image.setColoring({ interior: color });
              }}
            />
          )}
        </Field>
      )}
      <Check
        label={
          reducedMotion.value
            ? "Cycle the colours (your system asks for less motion)"
            : "Cycle the colours"
        }
        checked={cycling !== 0}
        disabled={reducedMotion.value}
        onChange={(cycles) => image.setColoring({ cycling: cycles ? CYCLING : 0 })}
      />
      {cycling !== 0 && (
        <Slider
          label="Speed"
          min={-0.5}
          max={0.5}
          step={0.01}
          value={cycling}
          text={`${cycling} palettes per second`}
          onInput={(value) => image.setColoring({ cycling: value || 0.01 })}
        />
      )}
    </>
  );
}

export function hexColor(color: Color): string {
  return `#${color.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
