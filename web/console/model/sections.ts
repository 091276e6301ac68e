/** The sections of the settings in their order, with what one must be allowed to see each: for their menu and for the palette. */
export const sections: { id: string; needs: string; group?: string }[] = [
  { id: 'account', needs: '', group: 'own' },
  { id: 'notices', needs: '' },
  { id: 'canned', needs: 'conversations.write', group: 'answers' },
  { id: 'macros', needs: 'conversations.write' },
  { id: 'fields', needs: 'workspace.manage' },
  { id: 'workspace', needs: 'setup.read', group: 'desk' },
  { id: 'hours', needs: 'workspace.manage' },
  { id: 'survey', needs: 'workspace.manage' },
  { id: 'ratings', needs: 'conversations.read' },
  { id: 'channels', needs: 'setup.read' },
  { id: 'operators', needs: 'setup.read', group: 'people' },
  { id: 'teams', needs: 'setup.read' },
  { id: 'tokens', needs: 'tokens.manage', group: 'programs' },
  { id: 'webhooks', needs: 'webhooks.manage' },
  { id: 'imports', needs: 'workspace.manage' },
  { id: 'audit', needs: 'audit.read' },
];
