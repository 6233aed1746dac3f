// A partner's endpoints: added, verified by a signed ping, enabled; what was delivered and what not, and what to do about it.
import { useState } from "react";
import { ask, send } from "../api/client";
import type { Delivery, DeliveryDetail, NewWebhookAnswer, RecoveryAsked, Try, Webhook } from "../api/schema";
import { asError, useAsked } from "../api/use";
import { labelOf, useMeta } from "../app/session";
import { Button, Failed, Field, Loading, Table, Time } from "../ui";
import { toast } from "../ui/toast";
import { localOf, utcOf } from "../words/format";
import { FormDialog, SecretDialog } from "./ask";
import { Paged } from "./paged";
import { useWords } from "./words";

const DAY_MS = 86_400_000;

export default function Webhooks() {
  const say = useWords();
  const [round, setRound] = useState(0);
  const [open, setOpen] = useState<Webhook | null>(null);
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const again = (): void => setRound((before) => before + 1);
  return (
    <>
      <div className="row"><Button look="primary" onClick={() => setAdding(true)}>{say("add")}</Button></div>
      <Paged<Webhook> path="/v1/webhooks/endpoints" none={say("noWebhooks")} round={round} keyOf={(row) => row.id} columns={[
        { name: say("url"), cell: (row) => <><code>{row.url}</code> <span className="soft small">{row.description}</span></> },
        { name: say("state"), kind: "whole", cell: (row) => <span className={`tag ${row.state === "active" ? "good" : row.state === "disabled" ? "bad" : "warn"}`} title={row.reason ?? ""}>{say(row.state)}</span> },
        { name: say("failures"), kind: "number", cell: (row) => row.failures },
        { name: say("created"), kind: "whole", cell: (row) => <Time time={row.created} /> },
        { name: "", kind: "whole", cell: (row) => <Verbs webhook={row} again={again} show={setSecret} open={() => setOpen(row)} /> },
      ]} />
      {open ? <Deliveries webhook={open} /> : null}
      {adding ? <Add close={() => setAdding(false)} made={(given) => { setSecret(given); again(); }} /> : null}
      {secret ? <SecretDialog lead={say("secretOnce")} secret={secret} close={() => setSecret(null)} /> : null}
    </>
  );
}

function Add({ close, made }: { close: () => void; made: (secret: string) => void }) {
  const say = useWords();
  const meta = useMeta();
  return (
    <FormDialog title={say("add")} close={close} act={async (given) => {
      const types = given.getAll("types").map(String);
      const { body } = await ask<NewWebhookAnswer>("/v1/webhooks/endpoints", { body: { url: String(given.get("url")), description: String(given.get("description") ?? ""), algorithm: String(given.get("algorithm")), ...(types.length > 0 && { types }) } });
      made(body.secret ?? body.secrets[0]?.public_key ?? "");
    }}>
      <Field label={say("url")}><input type="url" name="url" required placeholder="https://partner.example/roadwatch" autoFocus /></Field>
      <Field label={say("description")}><input name="description" maxLength={200} /></Field>
      <Field label={say("algorithm")}><select name="algorithm"><option value="hmac-sha256">HMAC-SHA256</option><option value="ed25519">Ed25519</option></select></Field>
      <fieldset className="check-grid"><legend className="soft small">{say("types")} ({say("allTypes")})</legend>{meta.event_types.map((one) => <label key={one.code} className="row small"><input type="checkbox" name="types" value={one.code} />{labelOf(meta.event_types, one.code)}</label>)}</fieldset>
    </FormDialog>
  );
}

function Verbs({ webhook, again, show, open }: { webhook: Webhook; again: () => void; show: (secret: string) => void; open: () => void }) {
  const say = useWords();
  const [recovering, setRecovering] = useState(false);
  const path = `/v1/webhooks/endpoints/${webhook.id}`;
  const act = (what: string, done: string, method = "POST"): void => {
    send(path + what, { method, ...(method === "POST" && { body: {} }), ifMatch: `"${webhook.version}"` }).then(() => { toast(done); again(); }, (error: unknown) => toast(asError(error).message, true));
  };
  const rotate = (): void => {
    ask<{ secret: string | null }>(`${path}/secret/rotate`, { body: {} }).then(({ body }) => { if (body.secret) show(body.secret); again(); }, (error: unknown) => toast(asError(error).message, true));
  };
  return (
    <span className="row wrap">
      <Button look="tiny" onClick={open}>{say("deliveries")}</Button>
      <Button look="tiny" onClick={() => act("/ping", say("pinged"))}>{say("ping")}</Button>
      <Button look="tiny" onClick={() => act("/test", say("tested"))}>{say("test")}</Button>
      {webhook.state === "active" ? <Button look="tiny" onClick={() => act("/disable", say("done"))}>{say("disable")}</Button> : <Button look="tiny" onClick={() => act("/enable", say("done"))}>{say("enable")}</Button>}
      <Button look="tiny" onClick={() => setRecovering(true)}>{say("recover")}</Button>
      <Button look="tiny" onClick={rotate}>{say("rotate")}</Button>
      <Button look="tiny danger" onClick={() => { if (confirm(say("sure", { what: say("remove") }))) act("", say("done"), "DELETE"); }}>{say("remove")}</Button>
      {recovering ? <Recover path={path} close={() => setRecovering(false)} /> : null}
    </span>
  );
}

