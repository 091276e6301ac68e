import type { Field } from './words';

/** The values of a settings form, from what the desk has saved or else from the kind's defaults. Secrets start empty. */
export function valuesOf(fields: Field[], saved: Record<string, unknown> | undefined): Record<string, unknown> {
  return Object.fromEntries(
    fields.map((f) => {
      if (f.type === 'secret') return [f.name, ''];
      const value = saved?.[f.name] ?? f.default;
      if (f.type === 'lines') return [f.name, Array.isArray(value) ? value.join('\n') : ''];
      if (f.type === 'bool') return [f.name, value === true];
      if (f.type === 'select') return [f.name, value ?? f.options?.[0]?.value ?? ''];
      return [f.name, value ?? ''];
    }),
  );
}

/** The fields whose condition holds: "field=a|b", and the other field is shown itself. */
export function shownFields(fields: Field[], values: Record<string, unknown>): Field[] {
  const shown = (f: Field, deep: number): boolean => {
    if (!f.show || !deep) return true;
    const at = f.show.indexOf('=');
    const name = f.show.slice(0, at);
    if (!f.show.slice(at + 1).split('|').includes(String(values[name] ?? ''))) return false;
    const on = fields.find((x) => x.name === name);
    return !on || shown(on, deep - 1);
  };
  return fields.filter((f) => shown(f, fields.length));
}

/** What is sent: an empty secret is left out and so keeps its value; an empty number is left out too. */
export function settingsOf(fields: Field[], values: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const f of fields) {
    const v = values[f.name];
    if (f.type === 'secret') {
      if (v) out[f.name] = v;
    } else if (f.type === 'number') {
      if (v !== '' && v !== null && v !== undefined) out[f.name] = Number(v);
    } else if (f.type === 'lines') {
      out[f.name] = String(v ?? '').split('\n').map((l) => l.trim()).filter(Boolean);
    } else if (f.type === 'bool') out[f.name] = v === true;
    else out[f.name] = typeof v === 'string' ? v.trim() : (v ?? '');
  }
  return out;
}

export function isSecretSet(saved: Record<string, unknown> | undefined, name: string): boolean {
  const v = saved?.[name];
  return typeof v === 'object' && v !== null && (v as { set?: boolean }).set === true;
}
