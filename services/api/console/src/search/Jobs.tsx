// Long searches and exports: how far they are, and what they found.
import { useEffect } from "react";
import { get, send } from "../api/client";
import type { Job, JobPage } from "../api/schema";
import { asError, useAsked } from "../api/use";
import { Button, Empty, Failed, Loading, Table, Time } from "../ui";
import { toast } from "../ui/toast";
import { number } from "../words/format";
import { useWords } from "./words";

const LOOK_MS = 2000;

export function Jobs() {
  const say = useWords();
  const { data, error, again } = useAsked("jobs", (signal) => get<JobPage>("/v1/jobs", {}, signal));
  const busy = data?.items.some((job) => job.state === "waiting" || job.state === "running");
  useEffect(() => {
    if (!busy) return undefined;
    const timer = setInterval(again, LOOK_MS);
    return () => clearInterval(timer);
  }, [busy, again]);
  if (error && !data) return <Failed error={error} again={again} />;
  if (!data) return <Loading />;
  if (data.items.length === 0) return <Empty title={say("noJobs")} />;
  const cancel = (job: Job): void => {
    send(`/v1/jobs/${job.id}`, { method: "DELETE" }).then(again, (problem: unknown) => toast(asError(problem).message, true));
  };
  return (
    <div className="panel">
      <Table<Job> rows={data.items} keyOf={(job) => job.id} columns={[
        { name: say("created"), kind: "whole", cell: (job) => <Time time={job.created} long /> },
        { name: say("kind"), kind: "whole", cell: (job) => say(job.kind) },
        { name: say("state"), kind: "whole", cell: (job) => <span className={`tag ${job.state === "done" ? "good" : job.state === "failed" ? "bad" : "accent"}`}>{say(job.state)}</span> },
        { name: say("progress"), cell: (job) => <progress max={1} value={job.progress} aria-label={say("progress")}>{number(100 * job.progress)}%</progress> },
        { name: "", cell: (job) => job.error ?? "" },
        { name: "", kind: "whole", cell: (job) => (job.result ? <a className="button tiny" href={job.result} download>{say("result")}</a> : job.state === "waiting" || job.state === "running" ? <Button look="tiny" onClick={() => cancel(job)}>{say("cancel")}</Button> : null) },
      ]} />
    </div>
  );
}
