/** A voice that is being recorded on this device. */
export interface Recording {
  /** The note as a file; nothing when there is none. The microphone is let go. */
  stop: () => Promise<File | undefined>;
}

/** The longest that a note may be, in milliseconds. */
export const longest = 5 * 60_000;

export const canRecord = (): boolean => typeof MediaRecorder !== 'undefined' && !!globalThis.navigator?.mediaDevices?.getUserMedia;

/** Starts to record. It rejects where the browser or the person does not allow it. */
export async function record(): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const type = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4'].find((t) => MediaRecorder.isTypeSupported(t));
  const recorder = new MediaRecorder(stream, type ? { mimeType: type, audioBitsPerSecond: 24_000 } : {});
  const parts: Blob[] = [];
  recorder.ondataavailable = (e) => void (e.data.size && parts.push(e.data));
  const stopped = new Promise<void>((resolve) => (recorder.onstop = () => resolve()));
  recorder.start();
  return {
    async stop() {
      if (recorder.state !== 'inactive') recorder.stop();
      await stopped;
      for (const track of stream.getTracks()) track.stop();
      const kind = (recorder.mimeType || 'audio/webm').split(';')[0]!;
      const name = `voice-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-')}.${kind.split('/')[1]!.replace('mp4', 'm4a')}`;
      return parts.length ? new File(parts, name, { type: kind }) : undefined;
    },
  };
}
