// The basemap's style: our own files (docs/console-map.md), no glyph server, nothing from elsewhere but tiles where a server of them is set.
import type { ExpressionSpecification, FilterSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import type { Tiles } from "../api/schema";
import { themeNow } from "../app/preferences";
import { cssColour } from "./colours";

export interface BasemapIndex {
  region: { code: string; name: string; bounds: [number, number, number, number] };
  files: { file: string; minzoom: number }[];
  attribution: { text: string; licence: string; url?: string }[];
}

const FOLDER = "/console/basemap/";
const FONT = ["Noto Sans CJK SC"];
export const FONT_FAMILY = '"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif';
const REGION_FROM = 6;

export async function basemapIndex(): Promise<BasemapIndex> {
  const answer = await fetch(`${FOLDER}index.json`);
  if (!answer.ok) throw new Error(`${FOLDER}index.json: ${answer.status}`);
  return (await answer.json()) as BasemapIndex;
}

const of = (layer: string, ...more: ExpressionSpecification[]): FilterSpecification => ["all", ["==", ["get", "layer"], layer], ...more];
/** On a wall, seen from metres away, names are larger. */
const enlarged = (size: number): number => (matchMedia("(min-width: 2500px)").matches ? Math.round(size * 1.5) : size);
const widening = (from: number, to: number): ExpressionSpecification => ["interpolate", ["exponential", 1.4], ["zoom"], 5, from, 12, to];

function borders(id: string, source: string, levels: string[], colour: string, width: number, more: Partial<LayerSpecification> = {}): LayerSpecification {
  return {
    id, source, type: "line", filter: of("border", ["in", ["get", "level"], ["literal", levels]]),
    paint: { "line-color": colour, "line-width": width, ...(levels.includes("district") ? { "line-dasharray": [3, 2] } : {}) }, ...more,
  } as LayerSpecification;
}

function names(id: string, source: string, filter: FilterSpecification, size: number, more: Partial<LayerSpecification> = {}): LayerSpecification {
  return {
    id, source, type: "symbol", filter,
    layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": enlarged(size), "text-max-width": 8, "text-padding": 6 },
    paint: { "text-color": cssColour("--map-text"), "text-halo-color": cssColour("--map-halo"), "text-halo-width": 1.4 }, ...more,
  } as LayerSpecification;
}

/** Tiles of another server lie over our own map, which is there before they come and where they do not; calmer at night. */
function withTiles(style: StyleSpecification, tiles: Tiles): StyleSpecification {
  const night = themeNow() === "dark";
  return {
    ...style,
    sources: { ...style.sources, tiles: { type: "raster", tiles: [tiles.url], tileSize: 256, maxzoom: 18, attribution: "" } },
    layers: [...style.layers, { id: "tiles", source: "tiles", type: "raster", paint: night ? { "raster-brightness-max": 0.55, "raster-saturation": -0.4, "raster-fade-duration": 0 } : { "raster-saturation": -0.25, "raster-fade-duration": 0 } }],
  };
}

/** The style under the present theme. */
export function styleOf(index: BasemapIndex, tiles: Tiles | null): StyleSpecification {
  const own = ownStyle(index);
  return tiles ? withTiles(own, tiles) : own;
}

function ownStyle(index: BasemapIndex): StyleSpecification {
  const [land, border, road, major, water] = ["--map-land", "--map-border", "--map-road", "--map-road-major", "--map-water"].map(cssColour) as [string, string, string, string, string];
  const province: FilterSpecification = of("label", ["==", ["get", "level"], "province"]);
  return {
    version: 8,
    sources: Object.fromEntries(index.files.map(({ file }) => [file.replace(".json", ""), { type: "geojson" as const, data: `${FOLDER}${file}`, attribution: "" }])),
    layers: [
      { id: "ground", type: "background", paint: { "background-color": cssColour("--map-ground") } },
      { id: "china-land", source: "china", type: "fill", filter: of("division"), paint: { "fill-color": land } },
      { id: "china-lakes", source: "china", type: "fill", filter: of("lake"), maxzoom: REGION_FROM, paint: { "fill-color": water } },
      { id: "region-land", source: "region", type: "fill", filter: of("division"), minzoom: REGION_FROM, paint: { "fill-color": land } },
      { id: "region-lakes", source: "region", type: "fill", filter: of("lake"), minzoom: REGION_FROM, paint: { "fill-color": water } },
      { id: "china-rivers", source: "china", type: "line", filter: of("river"), maxzoom: REGION_FROM, paint: { "line-color": water, "line-width": 1.2 } },
      { id: "region-rivers", source: "region", type: "line", filter: of("river"), minzoom: REGION_FROM, paint: { "line-color": water, "line-width": widening(1, 5) } },
      { id: "china-roads", source: "china", type: "line", filter: of("road"), maxzoom: REGION_FROM, paint: { "line-color": road, "line-width": 0.6 } },
      { id: "region-roads", source: "region", type: "line", filter: of("road", ["!", ["has", "class"]]), minzoom: REGION_FROM, paint: { "line-color": road, "line-width": widening(0.6, 2) } },
      { id: "region-main-roads", source: "region", type: "line", filter: of("road", ["has", "class"]), minzoom: REGION_FROM,
        paint: { "line-color": major, "line-width": ["interpolate", ["exponential", 1.4], ["zoom"], 5, 0.8, 12, ["match", ["get", "class"], "expressway", 4, 2.4]] } },
      borders("china-provinces", "china", ["province"], border, 1.2, { maxzoom: REGION_FROM }),
      borders("china-country", "china", ["country"], border, 1.6),
      borders("region-districts", "region", ["district"], border, 0.6, { minzoom: 7 }),
      borders("region-cities", "region", ["city"], border, 0.9, { minzoom: REGION_FROM }),
      borders("region-provinces", "region", ["province", "country"], border, 1.6, { minzoom: REGION_FROM }),
      { id: "road-names", source: "region", type: "symbol", filter: of("road", ["has", "ref"]), minzoom: 8,
        layout: { "symbol-placement": "line", "symbol-spacing": 320, "text-field": ["concat", ["get", "ref"], " ", ["coalesce", ["get", "name"], ""]], "text-font": FONT, "text-size": enlarged(11) },
        paint: { "text-color": cssColour("--map-text"), "text-halo-color": cssColour("--map-halo"), "text-halo-width": 1.4 } },
      names("province-names", "china", province, 13, { maxzoom: REGION_FROM + 1 }),
      names("city-names", "china", of("label", ["==", ["get", "level"], "city"]), 11, { minzoom: 5.5, maxzoom: 7 }),
      names("district-names", "region", of("label", ["==", ["get", "level"], "district"]), 11, { minzoom: 8.5 }),
      names("places", "region", of("place"), 13, { minzoom: REGION_FROM, layout: {
        "text-field": ["get", "name"], "text-font": FONT, "text-size": ["match", ["get", "rank"], 1, enlarged(16), 2, enlarged(14), enlarged(12)], "symbol-sort-key": ["get", "rank"], "text-padding": 4 } } as Partial<LayerSpecification>),
    ],
  };
}
