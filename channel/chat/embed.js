// Puts the form where the script tag stands, as high as it needs to be.
(() => {
  const tag = document.currentScript, frame = document.createElement('iframe');
  const from = new URL(tag.src);
  frame.src = from.origin + from.pathname.replace(/\/embed\.js$/, '') + '?lang=' + (tag.dataset.lang || document.documentElement.lang || '') + (tag.dataset.kind === 'callback' ? '&kind=callback' : '');
  frame.title = tag.dataset.title || document.title;
  frame.setAttribute('width', '100%');
  frame.setAttribute('height', '640');
  frame.setAttribute('frameborder', '0');
  addEventListener('message', (e) => {
    if (e.source === frame.contentWindow && e.origin === from.origin && e.data && e.data.holdfastForm > 0) frame.setAttribute('height', String(Math.ceil(e.data.holdfastForm)));
  });
  tag.after(frame);
})();
