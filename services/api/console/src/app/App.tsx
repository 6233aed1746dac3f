// The console: who is there, and below that the page of the address.
import { Suspense, useEffect, useMemo, useState } from "react";
import { Button, Empty, Failed, Link, Loading } from "../ui";
import { Toasts } from "../ui/toast";
import { begin as beginAlerts, dismissNotes, end as endAlerts } from "../stream/alerts";
import { useWords } from "../words";
import { chooseLanguage, language } from "../words/language";
import { Banner, Bar } from "./Bar";
import { ErrorBoundary } from "./ErrorBoundary";
import { pageAt } from "./pages";
import { toggleSound, toggleTheme } from "./preferences";
import { go, usePath } from "./router";
import { begin, useMay, useMe, useSession } from "./session";
import { ShortcutsOverlay } from "./Shortcuts";
import { handleKey, useShortcuts } from "./shortcuts";
import { ChangePassword, SignIn } from "./SignIn";
import "./shell.css";

export function App() {
  const session = useSession();
  useEffect(() => {
    begin();
    addEventListener("keydown", handleKey);
    return () => removeEventListener("keydown", handleKey);
  }, []);
  if (session.state === "unknown") return <Loading />;
  if (session.state === "away") return <Failed error={session.error} again={begin} />;
  if (session.state === "out") return <SignIn />;
  if (session.state === "change") return <ChangePassword old={session.password} />;
  return <Shell key={session.me.id} />;
}

function Shell() {
  const say = useWords();
  const [help, setHelp] = useState(false);
  const { page, parts } = pageAt(usePath());
  const mayAlerts = useMay("alerts:read");
  const me = useMe();
  useEffect(() => {
    if (!mayAlerts) return undefined;
    beginAlerts();
    return endAlerts;
  }, [mayAlerts]);
  useShortcuts(useMemo(() => [
    { keys: ["?"], word: "keyHelp", run: () => setHelp((before) => !before) },
    { keys: ["1"], word: "keyLive", run: () => go("/") },
    { keys: ["2"], word: "keySearchPage", run: () => go("/search") },
    { keys: ["3"], word: "keyHandover", run: () => go("/handover") },
    { keys: ["m"], word: "keySound", run: toggleSound },
    { keys: ["t"], word: "keyTheme", run: toggleTheme },
    { keys: ["y"], word: "keyLanguage", run: () => chooseLanguage(language() === "zh" ? "en" : "zh") },
  ], []));
  const allowed = !page?.permission || me.permissions.includes(page.permission);
  const bare = page?.path === "wall";
  useEffect(() => {
    if (page && page.path !== "" && page.path !== "alerts") document.title = `${say(page.word)} · ${say("brand")}`;
  }, [page, say]);
  return (
    <div className="shell">
      {bare ? null : <Bar help={() => setHelp(true)} />}
      {mayAlerts && !bare ? <Banner dismiss={dismissNotes} /> : null}
      <main className="shell-main" key={page?.path === "alerts" ? "" : page?.path}>
        <ErrorBoundary>
          <Suspense fallback={<Loading />}>
            {!page ? <Empty title={say("unknownPage")}><Link to="/">{say("home")}</Link></Empty> : null}
            {page && !allowed ? <NotAllowed /> : null}
            {page && allowed ? <page.component parts={parts} /> : null}
          </Suspense>
        </ErrorBoundary>
      </main>
      <Toasts />
      {help ? <ShortcutsOverlay close={() => setHelp(false)} /> : null}
    </div>
  );
}

function NotAllowed() {
  const say = useWords();
  const mayVehicles = useMay("vehicles:read");
  return <Empty title={say("notAllowed")}><Button onClick={() => go(mayVehicles ? "/vehicles" : "/govern")}>{say(mayVehicles ? "vehicles" : "govern")}</Button></Empty>;
}