function Recover({ path, close }: { path: string; close: () => void }) {
  const say = useWords();
  const [now] = useState(() => Date.now());
  return (
    <FormDialog title={say("recover")} close={close} act={async (given) => {
      const { body } = await ask<RecoveryAsked>(`${path}/recover`, { body: { since: utcOf(String(given.get("since"))), until: utcOf(String(given.get("until"))), delivered: given.get("delivered") === "on" } });
      toast(say("recoverDone", { id: body.job }));
    }}>
      <Field label={`${say("since")} (Asia/Shanghai)`}><input type="datetime-local" name="since" required defaultValue={localOf(now - DAY_MS)} /></Field>
      <Field label={say("until")}><input type="datetime-local" name="until" required defaultValue={localOf(now)} /></Field>
      <label className="row small"><input type="checkbox" name="delivered" style={{ width: "auto", minHeight: 0 }} />{say("delivered")}</label>
    </FormDialog>
  );
}

function Deliveries({ webhook }: { webhook: Webhook }) {
  const say = useWords();
  const [round, setRound] = useState(0);
  const [open, setOpen] = useState<string | null>(null);
  const redeliver = (row: Delivery): void => {
    send(`/v1/webhooks/deliveries/${row.id}/redeliver`, { method: "POST" }).then(() => setRound(round + 1), (error: unknown) => toast(asError(error).message, true));
  };
  return (
    <section className="stack large">
      <h2>{say("deliveries")} <code className="small faint">{webhook.url}</code> <Button look="tiny" onClick={() => setRound(round + 1)}>{say("refresh")}</Button></h2>
      <Paged<Delivery> path={`/v1/webhooks/endpoints/${webhook.id}/deliveries`} none={say("noDeliveries")} query={{ limit: 50 }} round={round} keyOf={(row) => row.id} columns={[
        { name: say("created"), kind: "whole", cell: (row) => <Time time={row.created} long /> },
        { name: say("event"), kind: "whole", cell: (row) => <><code>{row.type}</code> {row.test ? <span className="tag">{say("testEvent")}</span> : <span className="faint small number">{row.seq}</span>}</> },
        { name: say("number"), kind: "number", cell: (row) => row.number ?? "—" },
        { name: say("status"), kind: "whole", cell: (row) => <span className={`tag ${row.status === "delivered" ? "good" : row.status === "exhausted" ? "bad" : "warn"}`}>{say(row.status)}</span> },
        { name: say("attempts"), kind: "number", cell: (row) => row.attempts },
        { name: say("next"), kind: "whole", cell: (row) => (row.next_attempt ? <Time time={row.next_attempt} long /> : "—") },
        { name: "", kind: "whole", cell: (row) => <span className="row"><Button look="tiny" onClick={() => setOpen(row.id)}>{say("tries")}</Button><Button look="tiny" onClick={() => redeliver(row)}>{say("redeliver")}</Button></span> },
      ]} />
      {open ? <Tries id={open} /> : null}
    </section>
  );
}

function Tries({ id }: { id: string }) {
  const say = useWords();
  const { data, error, again } = useAsked(id, (signal) => ask<DeliveryDetail>(`/v1/webhooks/deliveries/${id}`, { signal }).then((answer) => answer.body));
  if (error) return <Failed error={error} again={again} />;
  if (!data) return <Loading />;
  return (
    <section className="panel padded stack">
      <Table<Try> rows={data.tries} keyOf={(row) => String(row.number)} columns={[
        { name: "#", kind: "number", cell: (row) => row.number },
        { name: say("time"), kind: "whole", cell: (row) => <Time time={row.at} long /> },
        { name: say("status"), kind: "whole", cell: (row) => row.status ?? row.error ?? "—" },
        { name: "ms", kind: "number", cell: (row) => row.milliseconds },
        { name: say("response"), cell: (row) => <code className="small">{row.response ?? ""}</code> },
      ]} />
      <pre className="raw">{JSON.stringify(data.body, null, 1)}</pre>
    </section>
  );
}
