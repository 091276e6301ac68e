/** The sections of the settings in their order, with what one must be allowed to see each: for their menu and for the palette. */
export const sections: { id: string; needs: string }[] = [
  { id: 'account', needs: '' },
  { id: 'notices', needs: '' },
  { id: 'workspace', needs: 'setup.read' },
  { id: 'channels', needs: 'setup.read' },
  { id: 'operators', needs: 'setup.read' },
  { id: 'teams', needs: 'setup.read' },
  { id: 'tokens', needs: 'tokens.manage' },
  { id: 'webhooks', needs: 'webhooks.manage' },
  { id: 'imports', needs: 'workspace.manage' },
  { id: 'audit', needs: 'audit.read' },
];
