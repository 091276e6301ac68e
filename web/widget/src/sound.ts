// Two soft tones for a new message. Browsers stay silent until the visitor has
// touched the page, and so do we.
let ear: AudioContext | undefined;
let last = 0;

export function chime(now = Date.now()): void {
  if (now - last < 2000 || navigator.userActivation?.hasBeenActive === false) return;
  last = now;
  try {
    ear ??= new AudioContext();
    void ear.resume();
    [660, 880].forEach((pitch, i) => {
      const at = ear!.currentTime + i * 0.13;
      const tone = ear!.createOscillator();
      const volume = ear!.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.09, at);
      volume.gain.exponentialRampToValueAtTime(0.001, at + 0.3);
      tone.connect(volume).connect(ear!.destination);
      tone.start(at);
      tone.stop(at + 0.3);
    });
  } catch {
    // no sound here: the badge says it
  }
}
