// The bar above every page: where one can go, what waits, whether what is shown is true, and who one is.
import { useEffect, useMemo, useState } from "react";
import { Link, SeverityShape } from "../ui";
import type { SeverityName } from "../ui";
import { Icon } from "../ui/icons";
import { resolved, useLink, useQueue } from "../stream/alerts";
import { useWords } from "../words";
import { clock } from "../words/format";
import { chooseLanguage, language } from "../words/language";
import { severities } from "./codes";
import { PAGES, pageAt } from "./pages";
import { toggleSound, toggleTheme, useSound, useTheme } from "./preferences";
import { usePath } from "./router";
import { labelOf, signOut, useMay, useMe, useMeta } from "./session";

export const STALE_MS = 15_000;

export function Bar({ help }: { help: () => void }) {
  const say = useWords();
  const me = useMe();
  const { page } = pageAt(usePath());
  const pages = PAGES.filter((one) => one.inNavigation && (!one.permission || me.permissions.includes(one.permission)));
  return (
    <header className="shell-bar">
      <Link to="/" className="brand"><img src="/console/icon.svg" alt="" />{say("brand")}</Link>
      <nav className="shell-nav" aria-label={say("brand")}>
        {pages.map((one) => (
          <Link key={one.path} to={`/${one.path}`} aria-current={page?.path === one.path || (one.path === "" && page?.path === "alerts") ? "page" : undefined}>{say(one.word)}</Link>
        ))}
      </nav>
      <span className="grow" />
      {useMay("alerts:read") ? <><Counts /><LinkState /></> : null}
      <div className="shell-tools"><UserMenu help={help} /></div>
    </header>
  );
}

function Counts() {
  const say = useWords();
  const meta = useMeta();
  const { alerts } = useQueue();
  const counts = useMemo(() => {
    const waiting = [...alerts.values()].filter((alert) => !resolved(alert) && alert.handling === "open");
    return (severity: SeverityName): number => waiting.filter((alert) => alert.severity === severity).length;
  }, [alerts]);
  return (
    <div className="counts number" title={say("unacknowledged")}>
      {severities().map((severity) => (
        <span key={severity} className={`severity ${severity} ${counts(severity) === 0 ? "zero" : ""}`}>
          <SeverityShape severity={severity} />
          <span className="word">{labelOf(meta.severities, severity)}</span> {counts(severity)}
          <span className="hidden-text">{labelOf(meta.severities, severity)} {say("unacknowledged")}</span>
        </span>
      ))}
    </div>
  );
}

/** Now, told every second. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

function LinkState() {
  const say = useWords();
  const link = useLink();
  useNow();
  const word = link.state === "live" ? "linkLive" : link.state === "away" || link.state === "out" ? "linkAway" : "linkConnecting";
  return (
    <span className={`link-state ${link.state}`} role="status">
      <span className="dot" />
      {say(word)}
      {link.freshMs > 0 ? <span className="number">{say("asOf")} {clock(link.freshMs)}</span> : null}
    </span>
  );
}

function UserMenu({ help }: { help: () => void }) {
  const say = useWords();
  const me = useMe();
  const [open, setOpen] = useState(false);
  const theme = useTheme();
  const sound = useSound();
  useEffect(() => {
    if (!open) return undefined;
    const close = (): void => setOpen(false);
    addEventListener("click", close);
    return () => removeEventListener("click", close);
  }, [open]);
  return (
    <div className="user-menu">
      <button type="button" className="button quiet" aria-label={say(sound ? "soundOn" : "soundOff")} title={say(sound ? "soundOn" : "soundOff")} aria-pressed={sound} onClick={toggleSound}><Icon name={sound ? "soundOn" : "soundOff"} /></button>
      <button type="button" className="button quiet" aria-expanded={open} aria-haspopup="menu" onClick={(event) => { event.stopPropagation(); setOpen(!open); }}>{me.name} ▾</button>
      {open ? (
        <div className="menu panel" role="menu">
          <button type="button" role="menuitem" className="button quiet" onClick={toggleTheme}>{say("theme")}: {say(theme === "dark" ? "themeLight" : "themeDark")}</button>
          <button type="button" role="menuitem" className="button quiet" onClick={() => chooseLanguage(language() === "zh" ? "en" : "zh")}>{say("language")}</button>
          <button type="button" role="menuitem" className="button quiet" onClick={help}>{say("shortcuts")} <kbd>?</kbd></button>
          <Link role="menuitem" className="button quiet" to="/wall">{say("wall")}</Link>
          <a role="menuitem" className="button quiet" href="/docs">{say("docs")}</a>
          <button type="button" role="menuitem" className="button quiet" onClick={() => { signOut(); }}>{say("signOut")}</button>
        </div>
      ) : null}
    </div>
  );
}

/** What must be known whatever page is open: that what is shown may be old, and that it is whole again. */
export function Banner({ dismiss }: { dismiss: () => void }) {
  const say = useWords();
  const link = useLink();
  const now = useNow();
  const old = link.freshMs > 0 && now - link.freshMs > STALE_MS;
  if (link.state === "away" || link.state === "out" || old) {
    return <div className="banner" role="alert">{say(link.state === "away" ? "linkAway" : "asOf")}{link.freshMs > 0 ? ` · ${say("stale", { seconds: Math.round((now - link.freshMs) / 1000) })}` : ""}</div>;
  }
  if (!link.reset && !link.resumed) return null;
  return (
    <div className="banner good" role="status">
      <span className="grow">{say(link.reset ? "reset" : "reconnected")}</span>
      <button type="button" className="button quiet tiny" aria-label={say("close")} onClick={dismiss}>×</button>
    </div>
  );
}
