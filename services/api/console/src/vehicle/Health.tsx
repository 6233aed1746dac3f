// What the reports of the period tell of the vehicle's terminal: its clock, its speed, how often it speaks.
import { ask } from "../api/client";
import type { TerminalHealth, VehicleDetail } from "../api/schema";
import { useAsked } from "../api/use";
import { purposeHeader, usePurpose } from "../purpose/purpose";
import { Empty, Failed, Loading, Time } from "../ui";
import { duration, number } from "../words/format";
import { PeriodForm, usePeriod } from "./period";
import { useWords } from "./words";

const EIGHT_HOURS_S = 28_800;
const NEAR_S = 300;

export function Health({ vehicle }: { vehicle: VehicleDetail }) {
  const purpose = usePurpose();
  const period = usePeriod();
  const { data, error, again } = useAsked(`health ${vehicle.id} ${period.from} ${period.to} ${purpose}`, async (signal) =>
    (await ask<TerminalHealth>(`/v1/vehicles/${vehicle.id}/health`, { query: { ...period }, headers: purposeHeader(), signal })).body);
  return (
    <section className="stack large">
      <PeriodForm period={period} />
      {error ? <Failed error={error} again={again} /> : null}
      {!data && !error ? <Loading /> : null}
      {data ? <Figures health={data} /> : null}
    </section>
  );
}

function Figures({ health }: { health: TerminalHealth }) {
  const say = useWords();
  if (!health.last) return <Empty title={say("noReports")} />;
  const share = (of: number | null) => (of === null ? "—" : `${number(100 * of, 1)} %`);
  const off = Math.abs(health.clock === "unsteady" ? health.clock_spread_s ?? 0 : health.clock_offset_s ?? 0);
  const wrong = health.clock !== "right" && health.clock !== "unknown";
  const utc = health.clock === "behind" && Math.abs(off - EIGHT_HOURS_S) < NEAR_S;
  return (
    <dl className="facts panel padded">
      <dt>{say("reports")}</dt><dd className="number">{number(health.reports)} <span className="soft small">
        {health.backfilled ? say("backfilled", { n: number(health.backfilled) }) : ""} {health.truncated ? say("truncated", { n: number(health.reports + health.backfilled) }) : ""}</span></dd>
      <dt>{say("taken")}</dt><dd><Time time={health.last.taken} long /></dd>
      <dt>{say("received")}</dt><dd>{health.last.received ? <Time time={health.last.received} long /> : "—"}</dd>
      <dt>{say("clock")}</dt><dd><span className={wrong ? "tag warn" : ""}>{say(`clock_${health.clock}`, { time: duration(off) })}</span> {utc ? <span className="soft small">{say("utcLead")}</span> : null}</dd>
      <dt>{say("speed")}</dt><dd><span className={health.speed === "missing" || health.speed === "stuck" ? "tag warn" : ""}>{say(`speed_${health.speed}`)}</span></dd>
      <dt>{say("withoutSpeed")}</dt><dd className="number">{share(health.share_without_speed)}</dd>
      <dt>{say("frozen")}</dt><dd className="number">{share(health.share_frozen)}</dd>
      <dt>{say("flagged")}</dt><dd className="number">{share(health.share_flagged)}</dd>
      <dt>{say("interval")}</dt><dd className="number">{health.interval_s === null ? "—" : duration(health.interval_s)}</dd>
      <dt>{say("satellites")}</dt><dd className="number">{health.satellites === null ? "—" : number(health.satellites)}</dd>
    </dl>
  );
}
