/** Milliseconds after which the page is loaded again though the new build has not taken over. */
const patience = 4000;

/**
 * The console's own build: kept on this device by the service worker, and replaced
 * only when a person says so. It refuses to reload anything by itself.
 */
export class Update {
  /** Whether a newer build waits for this page to be loaded again. */
  ready = false;
  private registration: ServiceWorkerRegistration | undefined;
  private asked = 0;

  constructor(private readonly changed: () => void) {}

  /** Registers the worker; without one (no TLS, or a browser that forbids it) the console works, but needs the desk to open. */
  async start(): Promise<void> {
    const container = globalThis.navigator?.serviceWorker;
    if (!container) return;
    try {
      const r = (this.registration = await container.register('./worker.js', { updateViaCache: 'none' }));
      this.watch(r);
      r.addEventListener('updatefound', () => r.installing?.addEventListener('statechange', () => this.watch(r)));
      // Another tab took the new build: this one still runs the old and says so.
      let had = !!container.controller;
      container.addEventListener('controllerchange', () => {
        if (had) this.set(true);
        had = true;
      });
    } catch {
      // Storage is forbidden or full.
    }
  }

  /** Asks the desk for a newer build, at most once a minute. */
  check(): void {
    if (!this.registration || Date.now() - this.asked < 60_000) return;
    this.asked = Date.now();
    void this.registration.update().catch(() => {});
  }

  /** Lets the waiting build take over and loads the page again. What was typed must be kept before. */
  take(): void {
    const waiting = this.registration?.waiting;
    if (!waiting) return location.reload();
    waiting.addEventListener('statechange', () => waiting.state === 'activated' && location.reload());
    waiting.postMessage('take-over');
    // A browser lets the old build end what it is at, for minutes where the line hangs; a page that goes ends it.
    setTimeout(() => location.reload(), patience);
  }

  private watch(r: ServiceWorkerRegistration): void {
    this.set(this.ready || (!!r.waiting && !!r.active));
  }

  private set(ready: boolean): void {
    if (ready === this.ready) return;
    this.ready = ready;
    this.changed();
  }
}
