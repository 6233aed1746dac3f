// What somebody who sees the page for the first time needs to know; said until it was read, once in a browser.
import { useState } from "react";
import { useMay } from "../app/session";
import { Button } from "../ui";
import { useWords } from "../words";

const PLACE = "welcomed";

export function Welcome() {
  const say = useWords();
  const handles = useMay("alerts:assign");
  const [shown, setShown] = useState(() => localStorage.getItem(PLACE) === null);
  if (!shown) return null;
  const read = (): void => {
    localStorage.setItem(PLACE, "1");
    setShown(false);
  };
  return (
    <aside className="welcome" aria-label={say("welcome")}>
      <p><strong>{say("welcome")}</strong> {say("welcomeQueue")} {say(handles ? "welcomeHandle" : "welcomeLook")}</p>
      <Button look="tiny" onClick={read}>{say("understood")}</Button>
    </aside>
  );
}
