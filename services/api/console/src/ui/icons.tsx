// A few icons as paths: no emoji, whose fonts are not everywhere.
const PATHS = {
  soundOn: "M3 6v4h3l4 3V3L6 6Zm9-1a4 4 0 0 1 0 6M13.5 3a7 7 0 0 1 0 10",
  soundOff: "M3 6v4h3l4 3V3L6 6Zm9 0 3 4m0-4-3 4",
  close: "m4 4 8 8m0-8-8 8",
  print: "M4 6V2h8v4M4 12H2V6h12v6h-2M4 10h8v4H4Z",
} as const;

export function Icon({ name, size = 16 }: { name: keyof typeof PATHS; size?: number }) {
  return <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true"><path d={PATHS[name]} /></svg>;
}
