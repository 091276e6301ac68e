/** How this person writes on this device, and what was asked of the text field. */
const shown = typeof localStorage === 'undefined' ? null : localStorage.getItem('holdfast.formatting');

class Writing {
  /** Whether the formatting bar is there. On a narrow screen it waits until it is asked for. */
  bar = $state(shown ? shown === 'shown' : typeof matchMedia !== 'undefined' && matchMedia('(min-width: 43.75em)').matches);
  /** Asks the composer on the screen for something that is not typed. */
  asked = $state<{ what: 'emoji' | 'voice'; at: number }>({ what: 'emoji', at: 0 });

  showBar(on: boolean): void {
    this.bar = on;
    localStorage.setItem('holdfast.formatting', on ? 'shown' : 'hidden');
  }

  ask(what: 'emoji' | 'voice'): void {
    this.asked = { what, at: Date.now() };
  }
}

export const writing = new Writing();
