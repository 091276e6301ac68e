import { Fault } from './words';

/** Passkeys as browsers want them: the desk's JSON with its bytes as bytes, and the answer as JSON again. */

const bytes = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));

const text = (b: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

/** A passkey needs a name in the address: browsers give none to a bare number, and none without TLS but to localhost. */
export const canPasskey = (): boolean => isSecureContext && 'PublicKeyCredential' in window && !/^[\d.]+$|^\[/.test(location.hostname);

interface Descriptor { id: string; type: PublicKeyCredentialType; transports?: AuthenticatorTransport[] }
const descriptors = (list: Descriptor[] | undefined): PublicKeyCredentialDescriptor[] | undefined => list?.map((d) => ({ ...d, id: bytes(d.id) }));

/** Asks this device for a new passkey. A Fault says that the person would not, or has one already. */
export async function makePasskey(options: any): Promise<unknown> {
  const made = (await ask(navigator.credentials.create({
    publicKey: { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: descriptors(options.excludeCredentials) },
  }))) as PublicKeyCredential;
  const r = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    authenticatorAttachment: made.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response: { clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports?.() ?? [] },
  };
}

/** Asks this device to show a passkey it has. */
export async function showPasskey(options: any): Promise<unknown> {
  const shown = (await ask(navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: descriptors(options.allowCredentials) },
  }))) as PublicKeyCredential;
  const r = shown.response as AuthenticatorAssertionResponse;
  return {
    id: shown.id,
    rawId: text(shown.rawId),
    type: shown.type,
    authenticatorAttachment: shown.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response: {
      clientDataJSON: text(r.clientDataJSON),
      authenticatorData: text(r.authenticatorData),
      signature: text(r.signature),
      userHandle: r.userHandle ? text(r.userHandle) : undefined,
    },
  };
}

async function ask(asked: Promise<Credential | null>): Promise<Credential | null> {
  try {
    return await asked;
  } catch (error) {
    const name = error instanceof DOMException ? error.name : '';
    if (name === 'InvalidStateError') throw new Fault(409, 'passkey.known', 'this device has a passkey for this desk already');
    if (name === 'SecurityError') throw new Fault(400, 'passkey.invalid', 'the desk is not open at its public address');
    if (name) throw new Fault(400, 'passkey.cancelled', 'the browser gave no passkey');
    throw error;
  }
}

/** What this device is called until its owner says otherwise. */
export function deviceName(): string {
  const agent = navigator.userAgent;
  const system = ['iPhone', 'iPad', 'Android', 'Windows', 'Macintosh', 'CrOS', 'Linux'].find((s) => agent.includes(s)) ?? '';
  const browser = /Edg\//.test(agent) ? 'Edge' : /Firefox\//.test(agent) ? 'Firefox' : /Chrome\//.test(agent) ? 'Chrome' : /Safari\//.test(agent) ? 'Safari' : '';
  return [system === 'Macintosh' ? 'Mac' : system, browser].filter(Boolean).join(' · ') || 'Passkey';
}
