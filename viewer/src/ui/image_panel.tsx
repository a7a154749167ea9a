import type { Channel } from "../channels";
import type { Image } from "../image";
import type { PixelType } from "../model";
import type { Viewer } from "../state";
import { parseHexColor } from "../zarr/metadata";
import { Check, Field, Slider } from "./fields";
import { hexColor, PaletteControls } from "./palette_controls";

/** The colours, channels and axes of every image. */
export function ImagePanel({ viewer }: { viewer: Viewer }) {
  const images = viewer.images.value;
  return (
    <>
      {images.map((image) => (
        <ImageControls key={image.id} image={image} alone={images.length === 1} />
      ))}
    </>
  );
}

function ImageControls({ image, alone }: { image: Image; alone: boolean }) {
  const single = image.channels.value.length === 1;
  return (
    <section class="controls" aria-label={image.name.value}>
      <h2>{image.name.value}</h2>
      <AxisControls image={image} />
      {single && <PaletteControls image={image} />}
      {image.channels.value.map((channel, i) => (
        <ChannelControls key={channel.index} image={image} channel={channel} index={i} />
      ))}
      <button type="button" onClick={() => image.fitLimits()}>
        Fit limits to what is seen
      </button>
      <Check
        label="Follow the picture"
        checked={image.fitting.value}
        onChange={(keeps) => {
          image.fitting.value = keeps;
          if (keeps) image.fitLimits();
        }}
      />
      {(!alone || !image.info.mandelbrot) && (
        <>
          <Check
            label="Visible"
            checked={image.visible.value}
            onChange={(visible) => {
              image.visible.value = visible;
            }}
          />
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
        </>
      )}
    </section>
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
  const several = image.channels.value.length > 1;
  const Group = several ? "fieldset" : "div";
  return (
    <Group class="channel">
      {several && (
        <legend>
          <Check
            label={channel.name}
            checked={channel.visible}
            onChange={(visible) => image.setChannel(index, { visible })}
          />
        </legend>
      )}
      {(several || image.colormap.value === undefined) && (
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
    </Group>
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
