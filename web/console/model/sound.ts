import type { NoticeKind } from './concern';

/** A tune for each kind: pitches in hertz, one after the other; short, and soft at both ends. */
const tunes: Record<NoticeKind, number[]> = {
  new: [523, 659],
  assigned: [659, 784],
  reply: [784],
  mention: [880, 784, 880],
  channel: [330, 262],
};
const length = 0.14; // seconds of one tone

let place: AudioContext | undefined;

/** Plays a kind's tune. A browser that allows no sound before the first touch stays silent. */
export function play(kind: NoticeKind): void {
  if (typeof AudioContext === 'undefined') return;
  place ??= new AudioContext();
  if (place.state === 'suspended') void place.resume();
  tunes[kind].forEach((pitch, i) => {
    const from = place!.currentTime + i * length;
    const tone = place!.createOscillator();
    const loud = place!.createGain();
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0, from);
    loud.gain.linearRampToValueAtTime(0.16, from + 0.02);
    loud.gain.linearRampToValueAtTime(0, from + length);
    tone.connect(loud).connect(place!.destination);
    tone.start(from);
    tone.stop(from + length);
  });
}
