import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Channel } from "../channels";
import type { Color, PixelType } from "../model";
import { PALETTE_NAMES } from "../palette";
import type { Image, Scaling, Viewer } from "../state";
import { parseHexColor } from "../zarr/metadata";

/** The controls of every image, folded away until wanted. */
export function ImagePanel({ viewer }: { viewer: Viewer }) {
  const images = viewer.images.value;
  if (images.length === 0) return null;
  return (
    <details class="panel">
      <summary>Image</summary>
      <div class="panel-body">
        {images.map((image) => (
          <ImageControls key={image.id} image={image} />
        ))}
        <button type="button" onClick={() => viewer.home()}>
          Show the whole image
        </button>
      </div>
    </details>
  );
}

function ImageControls({ image }: { image: Image }) {
  const single = image.channels.value.length === 1;
  return (
    <fieldset>
      <legend>{image.name.value}</legend>
      <label class="check">
        <input
          type="checkbox"
          checked={image.visible.value}
          onChange={(event) => {
            image.visible.value = event.currentTarget.checked;
          }}
        />
        Visible
      </label>
      <Slider
        label="Opacity"
        min={0}
        max={1}
        step={0.01}
        value={image.opacity.value}
        onInput={(value) => {
          image.opacity.value = value;
        }}
      />
      {single && <PaletteControls image={image} />}
      {image.channels.value.map((channel, i) => (
        <ChannelControls key={channel.index} image={image} channel={channel} index={i} />
      ))}
      <AxisControls image={image} />
    </fieldset>
  );
}

function PaletteControls({ image }: { image: Image }) {
  return (
    <>
      <Field label="Colormap">
        {(id) => (
          <select
            id={id}
            value={image.colormap.value ?? ""}
            onChange={(event) => {
              image.colormap.value = event.currentTarget.value || undefined;
            }}
          >
            <option value="">one colour</option>
            {PALETTE_NAMES.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      {image.colormap.value !== undefined && (
        <Field label="Scaling">
          {(id) => (
            <select
              id={id}
              value={image.scaling.value}
              onChange={(event) => {
                image.scaling.value = event.currentTarget.value as Scaling;
              }}
            >
              <option value="linear">linear</option>
              <option value="logarithmic">logarithmic</option>
            </select>
          )}
        </Field>
      )}
    </>
  );
}

interface ChannelProps {
  readonly image: Image;
  readonly channel: Channel;
  readonly index: number;
}

function ChannelControls({ image, channel, index }: ChannelProps) {
  const [low, high] = channel.limits ?? [0, 1];
  const [min, max] = valueRange(image, channel);
  const step = image.info.pixelType === "Float32" ? (max - min) / 1000 : 1;
  const mixed = image.colormap.value === undefined;
  return (
    <div class="channel">
      {image.channels.value.length > 1 && (
        <label class="check">
          <input
            type="checkbox"
            checked={channel.visible}
            onChange={(event) => image.setChannel(index, { visible: event.currentTarget.checked })}
          />
          {channel.name}
        </label>
      )}
      {mixed && (
        <Field label="Colour">
          {(id) => (
            <input
              id={id}
              type="color"
              value={hexColor(channel.color)}
              onInput={(event) => {
                const color = parseHexColor(event.currentTarget.value);
                if (color) image.setChannel(index, { color });
              }}
            />
          )}
        </Field>
      )}
      <Slider
        label={`Low limit ${Number(low.toPrecision(4))}`}
        min={min}
        max={max}
        step={step}
        value={low}
        onInput={(value) => image.setChannel(index, { limits: [Math.min(value, high), high] })}
      />
      <Slider
        label={`High limit ${Number(high.toPrecision(4))}`}
        min={min}
        max={max}
        step={step}
        value={high}
        onInput={(value) => image.setChannel(index, { limits: [low, Math.max(value, low)] })}
      />
    </div>
  );
}

/** One slider for every axis that is neither y, x nor the channels. */
function AxisControls({ image }: { image: Image }) {
  const { axes, channelAxis, yAxis, xAxis } = image.info;
  return (
    <>
      {axes.map((axis, i) => {
        if (i === channelAxis || i === yAxis || i === xAxis || axis.size < 2) return null;
        const value = image.selection.value[i] ?? 0;
        return (
          <Slider
            key={axis.name}
            label={`${axis.name} ${value}`}
            min={0}
            max={axis.size - 1}
            step={1}
            value={value}
            onInput={(chosen) => {
              image.selection.value = image.selection.value.map((old, j) =>
                j === i ? chosen : old,
              );
            }}
          />
        );
      })}
    </>
  );
}

interface SliderProps {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
  readonly onInput: (value: number) => void;
}

function Slider({ label, onInput, ...range }: SliderProps) {
  return (
    <Field label={label}>
      {(id) => (
        <input
          id={id}
          type="range"
          {...range}
          onInput={(event) => onInput(event.currentTarget.valueAsNumber)}
        />
      )}
    </Field>
  );
}

function Field({ label, children }: { label: string; children(id: string): ComponentChildren }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
    </div>
  );
}

const TYPE_RANGES: Partial<Record<PixelType, readonly [number, number]>> = {
  Uint8: [0, 255],
  Int8: [-128, 127],
};

/** What the limits can be moved over: the type's range if it is small, else twice what is shown. */
function valueRange({ info, interior }: Image, { limits }: Channel): readonly [number, number] {
  const known = TYPE_RANGES[info.pixelType];
  if (known) return known;
  if (Number.isFinite(interior)) return [0, interior];
  const [low, high] = limits ?? [0, 1];
  const span = high - low;
  const floor = info.pixelType.startsWith("Uint") ? 0 : Number.NEGATIVE_INFINITY;
  return [Math.max(floor, low - span / 2), high + span];
}

function hexColor(color: Color): string {
  return `#${color.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
