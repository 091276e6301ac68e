/** Whether what is typed next in a text field begins a word. */
export function beginsWord(field: EventTarget | null): boolean {
  let before = '';
  if (field instanceof HTMLTextAreaElement) {
    if (field.selectionStart !== field.selectionEnd) return false;
    before = field.value.slice(0, field.selectionStart);
  } else if (field instanceof HTMLElement && field.isContentEditable) {
    const s = getSelection();
    if (!s?.isCollapsed || !s.anchorNode) return false;
    before = s.anchorNode.nodeType === Node.TEXT_NODE ? s.anchorNode.textContent!.slice(0, s.anchorOffset) : '';
  } else return false;
  return !before || /\s$/.test(before);
}
