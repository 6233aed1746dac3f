// What is governed rather than watched; each part only for those who may.
import { Suspense, lazy } from "react";
import type { ComponentType } from "react";
import type { PageProps } from "../app/pages";
import { useMe } from "../app/session";
import { Empty, Link, Loading } from "../ui";
import { useWords } from "./words";
import "./govern.css";

const PARTS: readonly { name: "system" | "rules" | "map" | "webhooks" | "accounts" | "audit" | "mine"; permission: readonly string[]; component: ComponentType }[] = [
  { name: "system", permission: ["system:manage"], component: lazy(() => import("./System")) },
  { name: "rules", permission: ["meta:read"], component: lazy(() => import("./Rules")) },
  { name: "map", permission: ["map:read"], component: lazy(() => import("./MapData")) },
  { name: "webhooks", permission: ["webhooks:manage"], component: lazy(() => import("./Webhooks")) },
  { name: "accounts", permission: ["accounts:manage"], component: lazy(() => import("./Accounts")) },
  { name: "audit", permission: ["audit:read"], component: lazy(() => import("./Audit")) },
  { name: "mine", permission: [], component: lazy(() => import("./Mine")) },
];

export default function GovernPage({ parts }: PageProps) {
  const say = useWords();
  const me = useMe();
  const may = PARTS.filter((part) => part.permission.length === 0 || part.permission.some((one) => me.permissions.includes(one)));
  const part = may.find((one) => one.name === parts[0]) ?? may[0];
  if (!part) return <Empty title={say("notFor")} />;
  return (
    <div className="govern-page">
      <nav className="govern-nav" aria-label={say("filter")}>
        {may.map((one) => <Link key={one.name} to={`/govern/${one.name}`} aria-current={one === part ? "page" : undefined}>{say(one.name)}</Link>)}
      </nav>
      <div className="page" tabIndex={0}><div className="inner"><h1>{say(part.name)}</h1><Suspense fallback={<Loading />}><part.component /></Suspense></div></div>
    </div>
  );
}
