// A voice note: recorded here, and from then on a file like any other.

const MOST = 5 * 60_000; // milliseconds

export const canRecord = (): boolean => typeof MediaRecorder !== 'undefined' && !!navigator.mediaDevices?.getUserMedia;

export interface Recording {
  /** Resolves with the note; null when it was empty. */
  stop(): Promise<File | null>;
}

/** Starts to record; rejects where the browser, the site or the visitor does not allow it. full: the most that a note may be has been said. */
export async function record(full: () => void): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const type = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4'].find((t) => MediaRecorder.isTypeSupported(t)) ?? '';
  const recorder = new MediaRecorder(stream, type ? { mimeType: type, audioBitsPerSecond: 16_000 } : {});
  const parts: Blob[] = [];
  recorder.ondataavailable = (e) => e.data.size && parts.push(e.data);
  const over = new Promise<void>((resolve) => (recorder.onstop = () => resolve()));
  const timer = setTimeout(full, MOST);
  recorder.start();
  return {
    async stop() {
      clearTimeout(timer);
      if (recorder.state !== 'inactive') recorder.stop();
      await over;
      stream.getTracks().forEach((t) => t.stop());
      const kind = (recorder.mimeType || 'audio/webm').split(';')[0]!;
      const ext = kind.split('/')[1]!.replace('mp4', 'm4a');
      return parts.length ? new File(parts, `voice-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-')}.${ext}`, { type: kind }) : null;
    },
  };
}
