// For a wall across the room: the map, the counts in large figures, and the most urgent alerts; nothing to click, nothing that waits for a hand.
import { useMemo } from "react";
import { STALE_MS, useNow } from "../app/Bar";
import { severities } from "../app/codes";
import { labelOf, useMeta } from "../app/session";
import { LiveMap } from "../live/LiveMap";
import { byUrgency } from "../live/order";
import { useAnnouncements } from "../live/useAnnouncements";
import { resolved, useLink, useQueue } from "../stream/alerts";
import { Plate, Severity, SeverityShape } from "../ui";
import { useWords } from "../words";
import { clock, duration } from "../words/format";
import { useLanguage } from "../words/language";
import "../live/live.css";
import "./wall.css";

const SHOWN = 9;

export default function WallPage() {
  const say = useWords();
  const language = useLanguage();
  const meta = useMeta();
  const { alerts } = useQueue();
  const link = useLink();
  const now = useNow();
  const news = useAnnouncements();
  const waiting = useMemo(() => [...alerts.values()].filter((alert) => !resolved(alert) && alert.handling === "open"), [alerts]);
  const first = useMemo(() => waiting.toSorted(byUrgency).slice(0, SHOWN), [waiting]);
  const old = link.state !== "live" || (link.freshMs > 0 && now - link.freshMs > STALE_MS);
  return (
    <div className="wall-page">
      <LiveMap alerts={alerts} chosen={null} />
      <aside className="wall-side">
        <header className="row between"><h1>{say("wallTitle")}</h1><time className="wall-clock number">{clock(now)}</time></header>
        {old ? <p className="said bad" role="alert">{say("connectionLost")}</p> : null}
        <ul className="wall-counts">
          {severities().map((severity) => (
            <li key={severity} className={`severity ${severity}`}>
              <SeverityShape severity={severity} size={22} />
              <strong className="number">{waiting.filter((alert) => alert.severity === severity).length}</strong>
              <span>{labelOf(meta.severities, severity)}</span>
            </li>
          ))}
        </ul>
        <h2 className="soft">{say("unacknowledged")} · {say("sortUrgency")}</h2>
        <ol className="wall-list">
          {first.map((alert) => (
            <li key={alert.id} className={`${alert.severity} ${news.fresh.has(alert.id) ? "fresh" : ""}`}>
              <span className="row between"><Severity severity={alert.severity} /><span className="number">{duration((now - Date.parse(alert.began)) / 1000)}</span></span>
              <p>{alert.sentence[language]}</p>
              <span className="row"><Plate plate={alert.vehicle.plate} color={alert.vehicle.plate_color} /><span className="cut soft">{alert.vehicle.operator}</span></span>
            </li>
          ))}
        </ol>
      </aside>
    </div>
  );
}
