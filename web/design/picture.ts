/** A small picture from an SVG text that is not ours: shapes only, nothing that runs, links or fetches. */
export interface Picture {
  viewBox: string;
  fill: string;
  stroke: string;
  strokeWidth: string;
  nodes: [string, Record<string, string>][];
}

const shapes = new Set(['path', 'circle', 'ellipse', 'rect', 'line', 'polyline', 'polygon']);
const attributes = new Set([
  'd', 'cx', 'cy', 'r', 'rx', 'ry', 'x', 'y', 'x1', 'y1', 'x2', 'y2', 'width', 'height', 'points', 'transform', 'fill', 'stroke', 'stroke-width',
  'stroke-linecap', 'stroke-linejoin', 'fill-rule', 'clip-rule', 'opacity',
]);
const kept = new Map<string, Picture | null>();

export function pictureOf(svg: string): Picture | null {
  if (kept.has(svg)) return kept.get(svg)!;
  const root = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
  let picture: Picture | null = null;
  if (root.localName === 'svg') {
    const nodes = [...root.querySelectorAll('*')]
      .filter((e) => shapes.has(e.localName))
      .map((e): Picture['nodes'][number] => [
        e.localName,
        Object.fromEntries([...e.attributes].filter((a) => attributes.has(a.name) && !/url\s*\(/i.test(a.value)).map((a) => [a.name, a.value])),
      ]);
    const of = (name: string, other: string) => root.getAttribute(name) ?? other;
    picture = { viewBox: of('viewBox', '0 0 24 24'), fill: of('fill', 'currentColor'), stroke: of('stroke', 'none'), strokeWidth: of('stroke-width', '2'), nodes };
  }
  kept.set(svg, picture);
  return picture;
}
