/** Kept once what is on the screen now has been drawn; on a page that nobody sees, soon. */
export const painted = (): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, 150); // a hidden page draws no frames
    requestAnimationFrame(() => setTimeout(done));
  });
