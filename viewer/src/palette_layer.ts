import type { Device, Texture } from "@luma.gl/core";
import { XRLayer } from "@vivjs/layers";
import { type Coloring, EQUALIZER_SIZE, type Equalizer, SCALINGS } from "./coloring";
import type { Limits } from "./model";
import { PALETTE_SIZE, paletteBytes, paletteOf } from "./palette";

/** Samples per axis at most where a screen pixel covers several texels. */
const MAX_TAPS = 4;

const fragmentShader = `#version 300 es
#define SHADER_NAME palette-layer-fragment-shader
precision highp float;
precision highp int;
precision highp SAMPLER_TYPE;

uniform SAMPLER_TYPE channel0;
uniform SAMPLER_TYPE paletteTexture;
uniform SAMPLER_TYPE equalizerTexture;

in vec2 vTexCoord;
out vec4 fragColor;

float share(int entry) {
  vec2 bytes = vec2(texelFetch(equalizerTexture, ivec2(entry, 0), 0).rg);
  return (bytes.r * 256. + bytes.g) / 65535.;
}

float scaled(float value) {
  float span = max(palette.limits.y - palette.limits.x, 1e-6);
  float above = clamp(value - palette.limits.x, 0., span);
  if (palette.scaling < .5) return above / span;
  if (palette.scaling < 1.5) return sqrt(above / span);
  float t = log(1. + above) / log(1. + span);
  if (palette.scaling < 2.5) return t;
  float at = t * ${EQUALIZER_SIZE - 1}.;
  int low = int(at);
  return mix(share(low), share(min(low + 1, ${EQUALIZER_SIZE - 1})), at - float(low));
}

vec3 colorOf(ivec2 texel, ivec2 last) {
  float value = float(texelFetch(channel0, clamp(texel, ivec2(0), last), 0).r);
  if (value >= palette.interior) return palette.interiorColor;
  float at = scaled(value) * palette.density + palette.offset;
  int entry = palette.cyclic > .5
    ? int(fract(at) * ${PALETTE_SIZE}.)
    : int((1. - abs(1. - mod(at, 2.))) * ${PALETTE_SIZE - 1}. + .5);
  return vec3(texelFetch(paletteTexture, ivec2(entry, 0), 0).rgb) / 255.;
}

void main() {
  ivec2 size = textureSize(channel0, 0);
  vec2 position = vTexCoord * vec2(size);
  vec2 right = dFdx(position);
  vec2 down = dFdy(position);
  // Where texels are smaller than pixels, colours (not counts) are averaged over the pixel.
  int taps = clamp(int(ceil(max(length(right), length(down)) - .05)), 1, ${MAX_TAPS});
  vec3 sum = vec3(0.);
  for (int j = 0; j < taps; j++) {
    for (int i = 0; i < taps; i++) {
      vec2 at = (vec2(ivec2(i, j)) + .5) / float(taps) - .5;
      sum += colorOf(ivec2(floor(position + at.x * right + at.y * down)), size - 1);
    }
  }
  fragColor = vec4(sum / float(taps * taps), palette.opacity);
  geometry.uv = vTexCoord;
  DECKGL_FILTER_COLOR(fragColor, geometry);
}
`;

const paletteModule = {
  name: "palette",
  fs: `uniform paletteUniforms {
  vec3 interiorColor;
  float opacity;
  vec2 limits;
  float interior;
  float scaling;
  float density;
  float offset;
  float cyclic;
} palette;
`,
  uniformTypes: {
    interiorColor: "vec3<f32>",
    opacity: "f32",
    limits: "vec2<f32>",
    interior: "f32",
    scaling: "f32",
    density: "f32",
    offset: "f32",
    cyclic: "f32",
  },
} as const;

/** What a `PaletteLayer` takes beside Viv's own properties. */
export interface PaletteProps {
  /** Names the image, whose tiles share tables. */
  readonly owner: string;
  readonly paletteName: string;
  readonly limits: Limits;
  /** The value from which on a pixel belongs to the interior. */
  readonly interior: number;
  readonly coloring: Coloring;
  /** Needed for the scaling "histogram" only. */
  readonly equalizer: Equalizer | undefined;
}

/**
 * One tile of a one-channel image, drawn through a palette.
 *
 * It is Viv's XRLayer (which owns textures, data types and geometry) with another last step: raw
 * values are looked up in a palette texture, so that a change of palette, limits or scaling costs
 * one frame, and the result is antialiased where the tile is drawn smaller than it is.
 */
export class PaletteLayer extends XRLayer {
  static override layerName = "PaletteLayer";

