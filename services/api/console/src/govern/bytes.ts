// A report's bytes for eyes: what base64 holds, sixteen to a line, each as two digits and beside them what of it can be printed.
const A_LINE = 16;
const HALF = A_LINE / 2;

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

export function hexOf(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += A_LINE) {
    const line = [...bytes.subarray(at, at + A_LINE)];
    const digits = line.map((byte) => byte.toString(16).padStart(2, "0"));
    const both = `${digits.slice(0, HALF).join(" ")}  ${digits.slice(HALF).join(" ")}`;
    const letters = line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${both.padEnd(3 * A_LINE)}  ${letters}`);
  }
  return lines.join("\n");
}
