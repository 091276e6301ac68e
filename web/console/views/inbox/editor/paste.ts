/** What is pasted from a word processor, a web page or a mail, as plain HTML that the document understands. */
export function cleanPaste(html: string): string {
  const bare = html
    .replace(/<!--[^]*?-->|<!\[[^]*?\]>|<\/?o:p[^>]*>|<(style|script|head|title|xml)\b[^]*?<\/\1>/gi, '')
    // The page lets no style and no deed of others in, not even to be looked at.
    .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/([\s"'/])style(?=\s*=)/gi, '$1data-look').replace(/([\s"'/])on[a-z]+(?=\s*=)/gi, '$1data-on'));
  const page = new DOMParser().parseFromString(bare, 'text/html');
  const body = page.body;
  for (const e of body.querySelectorAll('meta, link, iframe, object, svg, button, input, select, textarea, template, img:not([data-cid])')) e.remove();
  for (const e of body.querySelectorAll('[hidden], [data-look*="mso-hide"]')) e.remove();
  for (const e of body.querySelectorAll('[data-look]')) if (/display:\s*none/i.test(look(e))) e.remove();
  wordLists(page);
  for (const e of body.querySelectorAll('[data-look]')) {
    // What is said for another script is not said of this one.
    const s = look(e).replace(/mso-[\w-]+:[^;]*/gi, '');
    // A whole document from some editors stands in one <b> that is not bold.
    if (e.tagName === 'B' && /font-weight:\s*(normal|400)/i.test(s)) e.replaceWith(...e.childNodes);
    else if (!/^(B|STRONG|H\d|TH)$/.test(e.tagName) && /font-weight:\s*(bold|[6-9]00)/i.test(s)) wrap(e, 'strong', page);
    if (/font-style:\s*italic/i.test(s) && !/^(I|EM)$/.test(e.tagName)) wrap(e, 'em', page);
    if (/text-decoration[^;]*line-through/i.test(s)) wrap(e, 's', page);
  }
  for (const table of [...body.querySelectorAll('table')].reverse()) tidyTable(table, page);
  return body.innerHTML;
}

const look = (e: Element): string => e.getAttribute('data-look') ?? '';

function wrap(e: Element, tag: string, page: Document): void {
  const inner = page.createElement(tag);
  inner.append(...e.childNodes);
  e.append(inner);
}

/** Word writes a list as paragraphs that begin with their sign. */
function wordLists(page: Document): void {
  let list: HTMLElement | undefined;
  let levels: HTMLElement[] = [];
  for (const p of [...page.body.querySelectorAll<HTMLElement>('p, h1, h2, h3')]) {
        const m = /mso-list:\s*l\d+\s+level(\d)/i.exec(look(p));
    if (!m) {
      list = undefined;
      continue;
    }
    if (list && levels[0]!.nextElementSibling !== p) list = undefined;
    const sign = [...p.querySelectorAll<HTMLElement>('span')].find((s) => /mso-list:\s*ignore/i.test(look(s)));
    const ordered = /^\s*[\p{L}\p{N}]{1,4}[.)]/u.test(sign?.textContent ?? '');
    sign?.remove();
    const level = Math.min(Number(m[1]), list ? levels.length + 1 : 1);
    const make = () => page.createElement(ordered ? 'ol' : 'ul');
    if (!list) {
      list = make();
      p.before(list);
      levels = [list];
    }
    levels.length = Math.min(levels.length, level);
    if (levels.length < level) {
      const deep = make();
      (levels.at(-1)!.lastElementChild ?? levels.at(-1)!).append(deep);
      levels.push(deep);
    }
    const item = page.createElement('li');
    const words = page.createElement('p');
    words.append(...p.childNodes);
    item.append(words);
    levels.at(-1)!.append(item);
    p.remove();
  }
}

/** A table that only arranges the page is taken apart; of a real one each cell is one paragraph. */
function tidyTable(table: HTMLTableElement, page: Document): void {
  const rows = [...table.rows];
  const width = Math.max(0, ...rows.map((r) => r.cells.length));
  if (width < 2 || !rows.length || table.querySelector('table') || table.getAttribute('role') === 'presentation') {
    for (const r of rows) {
      for (const c of [...r.cells]) {
        const div = page.createElement('div');
        div.append(...c.childNodes);
        table.before(div);
      }
    }
    table.remove();
    return;
  }
  table.querySelectorAll('colgroup, caption').forEach((e) => e.remove());
  for (const row of rows) {
    for (const cell of [...row.cells]) {
      cell.removeAttribute('rowspan');
      cell.removeAttribute('colspan');
      for (const e of [...cell.querySelectorAll('p, div, li, ul, ol, h1, h2, h3, h4, h5, h6, blockquote, pre')]) {
        if (e.previousSibling && e.previousSibling.textContent?.trim()) e.before(page.createElement('br'));
        e.replaceWith(...e.childNodes);
      }
      const p = page.createElement('p');
      p.append(...cell.childNodes);
      cell.append(p);
    }
    while (row.cells.length < width) row.insertCell();
  }
}

/** Whether the clipboard's formatted form says more than the picture or the file beside it. */
export const hasWords = (html: string): boolean => /\S/.test(html.replace(/<(style|script|head|title)[^]*?<\/\1>|<!--[^]*?-->|<[^>]*>|&nbsp;/gi, ''));
