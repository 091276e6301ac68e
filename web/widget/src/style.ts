// How the window looks. Logical properties throughout: it mirrors by itself.
export const STYLE = `
:host{--bg:#fff;--soft:#f4f6f5;--line:#e0e6e3;--ink:#16211e;--dim:#5c6a65;--theirs:#eef2f0;--bad:#b3261e;--warn-bg:#fdf1d8;--warn-ink:#6b4700;--tick:#1b8f76}
@media (prefers-color-scheme:dark){:host(:not([data-theme=light])){--bg:#17201e;--soft:#111917;--line:#2c3936;--ink:#e8eeec;--dim:#9db0aa;--theirs:#243230;--bad:#ff8a80;--warn-bg:#3a2d10;--warn-ink:#f5d58a;--tick:#63cdb6}}
:host([data-theme=dark]){--bg:#17201e;--soft:#111917;--line:#2c3936;--ink:#e8eeec;--dim:#9db0aa;--theirs:#243230;--bad:#ff8a80;--warn-bg:#3a2d10;--warn-ink:#f5d58a;--tick:#63cdb6}
.panel,.panel *{box-sizing:border-box}
.panel{position:fixed;inset-block-end:88px;inset-inline-end:20px;display:flex;flex-direction:column;inline-size:min(384px,calc(100vw - 40px));block-size:min(640px,calc(100vh - 112px));overflow:hidden;border-radius:16px;background:var(--bg);color:var(--ink);font:400 15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Arial,sans-serif;text-align:start;box-shadow:0 16px 48px rgb(0 0 0/.24),0 2px 8px rgb(0 0 0/.12);animation:rise .18s cubic-bezier(.2,0,0,1)}
:host([data-side=start]) .panel{inset-inline:20px auto}
.panel:lang(fa){font-family:Vazirmatn,"Vazirmatn Variable",system-ui,"Noto Sans Arabic","Segoe UI",Tahoma,sans-serif;line-height:1.65}
.panel[hidden],.panel [hidden]{display:none!important}
@keyframes rise{from{opacity:0;transform:translateY(12px)}}
.panel h2,.panel p{margin:0}
.panel button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}
.panel :focus-visible{outline:2px solid var(--ink);outline-offset:2px}
.icon{inline-size:20px;block-size:20px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;flex:none}
.sr{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.invite{position:fixed;inset-block-end:88px;inset-inline-end:20px;display:flex;align-items:flex-start;max-inline-size:min(300px,calc(100vw - 40px));padding:6px;border-radius:16px;background:var(--bg);color:var(--ink);font:400 15px/1.45 system-ui,sans-serif;box-shadow:0 8px 32px rgb(0 0 0/.22)}
:host([data-side=start]) .invite{inset-inline:20px auto}
.invite button{all:unset;cursor:pointer;padding:8px;border-radius:10px}
.invite button:focus-visible{outline:2px solid var(--ink)}
.head{display:flex;align-items:center;gap:12px;padding:14px 18px;padding-inline-end:10px;background:var(--hf);color:var(--hf-on)}
.titles{flex:1;min-inline-size:0;display:flex;align-items:center;gap:9px}
h2{font-size:16px;font-weight:600;line-height:1.35;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.duty{inline-size:9px;block-size:9px;border-radius:50%;background:currentColor;opacity:.4;flex:none}
.duty[data-on="1"]{background:#5ce08a;opacity:1}
.panel:has(.banner:not(:empty)) .duty{background:currentColor;opacity:.4}
.panel .close{display:grid;place-items:center;inline-size:36px;block-size:36px;border-radius:10px}
.panel .close:hover{background:rgb(255 255 255/.16)}
.panel .head :focus-visible{outline-color:currentColor}
.menu{display:grid;gap:2px;padding:8px;border-block-end:1px solid var(--line);font-size:14px}
.panel .menu button{min-block-size:40px;padding:0 10px;border-radius:10px;text-align:start}
.panel .menu button:hover{background:var(--soft)}
.menu [aria-pressed]::after{content:"✕";float:inline-end}
.menu [aria-pressed=true]::after{content:"✓"}
.i-more{stroke-width:3.5}
.panel .menu input{outline:0;flex:1;min-inline-size:0;block-size:40px;padding:0 10px;border:0;background:none;color:inherit;font:inherit}
.banner a{color:inherit;font-weight:600;white-space:nowrap}
.banner{background:var(--warn-bg);color:var(--warn-ink);font-size:13px;padding:8px 18px}
.banner:empty,.note:empty,.typing:empty,.chips:empty{display:none}
.middle{position:relative;flex:1;min-block-size:0;display:flex}
.scroll{flex:1;overflow:hidden auto;overscroll-behavior:contain;padding:18px 16px 12px;scrollbar-width:thin;scrollbar-color:var(--line) transparent}
.scroll:focus-visible{outline-offset:-2px}
.hello{margin-block-end:14px;color:var(--dim)}
.hello p:first-child{font-size:19px;font-weight:600;line-height:1.35;color:var(--ink)}
.hello .away{margin-block-start:6px;font-size:14px}
.form{display:grid;gap:10px;margin-block-end:14px}
.form label{display:grid;gap:3px;font-size:13px;color:var(--dim)}
.form input,.form select{inline-size:100%;min-block-size:40px;padding:6px 10px;border:1px solid var(--line);border-radius:10px;background:var(--bg);color:var(--ink);font:inherit;font-size:15px;text-align:start}
.form [aria-invalid]{border-color:var(--bad)}
.log{display:flex;flex-direction:column}
.day{display:flex;align-items:center;gap:10px;margin:10px 0 8px;color:var(--dim);font-size:12px}
.day::before,.day::after{content:"";flex:1;border-block-start:1px solid var(--line)}
.mine,.theirs{display:flex;flex-direction:column;align-items:flex-start;max-inline-size:84%;margin-block-start:12px}
.mine{align-self:flex-end;align-items:flex-end}
.theirs{align-self:flex-start}
.joined{margin-block-start:3px}
.who{font-size:12px;font-weight:600;color:var(--dim);margin:0 4px 3px}
.bubble{max-inline-size:100%;padding:9px 13px;border-radius:16px;background:var(--theirs);overflow-wrap:anywhere}
.theirs .bubble{border-end-start-radius:5px}
.mine .bubble{background:var(--hf);color:var(--hf-on);border-end-end-radius:5px}
.bad .bubble{background:none;color:var(--ink);box-shadow:inset 0 0 0 1px var(--bad)}
.text{white-space:pre-wrap}
.text a{color:inherit;text-underline-offset:2px}
.meta{display:flex;align-items:center;gap:4px;margin:3px 5px 0;font-size:11.5px;line-height:1.4;color:var(--dim)}
.tick{display:inline-flex}
.tick .icon{inline-size:14px;block-size:14px}
.tick .i-ticks{color:var(--tick);inline-size:16px}
.refused{display:flex;flex-wrap:wrap;align-items:center;gap:2px 10px;margin:2px 4px 0;font-size:12.5px;color:var(--bad)}
.refused .icon{inline-size:15px;block-size:15px}
.panel .refused button{text-decoration:underline;text-underline-offset:2px;padding:3px 0}
.file{display:flex;align-items:center;gap:9px;min-inline-size:0;padding:3px 0;color:inherit;text-decoration:none}
.file .label{display:flex;flex-direction:column;min-inline-size:0;line-height:1.35}
.file .name{overflow:hidden;text-overflow:ellipsis;font-weight:500}
a.file:hover .name{text-decoration:underline}
.size{font-size:12px;opacity:.75}
.voice audio{display:block;inline-size:240px;max-inline-size:100%;block-size:40px}
.panel .mic[aria-pressed=true]{background:var(--bad);color:#fff}
.picture{padding:2px 0}
.picture img{display:block;max-inline-size:100%;max-block-size:220px;border-radius:9px}
.text+.file{margin-block-start:6px}
.scores{display:flex;flex-wrap:wrap;gap:2px;margin-block-start:6px}
.panel .scores button{min-inline-size:40px;block-size:40px;border-radius:10px;font-size:24px;line-height:1}
.panel .scores.nps button{font-size:14px;min-inline-size:28px;block-size:32px}
.panel .scores button:hover,.panel .scores [aria-pressed=true]{background:var(--bg)}
.comment{inline-size:100%;margin-block-start:6px;padding:7px 10px;border:1px solid var(--line);border-radius:10px;background:var(--bg);color:inherit;font:inherit}
.rated{font-size:12.5px;color:var(--dim)}
.rated:empty{display:none}
.typing{display:flex;align-items:center;gap:8px;margin:12px 4px 0!important;font-size:13px;color:var(--dim)}
.dots{display:inline-flex;gap:3px}
.dots i{inline-size:6px;block-size:6px;border-radius:50%;background:currentColor;animation:dot 1.2s infinite}
.dots i:nth-child(2){animation-delay:.15s}.dots i:nth-child(3){animation-delay:.3s}
@keyframes dot{0%,60%,100%{opacity:.3}30%{opacity:1}}
.panel .jump{position:absolute;inset-block-end:10px;inset-inline-end:14px;display:grid;place-items:center;inline-size:36px;block-size:36px;border-radius:50%;background:var(--bg);box-shadow:0 2px 10px rgb(0 0 0/.25)}
.signin{padding:10px 18px;font-size:14px;background:var(--warn-bg);color:var(--warn-ink)}
.composer{border-block-start:1px solid var(--line);padding:10px 12px calc(10px + env(safe-area-inset-bottom))}
.note{font-size:12.5px;color:var(--bad);padding:0 6px 6px}
.chips{display:flex;flex-wrap:wrap;gap:6px;padding:0 2px 8px;max-block-size:96px;overflow:auto}
.chip{display:flex;align-items:center;gap:4px;max-inline-size:100%;padding-inline:10px 4px;block-size:30px;border-radius:15px;background:var(--theirs);font-size:13px}
.chip bdi{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.panel .chip button{display:grid;place-items:center;inline-size:24px;block-size:24px;border-radius:50%}
.chip .icon{inline-size:14px;block-size:14px}
.line{display:flex;align-items:flex-end;gap:4px;padding:3px;border:1px solid var(--line);border-radius:22px;background:var(--soft)}
.line:focus-within{border-color:var(--hf);box-shadow:0 0 0 1px var(--hf)}
textarea{flex:1;min-inline-size:0;block-size:36px;max-block-size:140px;margin:0;padding:7px 4px;border:0;background:none;color:inherit;font:inherit;line-height:22px;resize:none;text-align:start}
.panel textarea:focus{outline:0}
textarea::placeholder{color:var(--dim);opacity:1}
.panel .attach,.panel .send{display:grid;place-items:center;inline-size:36px;block-size:36px;border-radius:50%;flex:none;color:var(--dim)}
.panel .attach:hover{color:var(--ink)}
.panel .send{background:var(--hf);color:var(--hf-on)}
.panel .send:disabled{background:none;color:var(--dim);cursor:default}
.panel:dir(rtl) .send .icon{transform:scaleX(-1)}
.dropzone{position:absolute;inset:8px;display:none;place-items:center;border:2px dashed var(--hf);border-radius:12px;background:var(--bg);opacity:.94;font-weight:600}
.over .dropzone{display:grid}
@media (max-width:480px){
.panel{inset:0!important;inline-size:100%;block-size:var(--seen,100dvh);border-radius:0;animation:none}
:host(.open) .launcher{visibility:hidden}
.panel{font-size:16px}
}
@media (max-height:420px){.panel{inset-block-end:8px;block-size:calc(100vh - 16px)}:host(.open) .launcher{visibility:hidden}}
@media (prefers-reduced-motion:reduce){.panel,.dots i{animation:none}}
@media (forced-colors:active){.bubble,.line,.panel{border:1px solid}}
`;
