// The page's own script: works out the sum that keeps robots away while the person
// writes, sends the form, and keeps what was written when the line is down.
(() => {
  const form = document.forms[0], said = form.querySelector('[role=status]'), button = form.querySelector('button');
  const { ticket, bits, done, wrong, wait } = form.dataset;
  const enc = new TextEncoder(), key = 'holdfast:form:' + form.action;
  const fields = [...form.querySelectorAll('input,textarea')].filter((f) => f.name !== 'website');
  try {
    const kept = JSON.parse(localStorage.getItem(key) || '{}');
    for (const f of fields) f.value ||= kept[f.name] || '';
  } catch { /* storage is forbidden here */ }
  form.addEventListener('input', () => {
    try { localStorage.setItem(key, JSON.stringify(Object.fromEntries(fields.map((f) => [f.name, f.value])))); } catch { /* as above */ }
  });
  // SHA-256 by hand: the browser's own is not there on a plain http page, and asks for a promise each time.
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const part = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
  const K = primes.map((p) => part(Math.cbrt(p)));
  const H = primes.slice(0, 8).map((p) => part(Math.sqrt(p)));
  const rot = (x, n) => (x >>> n) | (x << (32 - n));
  const firstWord = (text) => {
    const bytes = enc.encode(text), size = ((bytes.length + 72) >> 6) << 6, data = new DataView(new ArrayBuffer(size));
    bytes.forEach((x, i) => data.setUint8(i, x));
    data.setUint8(bytes.length, 0x80);
    data.setUint32(size - 4, bytes.length * 8);
    const h = H.slice(), w = new Int32Array(64);
    for (let at = 0; at < size; at += 64) {
      for (let i = 0; i < 64; i++) {
        if (i < 16) { w[i] = data.getInt32(at + i * 4); continue; }
        const x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (rot(x, 7) ^ rot(x, 18) ^ (x >>> 3)) + w[i - 7] + (rot(y, 17) ^ rot(y, 19) ^ (y >>> 10));
      }
      let [a, b, c, d, e, f, g, z] = h;
      for (let i = 0; i < 64; i++) {
        const t = (z + (rot(e, 6) ^ rot(e, 11) ^ rot(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
        const u = ((rot(a, 2) ^ rot(a, 13) ^ rot(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [z, g, f, e, d, c, b, a] = [g, f, e, (d + t) | 0, c, b, a, (t + u) | 0];
      }
      [a, b, c, d, e, f, g, z].forEach((x, i) => (h[i] = (h[i] + x) | 0));
    }
    return h[0];
  };
  const proof = (async () => {
    for (let n = 0; ; n++) {
      if (Math.clz32(firstWord(ticket + '.' + n)) >= +bits) return String(n);
      if (n % 500 === 499) await new Promise((r) => setTimeout(r)); // the page stays quick
    }
  })();
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    button.disabled = true;
    said.className = '';
    said.textContent = wait;
    const body = new URLSearchParams(new FormData(form));
    body.set('ticket', ticket);
    body.set('proof', await proof);
    try {
      const r = await fetch(form.action, { method: 'POST', body, headers: { Accept: 'application/json' } });
      if (!r.ok) throw new Error(String(r.status));
      try { localStorage.removeItem(key); } catch { /* as above */ }
      document.getElementById('intro').textContent = done;
      document.getElementById('intro').setAttribute('role', 'status');
      form.hidden = true;
    } catch {
      said.className = 'wrong';
      said.textContent = wrong;
      button.disabled = false;
    }
    size();
  });
  const size = () => parent !== window && parent.postMessage({ holdfastForm: document.documentElement.scrollHeight }, '*');
  new ResizeObserver(size).observe(document.body);
})();
