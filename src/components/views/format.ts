import {format} from "d3";

/** Figures as a reader sees them: three significant digits, a unit on every one and no line break before it. */

const large = format(",.0f");
const small = format(".3~r");

/** Three significant digits, or the whole number from 100 on: "0.741", "42.1", "2,184". */
export function formatNumber(value: number): string {
  return Math.abs(value) >= 99.95 ? large(value) : small(value);
}

/** "0.71 %" of 0.0071 */
export function formatPercent(part: number): string {
  return `${formatNumber(100 * part)}\u00a0%`;
}

/** "42.1 tok/s" */
export function formatRate(tokensPerSecond: number): string {
  return `${formatNumber(tokensPerSecond)}\u00a0tok/s`;
}

/** "870 µs", "23.8 ms", "1.35 s" */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds >= 999.5) return `${formatNumber(milliseconds / 1000)}\u00a0s`;
  if (milliseconds >= 0.9995 || milliseconds === 0) return `${formatNumber(milliseconds)}\u00a0ms`;
  return `${formatNumber(milliseconds * 1000)}\u00a0µs`;
}

/** "0.741 µs", "36.4 µs", "2,184 µs": one unit, so that costs are compared at a glance. */
export function formatMicroseconds(microseconds: number): string {
  return `${formatNumber(microseconds)}\u00a0µs`;
}

/** Decimal units: "2.09 GB", "541 MB", "128 B". */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 999.5 && unit < units.length - 1) {
    bytes /= 1000;
    ++unit;
  }
  return `${formatNumber(bytes)}\u00a0${units[unit]}`;
}

/** "4.57 TB/s" */
export function formatBandwidth(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** "228", "32,064"; a fraction of one as "1/16". */
export function formatCount(count: number): string {
  return count > 0 && count < 1 ? `1/${large(1 / count)}` : large(count);
}

/** "1 workgroup", "132 workgroups", "1/16 dispatches" */
export function formatQuantity(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** "3.1 × 10⁻⁶", "0" */
export function formatRelativeError(error: number): string {
  if (error === 0) return "0";
  const [digits, exponent] = error.toExponential(1).split("e") as [string, string];
  return `${digits} × 10${superscript(Number(exponent))}`;
}

/** "2026-03-31", "2026-03 to 2026-06" */
export function formatDate(date: string): string {
  return date.replace("/", " to ");
}

function superscript(exponent: number): string {
  return String(exponent)
    .replace("-", "⁻")
    .replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]!);
}

/** The first line of a message; a driver's goes on with where in its own code it arose. */
export function firstLine(message: string): string {
  return message.split("\n", 1)[0]!;
}
