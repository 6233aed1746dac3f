// Which page stands at which path; each is a module of its own, fetched when it is first looked at.
import { lazy } from "react";
import type { ComponentType } from "react";
import type { Word } from "../words";

export interface PageProps {
  parts: string[]; // what follows in the path
}

export interface Page {
  path: string; // "" is the live page
  word: Word;
  permission?: string;
  inNavigation: boolean;
  component: ComponentType<PageProps>;
}

const Live = lazy(() => import("../live/LivePage"));

export const PAGES: readonly Page[] = [
  { path: "", word: "live", permission: "alerts:read", inNavigation: true, component: Live },
  { path: "alerts", word: "alert", permission: "alerts:read", inNavigation: false, component: Live },
  { path: "vehicles", word: "vehicles", permission: "vehicles:read", inNavigation: true, component: lazy(() => import("../vehicle/VehiclesPage")) },
  { path: "search", word: "search", permission: "vehicles:read", inNavigation: true, component: lazy(() => import("../search/SearchPage")) },
  { path: "handover", word: "handover", permission: "alerts:ack", inNavigation: true, component: lazy(() => import("../handover/HandoverPage")) },
  { path: "govern", word: "govern", inNavigation: true, component: lazy(() => import("../govern/GovernPage")) },
  { path: "wall", word: "wall", permission: "alerts:read", inNavigation: false, component: lazy(() => import("../wall/WallPage")) },
];

export function pageAt(path: string): { page: Page | null; parts: string[] } {
  const [first = "", ...parts] = path.split("/").filter(Boolean).map(decodeURIComponent);
  return { page: PAGES.find((page) => page.path === first) ?? null, parts };
}
