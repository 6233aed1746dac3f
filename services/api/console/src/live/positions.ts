// Follows what the map shows: one stream of the area, a little larger than the view, taken anew when the view leaves it; none while the tab is hidden.
import type { Map as MapLibre } from "maplibre-gl";
import { queryOf } from "../api/client";
import { Fleet } from "./fleet";
import type { Frame } from "./fleet";

const ROOM = 0.35;
const SETTLE_MS = 350;
const AGAIN_MS = 3000;
type Box = [number, number, number, number];

export class Positions {
  readonly fleet = new Fleet();
  private source: EventSource | null = null;
  private box: Box | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ended = false;

  constructor(private readonly map: MapLibre, private readonly changed: () => void) {
    map.on("moveend", this.moved);
    document.addEventListener("visibilitychange", this.moved);
    this.follow();
  }

  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
    this.source?.close();
    this.map.off("moveend", this.moved);
    document.removeEventListener("visibilitychange", this.moved);
  }

  private readonly moved = (): void => {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.follow(), SETTLE_MS);
  };

  private follow(): void {
    if (this.ended) return;
    if (document.hidden) {
      this.source?.close();
      this.source = null;
      this.box = null;
      return;
    }
    const view = boxOf(this.map);
    if (this.source && this.box && inside(view, this.box) && !muchSmaller(view, this.box)) return;
    this.source?.close();
    this.box = widened(view);
    const source = (this.source = new EventSource(`/v1/positions/stream${queryOf({ bbox: this.box.map((one) => one.toFixed(5)).join(","), format: "rows" })}`));
    source.addEventListener("positions", (message) => {
      this.fleet.take(JSON.parse((message as MessageEvent<string>).data) as Frame);
      this.changed();
    });
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED || source !== this.source) return;
      this.source = null;
      this.box = null;
      this.timer = setTimeout(() => this.follow(), AGAIN_MS);
    });
  }
}

function boxOf(map: MapLibre): Box {
  const bounds = map.getBounds();
  return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
}

function widened([west, south, east, north]: Box): Box {
  const [dx, dy] = [(east - west) * ROOM, (north - south) * ROOM];
  return [Math.max(-180, west - dx), Math.max(-85, south - dy), Math.min(180, east + dx), Math.min(85, north + dy)];
}

const inside = (view: Box, box: Box): boolean => view[0] >= box[0] && view[1] >= box[1] && view[2] <= box[2] && view[3] <= box[3];
const muchSmaller = (view: Box, box: Box): boolean => (view[2] - view[0]) * 5 < box[2] - box[0];
