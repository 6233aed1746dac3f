// Every vehicle as a point of one WebGL layer: MapLibre's own circle layer stops at some thousand that move (docs/console.md).
// Colour is the class, shape the state: a disc drives (an arrow where near), a square stands, a ring is silent; a halo has an open alert.
import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibre } from "maplibre-gl";
import { CLASSES, cssColour, rgb } from "./colours";

export const DRIVING = 0, STOPPED = 1, SILENT = 2;
/** x, y (mercator, f4), heading (radians, f4; NaN none), class, state, mark (0 none, 1–4 severity), chosen (u1 each). */
export const ROW_BYTES = 16;
const WALL_PX = 2500;

const VERTEX = `
in vec2 a_place;
in float a_heading;
in vec4 a_look;
uniform float u_size;
uniform vec3 u_colours[5];
out vec3 v_colour;
out float v_heading;
flat out ivec3 v_look;
void main() {
  gl_Position = projectTile(a_place);
  float room = a_look.z > 0.5 ? 2.1 : 1.0;
  gl_PointSize = u_size * room * (a_look.w > 0.5 ? 1.5 : 1.0);
  v_colour = u_colours[int(a_look.x)];
  v_heading = a_heading;
  v_look = ivec3(int(a_look.y), int(a_look.z), int(a_look.w));
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 v_colour;
in float v_heading;
flat in ivec3 v_look;
uniform float u_near;
uniform vec3 u_marks[5];
uniform vec3 u_edge;
out vec4 colour;
void main() {
  vec2 at = (gl_PointCoord * 2.0 - 1.0) * (v_look.y > 0 ? 2.1 : 1.0);
  float halo = length(at);
  float shape;
  if (v_look.x == 2) shape = abs(length(at) - 0.68) - 0.24;
  else if (v_look.x == 1) shape = max(abs(at.x), abs(at.y)) - 0.66;
  else if (u_near > 0.5 && v_heading == v_heading) {
    float s = sin(v_heading), c = cos(v_heading);
    vec2 turned = vec2(c * at.x + s * at.y, -s * at.x + c * at.y);
    shape = max(abs(turned.x) * 1.6 - turned.y * 0.8 - 0.75, turned.y - 0.8);
  } else shape = length(at) - 0.8;
  if (shape < 0.0) { colour = vec4(shape > -0.2 ? mix(v_colour, u_edge, 0.75) : v_colour, 1.0); return; }
  if (v_look.y > 0 && halo < 2.0) {
    float ring = smoothstep(0.35, 0.0, abs(halo - 1.65));
    colour = vec4(u_marks[v_look.y], 1.0) * max(ring, 0.18);
    return;
  }
  if (v_look.z > 0 && shape < 0.2) { colour = vec4(u_edge, 1.0); return; }
  discard;
}`;

const MARKS = ["--text", "--info", "--minor", "--major", "--critical"];

export class PointLayer implements CustomLayerInterface {
  readonly id = "vehicles";
  readonly type = "custom" as const;
  readonly renderingMode = "2d" as const;
  private map: MapLibre | null = null;
  private programs = new Map<string, WebGLProgram>();
  private buffer: WebGLBuffer | null = null;
  private gl: WebGL2RenderingContext | null = null;
  private rows: ArrayBuffer = new ArrayBuffer(0);
  private count = 0;
  private stale = true;

  onAdd(map: MapLibre, gl: WebGL2RenderingContext | WebGLRenderingContext): void {
    this.map = map;
    this.gl = gl as WebGL2RenderingContext;
    this.buffer = gl.createBuffer();
    this.programs.clear();
    this.stale = true;
  }

  onRemove(): void {
    this.gl?.deleteBuffer(this.buffer);
    for (const program of this.programs.values()) this.gl?.deleteProgram(program);
    this.programs.clear();
  }

  /** Show `count` rows of ROW_BYTES; the memory is read at the next frame. */
  show(rows: ArrayBuffer, count: number): void {
    this.rows = rows;
    this.count = count;
    this.stale = true;
    this.map?.triggerRepaint();
  }

  render(context: WebGL2RenderingContext | WebGLRenderingContext, input: CustomRenderMethodInput): void {
    const gl = context as WebGL2RenderingContext;
    if (this.count === 0 || !this.map) return;
    const program = this.program(gl, input);
    if (!program) return;
    gl.useProgram(program);
    gl.bindVertexArray(null);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    if (this.stale) {
      gl.bufferData(gl.ARRAY_BUFFER, new Uint8Array(this.rows, 0, this.count * ROW_BYTES), gl.DYNAMIC_DRAW);
      this.stale = false;
    }
    this.attributes(gl, program);
    this.uniforms(gl, program, input);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.drawArrays(gl.POINTS, 0, this.count);
  }

  private attributes(gl: WebGL2RenderingContext, program: WebGLProgram): void {
    const point = (name: string, size: number, type: number, offset: number): void => {
      const place = gl.getAttribLocation(program, name);
      if (place < 0) return;
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, type, false, ROW_BYTES, offset);
    };
    point("a_place", 2, gl.FLOAT, 0);
    point("a_heading", 1, gl.FLOAT, 8);
    point("a_look", 4, gl.UNSIGNED_BYTE, 12);
  }

  private uniforms(gl: WebGL2RenderingContext, program: WebGLProgram, { defaultProjectionData: projection }: CustomRenderMethodInput): void {
    const at = (name: string): WebGLUniformLocation | null => gl.getUniformLocation(program, name);
    gl.uniformMatrix4fv(at("u_projection_matrix"), false, projection.mainMatrix);
    gl.uniformMatrix4fv(at("u_projection_fallback_matrix"), false, projection.fallbackMatrix);
    gl.uniform4f(at("u_projection_tile_mercator_coords"), ...projection.tileMercatorCoords);
    gl.uniform4f(at("u_projection_clipping_plane"), ...projection.clippingPlane);
    gl.uniform1f(at("u_projection_transition"), projection.projectionTransition);
    const zoom = this.map?.getZoom() ?? 0;
    gl.uniform1f(at("u_size"), sizeAt(zoom) * devicePixelRatio * (innerWidth >= WALL_PX ? 1.5 : 1));
    gl.uniform1f(at("u_near"), zoom >= 9 ? 1 : 0);
    gl.uniform3fv(at("u_colours"), CLASSES.flatMap((name) => rgb(cssColour(`--class-${name}`))));
    gl.uniform3fv(at("u_marks"), MARKS.flatMap((name) => rgb(cssColour(name))));
    gl.uniform3f(at("u_edge"), ...rgb(cssColour("--map-halo")));
  }

  private program(gl: WebGL2RenderingContext, { shaderData }: CustomRenderMethodInput): WebGLProgram | null {
    const known = this.programs.get(shaderData.variantName);
    if (known) return known;
    const program = gl.createProgram();
    const shaders = [
      [gl.VERTEX_SHADER, `#version 300 es\n${shaderData.vertexShaderPrelude}\n${shaderData.define}\n${VERTEX}`],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ] as const;
    for (const [type, source] of shaders) {
      const shader = gl.createShader(type);
      if (!shader) return null; // the context is lost; the map makes another and adds the layer anew
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program) ?? "shader");
    this.programs.set(shaderData.variantName, program);
    return program;
  }
}

/** Diameter of a vehicle in CSS pixels. */
export function sizeAt(zoom: number): number {
  return Math.min(22, Math.max(5, 5 + (zoom - 5) * 1.9));
}
