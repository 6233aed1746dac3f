// Who is near an incident now: nearest first, with cargo, heading and how old the position is.
import { useState } from "react";
import { get } from "../api/client";
import type { NearItem, NearPage } from "../api/schema";
import { useAsked } from "../api/use";
import { labelOf, useLabel, useMeta } from "../app/session";
import { Button, Empty, Failed, Field, Link, Loading, Plate } from "../ui";
import { duration, number } from "../words/format";
import { DrawMap } from "./DrawMap";
import type { Place } from "./DrawMap";
import { useWords } from "./words";

export function Near() {
  const say = useWords();
  const meta = useMeta();
  const label = useLabel();
  const [at, setAt] = useState<Place | null>(null);
  const [radius, setRadius] = useState(5000);
  const [chosen, setChosen] = useState("");
  const { data, error, again } = useAsked(at ? `${at.join()} ${radius} ${chosen}` : null, (signal) =>
    get<NearPage>("/v1/search/near", { lon: at?.[0], lat: at?.[1], radius_m: radius, classes: chosen || null, limit: 200 }, signal));
  const found = (data?.items ?? []).map((item) => ({ at: [item.lon, item.lat] as Place, label: item.plate }));
  return (
    <div className="search-body">
      <aside className="search-side stack large">
        <p className="soft">{say("nearLead")}</p>
        <div className="row">
          <Field label={say("radius")}><input type="number" min={100} max={50_000} step={100} value={radius} onChange={(event) => setRadius(Math.min(50_000, Math.max(100, Number(event.target.value) || 100)))} /></Field>
          <Field label={say("classes")}><select value={chosen} onChange={(event) => setChosen(event.target.value)}><option value="">{say("anyClass")}</option>{meta.classes.map((one) => <option key={one.code} value={one.code}>{labelOf(meta.classes, one.code)}</option>)}</select></Field>
        </div>
        {at ? <p className="small soft number">{say("at")} {at.join(", ")} <Button look="tiny" onClick={again}>↻</Button></p> : <Empty title={say("pick")} />}
        {error ? <Failed error={error} again={again} /> : null}
        {at && !data && !error ? <Loading /> : null}
        {data?.items.length === 0 ? <Empty title={say("noneNear")} /> : null}
        {data && data.items.length > 0 ? <p className="number">{say("found", { n: data.total })}{data.truncated ? say("truncated", { n: data.items.length }) : ""}</p> : null}
        <ol className="found-list">{data?.items.map((item) => <Found key={item.vehicle} item={item} className_={label("classes", item.class)} />)}</ol>
      </aside>
      <div className="search-map"><DrawMap shape="point" points={at ? [at] : []} radiusM={radius} found={found} add={setAt} label={say("near")} /></div>
    </div>
  );
}

function Found({ item, className_ }: { item: NearItem; className_: string }) {
  const say = useWords();
  return (
    <li>
      <span className="row between"><Link to={`/vehicles/${item.vehicle}`}><Plate plate={item.plate} color={item.plate_color} /></Link><strong className="number">{number(item.distance_m)} {say("m")}</strong></span>
      <span className="soft small">{className_} · {item.operator}</span>
      <span className="small number">{say("bearing")} {number(item.bearing)}° · {say("speed")} {item.speed_kmh === null ? "—" : `${number(item.speed_kmh)} ${say("kmh")}`} · {say("age")} {duration(item.age_s)} {item.hazmat ? <span className="tag bad">{item.subtype ?? say("hazmat")}</span> : null}</span>
    </li>
  );
}
