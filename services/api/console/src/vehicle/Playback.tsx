// The past on the map: a line coloured by speed, the vehicle moving along it, the speed chart linked to it, and the period as a file in every format.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { FeatureCollection } from "geojson";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { queryOf } from "../api/client";
import type { VehicleDetail } from "../api/schema";
import { useAsked } from "../api/use";
import { fetchTrack } from "../alert/track";
import type { Point } from "../alert/track";
import { MapView } from "../map/MapView";
import { cssColour } from "../map/colours";
import { usePurpose } from "../purpose/purpose";
import { Button, Empty, Failed, Loading } from "../ui";
import { Chart } from "../ui/chart";
import { clock, number } from "../words/format";
import { PeriodForm, usePeriod } from "./period";
import type { Period } from "./period";
import { BANDS, GAP_MS, boundsOf, linesOf, placeAt } from "./track";
import { useWords } from "./words";

const FORMATS = ["geojson", "mfjson", "csv", "gpx", "kml", "parquet"] as const;
const SPEEDS = [10, 60, 300] as const;
const FRAME_MS = 50;
const MOST_CHART = 3000;

export function Playback({ vehicle }: { vehicle: VehicleDetail }) {
  const say = useWords();
  const purpose = usePurpose();
  const period = usePeriod();
  const { data, error, again } = useAsked(`${vehicle.id} ${period.from} ${period.to} ${purpose}`, (signal) => fetchTrack(vehicle.id, period.from, period.to, purpose, signal));
  return (
    <section className="stack large">
      <PeriodForm period={period} />
      {error ? <Failed error={error} again={again} /> : null}
      {!data && !error ? <Loading /> : null}
      {data?.length === 0 ? <Empty title={say("noTrack")} /> : null}
      {data && data.length > 0 ? <Player key={`${period.from} ${period.to}`} points={data} /> : null}
      <Exports id={vehicle.id} period={period} purpose={purpose} />
    </section>
  );
}

function Player({ points }: { points: readonly Point[] }) {
  const say = useWords();
  const first = points[0]?.ms ?? 0;
  const last = points.at(-1)?.ms ?? 0;
  const [at, setAt] = useState(first);
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<number>(60);
  useEffect(() => {
    if (!playing) return undefined;
    const timer = setInterval(() => setAt((before) => Math.min(before + FRAME_MS * speed, last)), FRAME_MS);
    return () => clearInterval(timer);
  }, [playing, speed, last]);
  const chart = useMemo(() => thinned(points, MOST_CHART).map((point) => ({ ms: point.ms, value: point.speed })), [points]);
  const here = placeAt(points, at);
  const gaps = useMemo(() => points.filter((point, place) => place > 0 && point.ms - (points[place - 1]?.ms ?? 0) > GAP_MS).length, [points]);
  return (
    <>
      <div className="playback-map panel"><TrackMap points={points} at={here} /><Scale /></div>
      <div className="row wrap">
        <Button look="primary" onClick={() => { if (at >= last) setAt(first); setPlaying(!playing); }}>{say(playing && at < last ? "pause" : "play")}</Button>
        {SPEEDS.map((one) => <Button key={one} look={one === speed ? "on" : ""} aria-pressed={one === speed} onClick={() => setSpeed(one)}>{one}×</Button>)}
        <input className="grow" type="range" min={first} max={last} step={1000} value={at} aria-label={say("look")} aria-valuetext={clock(at)} onChange={(event) => setAt(Number(event.target.value))} />
        <span className="number">{clock(at)} · {here ? `${number(here.speed ?? 0)} ${say("kmh")}` : "—"}</span>
        <span className="soft small number">{say("positions", { n: number(points.length) })} · {say("gaps")} {gaps}</span>
      </div>
      <div className="panel padded"><Chart points={chart} unit={say("kmh")} label={say("chart")} at={at} onAt={setAt} gapMs={GAP_MS} height={110} /></div>
    </>
  );
}

/** At most so many points, evenly: for the chart only, the map shows them all. */
function thinned(points: readonly Point[], most: number): readonly Point[] {
  const step = Math.ceil(points.length / most);
  return step <= 1 ? points : points.filter((_, place) => place % step === 0);
}

function Scale() {
  const say = useWords();
  return <div className="map-panel panel speed-scale small number">{BANDS.map((band) => <span key={band.from}><i style={{ background: band.colour }} />{band.from}</span>)} {say("kmh")}</div>;
}

function TrackMap({ points, at }: { points: readonly Point[]; at: { lon: number; lat: number } | null }) {
  const say = useWords();
  const shown = useRef<MapLibre | null>(null);
  const place = useRef(at);
  const onMap = useCallback((map: MapLibre) => {
    shown.current = map;
    map.addSource("track", { type: "geojson", data: linesOf(points) });
    map.addSource("here", { type: "geojson", data: pointAt(place.current) });
    map.addLayer({ id: "track-edge", source: "track", type: "line", filter: ["has", "band"], layout: { "line-join": "round" }, paint: { "line-color": cssColour("--map-halo"), "line-width": 7 } });
    map.addLayer({ id: "track-line", source: "track", type: "line", filter: ["has", "band"], layout: { "line-join": "round" }, paint: { "line-width": 4, "line-color": ["match", ["get", "band"], ...BANDS.flatMap((band, number_) => [number_, band.colour]), "#888888"] as never } });
    map.addLayer({ id: "track-gaps", source: "track", type: "line", filter: ["has", "gap"], paint: { "line-width": 2, "line-color": cssColour("--soft"), "line-dasharray": [2, 3] } });
    map.addLayer({ id: "here", source: "here", type: "circle", paint: { "circle-radius": 8, "circle-color": cssColour("--accent"), "circle-stroke-color": cssColour("--text"), "circle-stroke-width": 2 } });
    return () => {
      shown.current = null;
    };
  }, [points]);
  useEffect(() => {
    place.current = at;
    shown.current?.getSource<GeoJSONSource>("here")?.setData(pointAt(at));
  }, [at]);
  return <MapView onMap={onMap} bounds={boundsOf(points)} label={say("tracked")} />;
}

function pointAt(at: { lon: number; lat: number } | null): FeatureCollection {
  return { type: "FeatureCollection", features: at ? [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [at.lon, at.lat] } }] : [] };
}

function Exports({ id, period, purpose }: { id: number; period: Period; purpose: string }) {
  const say = useWords();
  return (
    <p className="row wrap no-print"><span className="soft">{say("exportLead")}</span>
      {FORMATS.map((format) => <a key={format} className="button tiny" href={`/v1/vehicles/${id}/track${queryOf({ ...period, format, purpose })}`} download>{format}</a>)}
    </p>
  );
}
