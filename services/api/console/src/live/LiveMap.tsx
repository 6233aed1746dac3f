// The map of the live page: every vehicle in view, those with an open alert in a halo, the chosen one followed by its name.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Popup } from "maplibre-gl";
import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import { get } from "../api/client";
import type { Alert, VehicleDetail } from "../api/schema";
import { useLabel, useMeta } from "../app/session";
import { MapView } from "../map/MapView";
import { rankOf } from "../app/codes";
import { CLASSES } from "../map/colours";
import { PointLayer } from "../map/pointLayer";
import { resolved } from "../stream/alerts";
import { useStretch } from "../alert/track";
import type { Point } from "../alert/track";
import { showStretch } from "./stretch";
import { useWords } from "../words";
import { clock } from "../words/format";
import { mercator } from "./fleet";
import type { Seen } from "./fleet";
import { Positions } from "./positions";

const REACH_PX = 12;
const CHOSEN_ZOOM = 10;
const NOTHING: readonly Point[] = [];

/** A halo is for what is going on now, or grave and unseen; a map on which everything shines shows nothing. */
function marked(alert: Alert): boolean {
  return !resolved(alert) && (alert.state === "open" || (alert.severity === "critical" && alert.handling === "open"));
}

export interface LiveMapProps {
  alerts: ReadonlyMap<string, Alert>;
  chosen: Alert | null;
  openVehicle?: (vehicle: number) => void;
  children?: React.ReactNode;
}

export function LiveMap({ alerts, chosen, openVehicle, children }: LiveMapProps) {
  const say = useWords();
  const label = useLabel();
  const meta = useMeta();
  const shown = useRef<{ map: MapLibre; positions: Positions; draw: () => void } | null>(null);
  const [count, setCount] = useState(0);
  const marks = useMemo(() => {
    const found = new Map<number, number>();
    for (const alert of alerts.values()) if (marked(alert)) found.set(alert.vehicle.id, Math.max(found.get(alert.vehicle.id) ?? 0, rankOf(alert.severity) + 1));
    return found;
  }, [alerts]);
  const stretch = useStretch(chosen).data ?? NOTHING;
  const now = useRef({ marks, chosen, stretch, label, say, meta, openVehicle });
  useLayoutEffect(() => {
    now.current = { marks, chosen, stretch, label, say, meta, openVehicle };
  });
  const onMap = useCallback((map: MapLibre) => {
    const layer = new PointLayer();
    map.addLayer(layer, "road-names");
    const draw = (): void => {
      const { fleet } = positions;
      fleet.mark(now.current.marks, now.current.chosen?.vehicle.id ?? null);
      layer.show(fleet.rows, fleet.count);
    };
    const positions = new Positions(map, () => {
      draw();
      setCount(positions.fleet.count);
    });
    shown.current = { map, positions, draw };
    const { chosen: first } = now.current;
    if (first) map.jumpTo({ center: [first.at.lon, first.at.lat], zoom: Math.max(map.getZoom(), CHOSEN_ZOOM) });
    showStretch(map, now.current.stretch, first);
    const leave = pick(map, positions, (seen) => describe(map, seen, now.current));
    return () => {
      leave();
      positions.end();
      if (map.getLayer(layer.id)) map.removeLayer(layer.id);
      shown.current = null;
    };
  }, []);
  useEffect(() => shown.current?.draw(), [marks, chosen]);
  useEffect(() => showStretch(shown.current?.map ?? null, stretch, chosen), [stretch, chosen]);
  useEffect(() => {
    const { map } = shown.current ?? {};
    if (!map || !chosen) return;
    map.easeTo({ center: [chosen.at.lon, chosen.at.lat], zoom: Math.max(map.getZoom(), CHOSEN_ZOOM), duration: 500 });
    // oxlint-disable-next-line exhaustive-deps -- a new choice moves the map, a later version of it does not
  }, [chosen?.id]);
  return (
    <MapView onMap={onMap} label={say("live")}>
      <Legend count={count} />
      {children}
    </MapView>
  );
}

function Legend({ count }: { count: number }) {
  const say = useWords();
  const meta = useMeta();
  const label = useLabel();
  return (
    <div className="map-panel panel legend">
      <span className="number">{say("vehiclesInView", { count })}</span>
      {meta.classes.map((one, place) => <span key={one.code} className="row"><i className="dot-class" style={{ background: `var(--class-${CLASSES[place]})` }} />{label("classes", one.code)}</span>)}
      <span className="row soft"><i className="shape driving" />{say("driving")} <i className="shape stopped" />{say("stopped")} <i className="shape silent" />{say("silent")} <i className="shape alerted" />{say("alerted")}</span>
    </div>
  );
}

function pick(map: MapLibre, positions: Positions, found: (seen: Seen) => void): () => void {
  const at = (event: MapMouseEvent): Seen | null => {
    const [x, y] = mercator(event.lngLat.lng, event.lngLat.lat);
    return positions.fleet.near(x, y, REACH_PX / (512 * 2 ** map.getZoom()));
  };
  const click = (event: MapMouseEvent): void => {
    const seen = at(event);
    if (seen) found(seen);
  };
  const move = (event: MapMouseEvent): void => {
    map.getCanvas().style.cursor = at(event) ? "pointer" : "";
  };
  map.on("click", click);
  map.on("mousemove", move);
  return () => {
    map.off("click", click);
    map.off("mousemove", move);
  };
}

interface Now {
  label: ReturnType<typeof useLabel>;
  say: ReturnType<typeof useWords>;
  openVehicle?: ((vehicle: number) => void) | undefined;
}

/** A small card at the vehicle; built of nodes, never of HTML text. */
function describe(map: MapLibre, seen: Seen, { label, say, openVehicle }: Now): void {
  const card = document.createElement("div");
  card.className = "stack";
  const line = (text: string, className = ""): HTMLElement => {
    const found = document.createElement("span");
    found.textContent = text;
    found.className = className;
    card.append(found);
    return found;
  };
  const plate = line("…", "plate");
  const who = line("", "soft small");
  line(`${seen.speed === null ? "—" : Math.round(seen.speed)} ${say("kmh")} · ${clock(seen.timeS * 1000)}`, "number");
  const open = document.createElement("button");
  open.className = "button tiny";
  open.textContent = say("openVehicle");
  open.addEventListener("click", () => openVehicle?.(seen.vehicle));
  if (openVehicle) card.append(open);
  new Popup({ closeButton: false, offset: 12, maxWidth: "280px" }).setLngLat([seen.lon, seen.lat]).setDOMContent(card).addTo(map);
  get<VehicleDetail>(`/v1/vehicles/${seen.vehicle}`).then((vehicle) => {
    plate.textContent = vehicle.plate;
    plate.className = `plate ${vehicle.plate_color}`;
    who.textContent = `${label("classes", vehicle.class)} · ${vehicle.operator}`;
  }, (error: unknown) => { who.textContent = (error as Error).message; });
}
