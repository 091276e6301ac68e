/** Whether what is typed next in a text field begins a word. */
export function beginsWord(field: EventTarget | null): boolean {
  let before = '';
  if (field instanceof HTMLTextAreaElement) before = field.value.slice(0, field.selectionStart);
  else if (field instanceof HTMLElement && field.isContentEditable) {
    const range = getSelection()?.rangeCount ? getSelection()!.getRangeAt(0) : undefined;
    if (!range) return false;
    const at = range.startContainer;
    const line = (at instanceof Element ? at : at.parentElement)?.closest('p, li, td, th, pre, h1, h2, h3, h4, div') ?? field;
    const lead = document.createRange();
    lead.setStart(line, 0);
    lead.setEnd(at, range.startOffset);
    before = lead.toString();
  } else return false;
  return !before || /\s$/.test(before);
}
