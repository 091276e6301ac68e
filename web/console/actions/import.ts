import { dropUpload, forgetFile, isThatFile, noteUpload, rememberFile, uploadOf } from '../model/imports.svelte';
import { asFault, Fault, type ID, type Import, type NewImport, type TablePreview } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

// Every desk takes a piece of this size, however small its limit for files is.
const piece = 1 << 20;
const foreseen = 256 << 10;
const patience = 6;

export const createImport: Action<{ body: NewImport; file?: File }> = {
  id: 'create-import',
  titleKey: 'imports.try',
  group: 'setup',
  available: always,
  async run({ body, file }) {
    await sync.client.post<Import>('/imports', body);
    sync.resources.changed('/imports');
    if (file) void sendFile.run({ id: body.id, file });
  },
};

/** Sends a file in pieces, from where the desk has it already; what goes wrong stands beside its progress. */
export const sendFile: Action<{ id: ID; file: File }> = {
  id: 'send-import-file',
  titleKey: 'imports.upload.again',
  group: 'setup',
  available: always,
  async run({ id, file }) {
    const u = { name: file.name, sent: 0, size: file.size, waiting: false };
    try {
      let view = await sync.client.get<Import>('/imports/' + id);
      if (!isThatFile(id, file) || view.uploaded > file.size) throw new Fault(422, 'import.other_file', 'This is not the file whose upload was begun.');
      rememberFile(id, file);
      let tries = 0;
      noteUpload(id, { ...u, sent: view.uploaded });
      while (view.state === 'uploading') {
        if (!uploadOf(id)) return; // stopped
        const at = view.uploaded;
        const last = at + piece >= file.size;
        try {
          view = await sync.client.call<Import>('PUT', `/imports/${id}/file`, { query: { offset: at, last }, raw: file.slice(at, at + piece), deadline: 120_000 });
          tries = 0;
        } catch (error) {
          const fault = asFault(error);
          if ((!fault.again && fault.code !== 'import.offset') || ++tries > patience) throw error;
          noteUpload(id, { ...u, sent: at, waiting: true });
          await new Promise((r) => setTimeout(r, 500 * 2 ** tries));
          // A piece may have come although its answer did not.
          view = await sync.client.get<Import>('/imports/' + id).catch(() => view);
        }
        if (uploadOf(id)) noteUpload(id, { ...u, sent: Math.max(view.uploaded, at) });
      }
      dropUpload(id);
      forgetFile(id);
    } catch (error) {
      noteUpload(id, { ...u, sent: uploadOf(id)?.sent ?? 0, fault: asFault(error) });
    }
    sync.resources.changed('/imports');
  },
};

export const stopImport: Action<ID> = {
  id: 'stop-import',
  titleKey: 'imports.stop',
  group: 'setup',
  available: always,
  async run(id) {
    await sync.client.post(`/imports/${id}/cancel`, {});
    dropUpload(id);
    sync.resources.changed('/imports');
  },
};

export const resumeImport: Action<ID> = {
  id: 'resume-import',
  titleKey: 'imports.resume',
  group: 'setup',
  available: always,
  async run(id) {
    dropUpload(id);
    await sync.client.post(`/imports/${id}/resume`, {});
    sync.resources.changed('/imports');
  },
};

/** How the desk will read the beginning of a table. */
export const previewTable: Action<{ file: File; encoding: string; delimiter: string; done: (p: TablePreview) => void }> = {
  id: 'preview-import',
  titleKey: 'imports.columns',
  group: 'setup',
  available: always,
  async run({ file, encoding, delimiter, done }) {
    const head = new Uint8Array(await file.slice(0, foreseen).arrayBuffer());
    let text = '';
    for (let i = 0; i < head.length; i += 8192) text += String.fromCharCode(...head.subarray(i, i + 8192));
    const body = { head: btoa(text), ...(encoding ? { encoding } : {}), ...(delimiter ? { delimiter } : {}) };
    done(await sync.client.post<TablePreview>('/import-preview', body));
  },
};
