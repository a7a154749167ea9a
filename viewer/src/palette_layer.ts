import {
  Layer,
  type LayerContext,
  type LayerProps,
  project32,
  type UpdateParameters,
} from "@deck.gl/core";
import type { Device, RenderPass, Texture } from "@luma.gl/core";
import { Geometry, Model } from "@luma.gl/engine";
import { ENTRY_OFFSET, ENTRY_SHIFT, FIRST_ENTRY, type Look, TABLE_WIDTH } from "./color_table";
import type { PixelType, TilePixels } from "./model";
import { samplerOf, TileTextures, tableTexture } from "./textures";

/** Samples per axis at most where a screen pixel covers several texels. */
const MAX_TAPS = 4;

const vertexShader = `#version 300 es
#define SHADER_NAME palette-layer-vertex-shader

in vec2 corners;
out vec2 texel;

void main() {
  vec2 place = vec2(
    corners.x < .5 ? tile.bounds.x : tile.bounds.z, corners.y < .5 ? tile.bounds.y : tile.bounds.w
  );
  vec2 rest = vec2(
    corners.x < .5 ? tile.rest.x : tile.rest.z, corners.y < .5 ? tile.rest.y : tile.rest.w
  );
  gl_Position = project_position_to_clipspace(vec3(place, 0.), vec3(rest, 0.), vec3(0.));
  // To a whole pixel, which rasterisers do not agree on: to a 16th of one, some of them.
  vec2 unit = .5 * project.viewportSize / gl_Position.w;
  vec2 middle = fract(.5 * project.viewportSize);
  gl_Position.xy = (floor(gl_Position.xy * unit + middle + .5) - middle) / unit;
  texel = corners * tile.size;
}
`;

const fragmentShader = `#version 300 es
#define SHADER_NAME palette-layer-fragment-shader
precision highp float;
precision highp int;
precision highp SAMPLER_TYPE;

uniform SAMPLER_TYPE values;
in vec2 texel;
out vec4 fragColor;

#ifdef PAINTED
void main() {
  fragColor = vec4(texture(values, texel / tile.size).rgb, palette.opacity);
}
#else
uniform SAMPLER_TYPE colors;

vec3 colorOf(vec2 position) {
  ivec2 at = ivec2(clamp(position, vec2(0.), tile.size - 1.));
  float value = float(texelFetch(values, at, 0).r);
  float x = clamp(value - palette.low, 0., palette.span) * palette.unit;
  uint entry = (floatBitsToUint(x + ${ENTRY_OFFSET}.) >> ${ENTRY_SHIFT}) - ${FIRST_ENTRY}u;
  ivec2 place = ivec2(entry & ${TABLE_WIDTH - 1}u, entry >> ${Math.log2(TABLE_WIDTH)});
  vec3 color = vec3(texelFetch(colors, place, 0).rgb) / 255.;
  return value < palette.interior ? color : palette.interiorColor;
}

void main() {
  vec2 right = dFdx(texel);
  vec2 down = dFdy(texel);
  // Where texels are smaller than pixels, colours (not values) are averaged over the pixel.
  float most = max(length(right), length(down));
  int taps = clamp(int(ceil(most - .05)), 1, int(palette.taps));
  float share = 1. / float(taps);
  vec3 sum = vec3(0.);
  for (int j = 0; j < taps; j++) {
    for (int i = 0; i < taps; i++) {
      vec2 at = (vec2(ivec2(i, j)) + .5) * share - .5;
      sum += colorOf(texel + at.x * right + at.y * down);
    }
  }
  fragColor = vec4(sum * share * share, palette.opacity);
}
#endif
`;

const tileUniforms = `uniform tileUniforms {
  vec4 bounds;
  vec4 rest;
  vec2 size;
} tile;
`;

const tileModule = {
  name: "tile",
  vs: tileUniforms,
  fs: tileUniforms,
  uniformTypes: { bounds: "vec4<f32>", rest: "vec4<f32>", size: "vec2<f32>" },
} as const;

