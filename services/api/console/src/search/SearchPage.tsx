// Looking for vehicles by place: who was there, who is near, and the jobs that look longer.
import { setQuery, useQuery } from "../app/router";
import { useMay } from "../app/session";
import { WithPurpose } from "../purpose/purpose";
import { Jobs } from "./Jobs";
import { Near } from "./Near";
import { Presence } from "./Presence";
import { say as sayAll } from "../words";
import { useWords } from "./words";
import "./search.css";

const TABS = ["near", "presence", "jobs"] as const;

export default function SearchPage() {
  const say = useWords();
  const query = useQuery();
  const mayTracks = useMay("tracks:read");
  const tabs = TABS.filter((tab) => mayTracks || tab === "near");
  const tab = tabs.find((one) => one === query.get("tab")) ?? (mayTracks ? "presence" : "near");
  return (
    <div className="search-page">
      <h1 className="hidden-text">{sayAll("search")}</h1>
      <div className="tabs" role="tablist">
        {tabs.map((one) => <button key={one} type="button" role="tab" aria-selected={one === tab} onClick={() => setQuery({ tab: one })}>{say(one)}</button>)}
      </div>
      {tab === "near" ? <Near /> : null}
      {tab === "presence" ? <div className="search-body"><WithPurpose><Presence /></WithPurpose></div> : null}
      {tab === "jobs" ? <div className="page" tabIndex={0}><div className="inner"><Jobs /></div></div> : null}
    </div>
  );
}
