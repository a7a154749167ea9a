import type { Device, Texture } from "@luma.gl/core";
import { XRLayer } from "@vivjs/layers";
import type { PixelType } from "./model";
import { INTERIOR, PALETTE_SIZE, paletteBytes } from "./palette";

/** Samples per axis at most where a screen pixel covers several texels. */
const MAX_TAPS = 4;

const fragmentShader = `#version 300 es
#define SHADER_NAME palette-layer-fragment-shader
precision highp float;
precision highp int;
precision highp SAMPLER_TYPE;

uniform SAMPLER_TYPE channel0;
uniform SAMPLER_TYPE paletteTexture;

in vec2 vTexCoord;
out vec4 fragColor;

float scaled(float value) {
  float low = palette.limits.x;
  float span = max(palette.limits.y - low, 1e-6);
  float t = value - low;
  if (palette.logarithmic > 0.5) return log(1. + max(t, 0.)) / log(1. + span);
  return t / span;
}

vec3 colorOf(ivec2 texel, ivec2 last) {
  float value = float(texelFetch(channel0, clamp(texel, ivec2(0), last), 0).r);
  if (value >= palette.interior) return palette.interiorColor;
  int entry = int(clamp(scaled(value), 0., 1.) * ${PALETTE_SIZE - 1}. + .5);
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
  float logarithmic;
} palette;
`,
  uniformTypes: {
    interiorColor: "vec3<f32>",
    opacity: "f32",
    limits: "vec2<f32>",
    interior: "f32",
    logarithmic: "f32",
  },
} as const;

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
    const { limits, interior, logarithmic, opacity, paletteName, dtype } = this.props;
    const { model } = this.state as { model?: PaletteModel };
    model?.shaderInputs.setProps({
      palette: {
        interiorColor: INTERIOR.map((value) => value / 255),
        opacity,
        limits,
        interior,
        logarithmic: logarithmic ? 1 : 0,
      },
    });
    model?.setBindings({
      paletteTexture: paletteTexture(this.context.device, paletteName, dtype),
    });
  }
}

interface PaletteModel {
  readonly shaderInputs: { setProps(props: Record<string, unknown>): void };
  setBindings(bindings: Record<string, Texture>): void;
}

/**
 * Samplers of two types may not share a texture unit, not even before units are assigned, and then
 * luma.gl takes the program for broken: the palette is kept as numbers of the data's own kind.
 */
const KINDS = {
  Uint: { format: "rgba8uint", from: (bytes: Uint8Array<ArrayBuffer>) => bytes },
  Int: { format: "rgba16sint", from: (bytes: Uint8Array<ArrayBuffer>) => new Int16Array(bytes) },
  Float: {
    format: "rgba32float",
    from: (bytes: Uint8Array<ArrayBuffer>) => new Float32Array(bytes),
  },
} as const;

const textures = new WeakMap<Device, Map<string, Texture>>();

function paletteTexture(device: Device, name: string, dtype: PixelType): Texture {
  const kind = dtype.replace(/\d+$/, "") as keyof typeof KINDS;
  const ofDevice = textures.get(device) ?? new Map<string, Texture>();
  textures.set(device, ofDevice);
  const known = ofDevice.get(`${kind}/${name}`);
  if (known) return known;
  const texture = device.createTexture({
    width: PALETTE_SIZE,
    height: 1,
    format: KINDS[kind].format,
    data: KINDS[kind].from(paletteBytes(name)),
    sampler: { minFilter: "nearest", magFilter: "nearest" },
  });
  ofDevice.set(`${kind}/${name}`, texture);
  return texture;
}
