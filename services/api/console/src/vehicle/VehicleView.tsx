// One vehicle: who it is, its alerts, and its past on the map.
import { get } from "../api/client";
import type { Alert, AlertPage, Registration, VehicleDetail } from "../api/schema";
import { useAsked } from "../api/use";
import { setQuery, useQuery } from "../app/router";
import { useKindLabel, useLabel, useMay } from "../app/session";
import { WithPurpose } from "../purpose/purpose";
import { Empty, Failed, Link, Loading, Plate, Severity, Table, Time } from "../ui";
import { useLanguage } from "../words/language";
import { Health } from "./Health";
import { Journeys } from "./Journeys";
import { Playback } from "./Playback";
import { useWords } from "./words";
import "./vehicle.css";

const TABS = ["look", "trips", "alerts", "health", "identity"] as const;
const LOOKS: readonly string[] = ["look", "trips", "health"];
type Tab = (typeof TABS)[number];

export function VehicleView({ id }: { id: string }) {
  const say = useWords();
  const label = useLabel();
  const query = useQuery();
  const mayTracks = useMay("tracks:read");
  const { data, error, again } = useAsked(id, (signal) => get<VehicleDetail>(`/v1/vehicles/${encodeURIComponent(id)}`, {}, signal));
  if (error) return <Failed error={error} again={again} />;
  if (!data) return <Loading />;
  const tabs = TABS.filter((tab) => mayTracks || !LOOKS.includes(tab));
  const tab: Tab = tabs.find((one) => one === query.get("tab")) ?? tabs[0] ?? "alerts";
  return (
    <div className="page vehicle-page" tabIndex={0}><div className="inner">
      <header className="row wrap">
        <Plate plate={data.plate} color={data.plate_color} />
        <h1>{label("classes", data.class)}</h1><span className="soft grow cut">{data.operator}</span>
        <span className={`tag ${data.status === "active" ? "good" : "warn"}`}>{data.status === "active" ? say("active") : data.status}</span>
      </header>
      <div className="tabs no-print" role="tablist">
        {tabs.map((one) => <button key={one} type="button" role="tab" aria-selected={one === tab} onClick={() => setQuery({ tab: one })}>{say(one)}</button>)}
      </div>
      {tab === "look" ? <WithPurpose><Playback vehicle={data} /></WithPurpose> : null}
      {tab === "trips" ? <WithPurpose><Journeys vehicle={data} /></WithPurpose> : null}
      {tab === "alerts" ? <Alerts id={data.id} /> : null}
      {tab === "health" ? <WithPurpose><Health vehicle={data} /></WithPurpose> : null}
      {tab === "identity" ? <Identity vehicle={data} /> : null}
    </div></div>
  );
}

function Alerts({ id }: { id: number }) {
  const say = useWords();
  const language = useLanguage();
  const label = useLabel();
  const kind = useKindLabel();
  const { data, error, again } = useAsked(`alerts ${id}`, (signal) => get<AlertPage>("/v1/alerts", { vehicle: String(id), limit: 200 }, signal));
  if (error) return <Failed error={error} again={again} />;
  if (!data) return <Loading />;
  if (data.items.length === 0) return <Empty title={say("noAlerts")} />;
  return (
    <div className="panel">
      <Table<Alert> rows={data.items} keyOf={(row) => row.id} columns={[
        { name: say("began"), kind: "whole", cell: (row) => <Link to={`/alerts/${row.id}`}><Time time={row.began} long /></Link> },
        { name: "", kind: "whole", cell: (row) => <Severity severity={row.severity} /> },
        { name: say("alerts"), cell: (row) => row.sentence[language] },
        { name: "", kind: "whole", cell: (row) => `${label("rules", row.rule)} · ${kind(row.rule, row.kind)}` },
        { name: say("status"), kind: "whole", cell: (row) => label("handlings", row.handling) },
      ]} />
    </div>
  );
}

function Identity({ vehicle }: { vehicle: VehicleDetail }) {
  const say = useWords();
  const label = useLabel();
  return (
    <section className="panel padded stack large">
      <dl className="facts">
        <dt>{say("operator")}</dt><dd>{vehicle.operator}</dd>
        <dt>{say("division")}</dt><dd className="number">{vehicle.division}</dd>
        <dt>{say("terminal")}</dt><dd className="number">{vehicle.terminal}</dd>
        <dt>{say("permit")}</dt><dd>{vehicle.permit ?? "—"} {vehicle.permit_to ? <span className="soft">{say("permitTo")} {vehicle.permit_to}</span> : null}</dd>
        <dt>{say("inspection")}</dt><dd>{vehicle.inspection_due ?? "—"}</dd>
        <dt>{say("vin")}</dt><dd>{vehicle.vin ?? "—"}</dd>
      </dl>
      <h3>{say("history")}</h3>
      <Table<Registration> rows={vehicle.registrations} keyOf={(row) => `${row.valid_from} ${row.terminal}`} columns={[
        { name: say("from"), kind: "whole", cell: (row) => (row.valid_from ? <Time time={row.valid_from} long /> : "—") },
        { name: say("to"), kind: "whole", cell: (row) => (row.valid_to ? <Time time={row.valid_to} long /> : "—") },
        { name: say("class"), kind: "whole", cell: (row) => label("classes", row.class) },
        { name: say("operator"), cell: (row) => row.operator },
        { name: say("terminal"), kind: "whole", cell: (row) => row.terminal },
      ]} />
    </section>
  );
}