  override getShaders() {
    const shaders: ReturnType<XRLayer["getShaders"]> & { modules?: unknown[] } = super.getShaders();
    return { ...shaders, fs: fragmentShader, modules: [...(shaders.modules ?? []), paletteModule] };
  }

  override updateState(params: Parameters<XRLayer["updateState"]>[0]) {
    super.updateState(params);
    const { opacity, dtype } = this.props;
    const { owner, limits, interior, coloring, paletteName, equalizer } = this
      .props as PaletteProps;
    const { model } = this.state as { model?: PaletteModel };
    const { scaling, density, offset } = coloring;
    const equalizes = scaling === "histogram" && equalizer !== undefined;
    model?.shaderInputs.setProps({
      palette: {
        interiorColor: coloring.interior.map((value) => value / 255),
        opacity,
        limits: equalizes ? equalizer.limits : limits,
        interior,
        scaling: equalizes ? SCALINGS.indexOf(scaling) : Math.min(SCALINGS.indexOf(scaling), 2),
        density,
        offset,
        cyclic: paletteOf(paletteName).cyclic ? 1 : 0,
      },
    });
    const { device } = this.context;
    const kind = dtype.replace(/\d+$/, "") as Kind;
    model?.setBindings({
      paletteTexture: paletteTexture(device, paletteName, kind),
      equalizerTexture: equalizerTexture(device, kind, owner, equalizer),
    });
  }
}

interface PaletteModel {
  readonly shaderInputs: { setProps(props: Record<string, unknown>): void };
  setBindings(bindings: Record<string, Texture>): void;
}

/**
 * Samplers of two types may not share a texture unit, not even before units are assigned, and then
 * luma.gl takes the program for broken: tables are kept as numbers of the data's own kind.
 */
const KINDS = {
  Uint: { format: "rgba8uint", from: (bytes: Uint8Array<ArrayBuffer>) => bytes },
  Int: { format: "rgba16sint", from: (bytes: Uint8Array<ArrayBuffer>) => new Int16Array(bytes) },
  Float: {
    format: "rgba32float",
    from: (bytes: Uint8Array<ArrayBuffer>) => new Float32Array(bytes),
  },
} as const;
type Kind = keyof typeof KINDS;

function tableTexture(device: Device, kind: Kind, bytes: Uint8Array<ArrayBuffer>): Texture {
  return device.createTexture({
    width: bytes.length / 4,
    height: 1,
    format: KINDS[kind].format,
    data: KINDS[kind].from(bytes),
    sampler: { minFilter: "nearest", magFilter: "nearest" },
  });
}

const paletteTextures = new WeakMap<Device, Map<string, Texture>>();

function paletteTexture(device: Device, name: string, kind: Kind): Texture {
  const ofDevice = paletteTextures.get(device) ?? new Map<string, Texture>();
  paletteTextures.set(device, ofDevice);
  const known = ofDevice.get(`${kind}/${name}`);
  if (known) return known;
  const texture = tableTexture(device, kind, paletteBytes(name));
  ofDevice.set(`${kind}/${name}`, texture);
  return texture;
}

interface EqualizerTexture {
  readonly texture: Texture;
  equalizer: Equalizer | undefined;
}

const equalizerTextures = new WeakMap<Device, Map<string, EqualizerTexture>>();

/** The table of an image's equalizer: one texture for each image, written anew when it changes. */
function equalizerTexture(
  device: Device,
  kind: Kind,
  owner: string,
  equalizer: Equalizer | undefined,
): Texture {
  const ofDevice = equalizerTextures.get(device) ?? new Map<string, EqualizerTexture>();
  equalizerTextures.set(device, ofDevice);
  const key = equalizer ? `${kind}/${owner}` : kind;
  const known = ofDevice.get(key);
  if (known && known.equalizer === equalizer) return known.texture;
  const bytes = equalizerBytes(equalizer);
  if (known) {
    known.texture.copyImageData({ data: KINDS[kind].from(bytes) });
    known.equalizer = equalizer;
    return known.texture;
  }
  const texture = tableTexture(device, kind, bytes);
  ofDevice.set(key, { texture, equalizer });
  return texture;
}

/** Shares as the shader reads them: high byte red, low byte green. */
function equalizerBytes(equalizer: Equalizer | undefined): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(EQUALIZER_SIZE * 4);
  equalizer?.shares.forEach((share, i) => {
    const word = Math.round(share * 65535);
    bytes.set([word >> 8, word & 255], i * 4);
  });
  return bytes;
}
