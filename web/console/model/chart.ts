/** Geometry of the charts of links: what is drawn where. It knows no colours and no words. */
export interface Dot { at: number; value: number | null }
export interface Box { width: number; height: number; from: number; to: number; max: number; min?: number }

const round = (n: number): number => Math.round(n * 10) / 10;

/** The line of a series as an SVG path; where nothing was measured there is a gap and never a bridge. */
export function line(dots: readonly Dot[], b: Box, gap = Infinity): string {
  const low = b.min ?? 0;
  const x = (at: number) => round(((at - b.from) / (b.to - b.from || 1)) * b.width);
  const y = (v: number) => round(b.height - (Math.min(Math.max(v, low), b.max) - low) / (b.max - low || 1) * b.height);
  let path = '';
  let last: number | null = null;
  for (const d of dots) {
    if (d.value === null || !Number.isFinite(d.value)) {
      last = null;
      continue;
    }
    // A dot alone would be a line without length, which is not seen.
    path += last === null || d.at - last > gap ? `M${x(d.at)} ${y(d.value)}h.1` : `L${x(d.at)} ${y(d.value)}`;
    last = d.at;
  }
  return path;
}

/** Where nothing answered, as stretches of the axis: [start, width]. */
export function holes(dots: readonly Dot[], b: Pick<Box, 'width' | 'from' | 'to'>, step: number): [number, number][] {
  const out: [number, number][] = [];
  const scale = b.width / (b.to - b.from || 1);
  for (const d of dots) {
    if (d.value !== null) continue;
    const at = (d.at - b.from) * scale;
    const prior = out.at(-1);
    if (prior && at - (prior[0] + prior[1]) < step * scale * 0.6) prior[1] = round(at + step * scale - prior[0]);
    else out.push([round(at), round(Math.max(1, step * scale))]);
  }
  return out;
}

/** The end of an axis: a round number at or above what is shown, so that the axis does not jump with every figure. */
export function top(values: readonly (number | null)[], least: number): number {
  const most = Math.max(least, ...values.filter((v): v is number => v !== null && Number.isFinite(v)));
  const size = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 2.5, 5, 10].map((m) => m * size).find((v) => v >= most) ?? most;
}

/** As many of a series as can be seen; of each stretch the worst, so that a short fall is never averaged away. */
export function thinned(dots: readonly Dot[], most: number, worse: (a: number, b: number) => boolean): Dot[] {
  if (dots.length <= most) return [...dots];
  const per = Math.ceil(dots.length / most);
  const out: Dot[] = [];
  for (let i = 0; i < dots.length; i += per) {
    const group = dots.slice(i, i + per);
    let pick = group[0]!;
    for (const d of group) if (d.value === null || (pick.value !== null && worse(d.value, pick.value))) pick = d;
    out.push(pick);
  }
  return out;
}

/** Moments for an axis: about so many, at round hours or days of the reader's clock. */
export function ticks(from: number, to: number, about = 5): number[] {
  const sizes = [60_000, 300_000, 600_000, 900_000, 3_600_000, 3 * 3_600_000, 6 * 3_600_000, 86_400_000, 3 * 86_400_000, 7 * 86_400_000, 15 * 86_400_000, 30 * 86_400_000, 91 * 86_400_000, 182 * 86_400_000];
  const size = sizes.find((s) => (to - from) / s <= about) ?? sizes.at(-1)!;
  const offset = new Date(from).getTimezoneOffset() * 60_000;
  const out: number[] = [];
  for (let at = Math.ceil((from - offset) / size) * size + offset; at <= to; at += size) out.push(at);
  return out;
}
