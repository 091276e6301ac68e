/** Finds the keys of texts that sources use: whole ones, and beginnings that a value is put behind. */
export interface Used { keys: Set<string>; prefixes: Set<string> }

export function usedKeys(source: string, into: Used = { keys: new Set(), prefixes: new Set() }): Used {
  for (const call of source.matchAll(/\b(?:t|orElse|has)\(/g)) {
    const argument = firstArgument(source.slice(call.index + call[0].length));
    for (const m of argument.matchAll(/'([a-z][\w.-]*)'(\s*\+)?/g)) {
      // 'status.' + x, or a word that is compared with: view === 'mine'.
      if (m[2] && m[1]!.endsWith('.')) into.prefixes.add(m[1]!);
      else if (m[1]!.includes('.')) into.keys.add(m[1]!);
    }
    for (const m of argument.matchAll(/`([a-z][\w.-]*\.)\$\{/g)) into.prefixes.add(m[1]!);
  }
  for (const m of source.matchAll(/(?:titleKey: |to\('[\w-]+', |opener\('[\w-]+', )'([a-z][\w.]*\w)'/g)) into.keys.add(m[1]!);
  for (const m of source.matchAll(/titleKey: '([a-z][\w.]*\.)' \+/g)) into.prefixes.add(m[1]!);
  return into;
}

function firstArgument(rest: string): string {
  let depth = 0;
  let quote = '';
  for (let i = 0; i < rest.length; i++) {
    const c = rest[i]!;
    if (quote) {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === "'" || c === '"' || c === '`') quote = c;
    else if (c === '(' || c === '[' || c === '{') depth++;
    else if (c === ')' || c === ']' || c === '}') {
      if (depth === 0) return rest.slice(0, i);
      depth--;
    } else if (c === ',' && depth === 0) return rest.slice(0, i);
  }
  return rest;
}
