// Draws /openapi.json as a page. Everything is set as text, nothing as HTML.
const el = (tag, props = {}, ...kids) => {
  const e = Object.assign(document.createElement(tag), props)
  e.append(...kids.filter((k) => k != null))
  return e
}
const deref = (doc, s) => (s && s.$ref ? s.$ref.split("/").slice(1).reduce((o, k) => o[k], doc) : s) || {}
const example = (doc, schema, depth = 0) => {
  const s = deref(doc, schema)
  if (depth > 5) return "…"
  if (s.enum) return s.enum[0]
  const type = Array.isArray(s.type) ? s.type.find((t) => t !== "null") : s.type
  if (type === "array") return [example(doc, s.items, depth + 1)]
  if (type === "object" || s.properties) return Object.fromEntries(Object.entries(s.properties || {}).map(([k, v]) => [k, example(doc, v, depth + 1)]))
  if (type === "integer" || type === "number") return s.default ?? 0
  if (type === "boolean") return s.default ?? false
  if (s.format === "uuid") return "0197a3f0-1c2d-7abc-8def-0123456789ab"
  if (s.format === "date-time") return "2026-11-22T12:00:00Z"
  return s.default ?? ""
}
const json = (v) => el("pre", { textContent: JSON.stringify(v, null, 2) })
const content = (c) => (c && (c["application/json"] || Object.values(c)[0])) || null
fetch("/openapi.json").then((r) => r.json()).then((doc) => {
  const main = document.getElementById("main"), index = document.getElementById("index")
  main.replaceChildren(el("h1", { textContent: doc.info.title + " " + doc.info.version }), el("p", { textContent: doc.info.description }))
  const groups = new Map()
  for (const [path, item] of Object.entries(doc.paths))
    for (const [method, op] of Object.entries(item)) {
      const tag = (op.tags || ["other"])[0]
      if (!groups.has(tag)) groups.set(tag, [])
      groups.get(tag).push({ path, method, op })
    }
  for (const [tag, list] of [...groups].sort()) {
    index.append(el("a", { href: "#" + tag, textContent: tag }))
    main.append(el("h2", { id: tag, textContent: tag }))
    for (const { path, method, op } of list) {
      const inner = el("div", { className: "inner" })
      if (op.description) inner.append(el("p", { textContent: op.description }))
      if (op.parameters) inner.append(el("table", {}, ...op.parameters.map((p) => el("tr", {}, el("td", {}, el("code", { textContent: p.name })), el("td", { textContent: p.in }), el("td", { textContent: (p.schema && (p.schema.enum || []).join(", ")) || "" }), el("td", { textContent: p.description || "" })))))
      const body = op.requestBody && content(op.requestBody.content)
      if (body) inner.append(el("p", { textContent: "Request" }), json(example(doc, body.schema)))
      for (const [code, r] of Object.entries(op.responses || {})) {
        if (!code.startsWith("2")) continue
        const c = content(r.content)
        inner.append(el("p", { textContent: "Answer " + code }))
        if (c) inner.append(json(example(doc, c.schema)))
      }
      const d = el("details", {}, el("summary", {}, el("span", { className: "method", textContent: method.toUpperCase() }), el("code", { textContent: path }), el("span", { textContent: op.summary || "" })), inner)
      d.dataset.find = (method + " " + path + " " + (op.summary || "")).toLowerCase()
      main.append(d)
    }
  }
  document.getElementById("find").addEventListener("input", (e) => {
    const q = e.target.value.toLowerCase()
    for (const d of main.querySelectorAll("details")) d.hidden = !d.dataset.find.includes(q)
  })
})
