// A MapLibre map with our basemap; whoever shows something on it gets the map once its style is there, and again after a change of theme.
import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { Map as MapLibre, setWorkerUrl } from "maplibre-gl";
import type { LngLatBoundsLike } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { onTheme } from "../app/preferences";
import { useMeta } from "../app/session";
import { Failed } from "../ui";
import { useWords } from "../words";
import { FONT_FAMILY, basemapIndex, styleOf } from "./style";
import type { BasemapIndex } from "./style";
import "./map.css";

setWorkerUrl(workerUrl);

export interface MapProps {
  /** Called with the map when its style is there; what it gives back is called before it goes. */
  onMap: (map: MapLibre, index: BasemapIndex) => () => void;
  bounds?: LngLatBoundsLike | null;
  children?: ReactNode;
  label: string;
}

export function MapView({ onMap, bounds, children, label }: MapProps) {
  const say = useWords();
  const { tiles } = useMeta();
  const holder = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<MapLibre | null>(null);
  const [index, setIndex] = useState<BasemapIndex | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    let made: MapLibre | null = null;
    let left = false;
    basemapIndex().then((found) => {
      if (left || !holder.current) return;
      made = new MapLibre({
        container: holder.current, style: styleOf(found, tiles), bounds: bounds ?? found.region.bounds, fitBoundsOptions: { padding: 24 }, attributionControl: false,
        localIdeographFontFamily: FONT_FAMILY, dragRotate: false, pitchWithRotate: false, touchPitch: false, maxZoom: 17, fadeDuration: 0,
        canvasContextAttributes: { preserveDrawingBuffer: false, antialias: false },
      });
      made.touchZoomRotate.disableRotation();
      made.keyboard.disableRotation();
      setIndex(found);
      setMap(made);
    }, (problem: unknown) => setError(problem as Error));
    return () => {
      left = true;
      made?.remove();
    };
    // oxlint-disable-next-line exhaustive-deps -- where the map begins is asked once
  }, []);
  useEffect(() => {
    if (!map || !index) return undefined;
    let leave: (() => void) | null = null;
    const ready = (): void => {
      leave?.();
      leave = onMap(map, index);
    };
    if (map.isStyleLoaded()) ready();
    else map.once("load", ready);
    const unfollow = onTheme(() => {
      map.setStyle(styleOf(index, tiles), { diff: false });
      map.once("styledata", ready);
    });
    return () => {
      unfollow();
      leave?.();
    };
  }, [map, index, onMap, tiles]);
  return (
    <div className="map" role="region" aria-label={label}>
      <div ref={holder} className="map-holder" />
      {error ? <Failed error={error} /> : null}
      {map && index ? (
        <>
          <div className="map-zoom">
            <button type="button" className="button" aria-label={say("zoomIn")} title={say("zoomIn")} onClick={() => map.zoomIn()}>+</button>
            <button type="button" className="button" aria-label={say("zoomOut")} title={say("zoomOut")} onClick={() => map.zoomOut()}>−</button>
            <button type="button" className="button" aria-label={say("fit")} title={say("fit")} onClick={() => map.fitBounds(index.region.bounds, { padding: 24 })}>⤢</button>
          </div>
          <p className="map-credit" title={index.attribution.map((one) => `${one.text} (${one.licence})`).join(", ")}>{[...(tiles?.credit ? [tiles.credit] : []), ...index.attribution.map((one) => one.text)].join(" · ")}</p>
        </>
      ) : null}
      {children}
    </div>
  );
}