const paletteModule = {
  name: "palette",
  fs: `uniform paletteUniforms {
  vec3 interiorColor;
  float opacity;
  float interior;
  float low;
  float span;
  float unit;
  float taps;
} palette;
`,
  uniformTypes: {
    interiorColor: "vec3<f32>",
    opacity: "f32",
    interior: "f32",
    low: "f32",
    span: "f32",
    unit: "f32",
    taps: "f32",
  },
} as const;

/** A tile, and where it is drawn. */
export interface PlacedTile {
  readonly pixels: TilePixels;
  /** Left, top, right, bottom in the layer's coordinates. */
  readonly bounds: readonly [number, number, number, number];
  /** Tiles of larger depths are nearer to the eye. */
  readonly depth: number;
}

interface PaletteProps extends LayerProps {
  /** In the order in which they are drawn. */
  readonly tiles: readonly PlacedTile[];
  readonly dtype: PixelType;
  readonly look: Look;
  /** Whether texels smaller than a screen pixel are averaged over it, which takes time. */
  readonly smooth: boolean;
}

interface PaletteState {
  [key: string]: unknown;
  readonly model: Model;
  /** Whether tiles come to the shader in their colours. */
  readonly painted: boolean;
  readonly textures: TileTextures;
  colors?: Texture;
}

/**
 * Whether a device draws in software. There, looking up a colour in the shader takes 50 ns a pixel
 * in every frame; painting a tile once on the page takes 3.
 */
function isSoftware({ info }: Device): boolean {
  return info.gpuType === "cpu";
}

/**
 * The tiles of a one-channel image, drawn through a table of colours: another palette, other limits
 * or another scaling cost a new table and one frame.
 *
 * The shader reads the table, or finds it read already where there is no graphics card.
 */
export class PaletteLayer extends Layer<PaletteProps> {
  static override layerName = "PaletteLayer";
  declare state: PaletteState;

  override initializeState(): void {
    const { device } = this.context;
    const painted = isSoftware(device);
    const model = new Model(device, {
      ...this.getShaders({
        vs: vertexShader,
        fs: fragmentShader,
        defines: painted
          ? { PAINTED: true, SAMPLER_TYPE: "sampler2D" }
          : { SAMPLER_TYPE: samplerOf(this.props.dtype) },
        modules: [project32, tileModule, paletteModule],
      }),
      id: this.props.id,
      geometry: new Geometry({
        topology: "triangle-strip",
        vertexCount: 4,
        attributes: { corners: { size: 2, value: new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]) } },
      }),
      bufferLayout: [{ name: "corners", format: "float32x2" }],
      isInstanced: false,
    });
    this.setState({ model, painted, textures: new TileTextures(device, this.props.dtype) });
  }

  override updateState({ props, oldProps }: UpdateParameters<this>): void {
    const { model, painted, colors } = this.state;
    const { table, interior } = props.look;
    if (!painted && table !== oldProps.look?.table) {
      const made = tableTexture(this.context.device, props.dtype, table.colors, TABLE_WIDTH);
      model.setBindings({ colors: made });
      colors?.destroy();
      this.setState({ colors: made });
    }
    model.shaderInputs.setProps({
      palette: {
        interiorColor: interior.color.map((value) => value / 255),
        opacity: props.opacity,
        interior: interior.from,
        low: table.low,
        span: table.span,
        unit: table.unit,
        taps: props.smooth ? MAX_TAPS : 1,
      },
    });
  }

  override draw({ renderPass }: { renderPass: RenderPass }): void {
    const { model, painted, textures } = this.state;
    const { tiles, look } = this.props;
    for (const { pixels, bounds, depth } of tiles) {
      const rest = bounds.map((value) => value - Math.fround(value));
      model.shaderInputs.setProps({ tile: { bounds, rest, size: [pixels.width, pixels.height] } });
      const values = painted ? textures.painted(pixels, look) : textures.values(pixels);
      model.setBindings({ values });
      this.context.device.setParametersWebGL({ polygonOffset: [0, -depth] });
      model.draw(renderPass);
    }
    textures.trim(tiles.length);
  }

  override finalizeState(context: LayerContext): void {
    super.finalizeState(context);
    this.state.colors?.destroy();
    this.state.textures.destroy();
  }
}
