// The overlay that lists every key.
import { Dialog } from "../ui";
import { useWords } from "../words";
import { useShortcutList } from "./shortcuts";

const SHOWN: Record<string, string> = { Escape: "Esc", Enter: "↵", ArrowDown: "↓", ArrowUp: "↑" };

export function ShortcutsOverlay({ close }: { close: () => void }) {
  const say = useWords();
  const seen = new Map(useShortcutList().map((one) => [one.word ? say(one.word) : one.text ?? "", one]));
  return (
    <Dialog title={say("shortcuts")} close={close}>
      <p className="soft">{say("keysLead")}</p>
      <dl className="keys">
        {[...seen].map(([text, one]) => (
          <div key={text} style={{ display: "contents" }}>
            <dt>{one.keys.map((key) => <kbd key={key}>{SHOWN[key] ?? key}</kbd>)}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <div className="row end"><button type="button" className="button" onClick={close}>{say("close")}</button></div>
    </Dialog>
  );
}
