// A line over time, drawn as SVG: an axis, a dashed limit, a marked stretch, gaps left open, and the value under the pointer.
import { useCallback, useId, useRef, useState } from "react";
import type { PointerEvent } from "react";
import { clock } from "../words/format";

export interface ChartPoint {
  ms: number;
  value: number | null;
}

export interface ChartProps {
  points: readonly ChartPoint[];
  unit: string;
  label: string;
  limit?: number | null;
  marked?: { from: number; to: number } | null;
  gapMs?: number;
  at?: number | null; // a moment to be shown, ms
  onAt?: (ms: number) => void;
  height?: number;
}

/** Pixels; until the page has told how wide it is. */
const FIRST_WIDTH = 440;
const LEFT = 38;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 20;

/** A round number at or above the greatest, and four steps to it. */
export function stepsTo(most: number): number[] {
  const rough = Math.max(most, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  return [0, 1, 2, 3, 4].map((place) => place * step);
}

/** Runs of neighbours with a value and no gap between them. */
export function runsOf(points: readonly ChartPoint[], gapMs: number): ChartPoint[][] {
  const runs: ChartPoint[][] = [];
  let before: ChartPoint | null = null;
  for (const point of points) {
    if (point.value === null) continue;
    if (!before || point.ms - before.ms > gapMs) runs.push([]);
    runs.at(-1)?.push(point);
    before = point;
  }
  return runs;
}

/** How wide an element is, so that a unit of the drawing is a pixel and its letters are of the page's size. */
function useWidth(): { width: number; measured: (node: HTMLElement | null) => (() => void) | undefined } {
  const [width, setWidth] = useState(FIRST_WIDTH);
  const measured = useCallback((node: HTMLElement | null) => {
    if (!node) return undefined;
    const observer = new ResizeObserver(() => setWidth(node.clientWidth || FIRST_WIDTH));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return { width, measured };
}

export function Chart({ points, unit, label, limit = null, marked = null, gapMs = 180_000, at = null, onAt, height = 150 }: ChartProps) {
  const holder = useRef<SVGSVGElement>(null);
  const name = useId();
  const { width, measured } = useWidth();
  const [hover, setHover] = useState<ChartPoint | null>(null);
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return null;
  const span = Math.max(last.ms - first.ms, 1);
  const ticks = stepsTo(Math.max(limit ?? 0, ...points.map((point) => point.value ?? 0)));
  const most = ticks.at(-1) ?? 1;
  const x = (ms: number): number => LEFT + ((ms - first.ms) / span) * (width - LEFT - RIGHT);
  const y = (value: number): number => height - BOTTOM - (value / most) * (height - TOP - BOTTOM);
  const nearest = (event: PointerEvent): ChartPoint => {
    const box = holder.current?.getBoundingClientRect();
    const ms = first.ms + ((((event.clientX - (box?.left ?? 0)) / (box?.width || 1)) * width - LEFT) / (width - LEFT - RIGHT)) * span;
    return points.reduce((best, point) => (Math.abs(point.ms - ms) < Math.abs(best.ms - ms) ? point : best), first);
  };
  const shown = hover ?? (at === null ? null : points.reduce((best, point) => (Math.abs(point.ms - at) < Math.abs(best.ms - at) ? point : best), first));
  return (
    <figure ref={measured} className="chart">
      <svg ref={holder} viewBox={`0 0 ${width} ${height}`} role="img" aria-labelledby={name}
        onPointerMove={(event) => setHover(nearest(event))} onPointerLeave={() => setHover(null)} onClick={(event) => onAt?.(nearest(event as unknown as PointerEvent).ms)}>
        <title id={name}>{label}</title>
        {marked ? <rect className="chart-marked" x={x(Math.max(marked.from, first.ms))} width={Math.max(2, x(Math.min(marked.to, last.ms)) - x(Math.max(marked.from, first.ms)))} y={TOP} height={height - TOP - BOTTOM} /> : null}
        {ticks.map((tick) => <g key={tick}><line className="chart-grid" x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} /><text className="chart-text" x={LEFT - 6} y={y(tick) + 4} textAnchor="end">{tick}</text></g>)}
        {[0, 0.5, 1].map((share) => <text key={share} className="chart-text" x={x(first.ms + share * span)} y={height - 5} textAnchor={share === 0 ? "start" : share === 1 ? "end" : "middle"}>{clock(first.ms + share * span)}</text>)}
        {limit === null ? null : <line className="chart-limit" x1={LEFT} x2={width - RIGHT} y1={y(limit)} y2={y(limit)} />}
        {runsOf(points, gapMs).map((run) => run.length === 1 && run[0]
          ? <circle key={run[0].ms} className="chart-dot" cx={x(run[0].ms)} cy={y(run[0].value ?? 0)} r="2" />
          : <polyline key={run[0]?.ms} className="chart-line" points={run.map((point) => `${x(point.ms).toFixed(1)},${y(point.value ?? 0).toFixed(1)}`).join(" ")} />)}
        {shown && shown.value !== null ? (
          <g>
            <line className="chart-at" x1={x(shown.ms)} x2={x(shown.ms)} y1={TOP} y2={height - BOTTOM} />
            <circle className="chart-dot" cx={x(shown.ms)} cy={y(shown.value)} r="3.5" />
            <text className="chart-value" x={Math.min(Math.max(x(shown.ms), 90), width - 90)} y={TOP + 4} textAnchor="middle">{clock(shown.ms)} · {Math.round(shown.value * 10) / 10} {unit}</text>
          </g>
        ) : null}
      </svg>
    </figure>
  );
}
