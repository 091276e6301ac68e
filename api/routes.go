package api

import (
	"net/http"

	"holdfast"
)

// register is the table of contents: every route, what it needs and what it does.
func (a *API) register() {
	const get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete

	// Before anybody has signed in.
	open(a, get, "/start", "What this installation offers", a.readStart)
	open(a, post, "/start/desk", "Set up your own desk", a.startDesk)
	open(a, post, "/start/demo", "Fill a demo workspace", a.startDemo)
	open(a, post, "/session", "Sign in", a.signIn)
	open(a, post, "/session/second-factor", "Give the second factor", a.secondFactor)
	open(a, post, "/session/link", "Sign in by a link", a.signInByLink)
	open(a, del, "/session", "Sign out", a.signOut)

	// One's own account.
	handle(a, get, "/me", holdfast.OwnAccount, "Who asks and what they may do", a.readMe)
	handle(a, patch, "/me", holdfast.OwnAccount, "Change one's own profile", a.changeMe)
	handle(a, post, "/me/password", holdfast.OwnAccount, "Change one's own password", a.changePassword)
	handle(a, post, "/me/totp", holdfast.OwnAccount, "Begin to use a second factor", a.enrolTOTP)
	handle(a, post, "/me/totp/confirm", holdfast.OwnAccount, "Confirm the second factor", a.confirmTOTP)
	handle(a, post, "/me/totp/disable", holdfast.OwnAccount, "Stop using a second factor", a.disableTOTP)
	handle(a, get, "/me/sessions", holdfast.OwnAccount, "Where one is signed in", a.listSessions)
	handle(a, del, "/me/sessions/{id}", holdfast.OwnAccount, "End a session, or all \"others\"", a.endSession)

	// Conversations.
	handle(a, get, "/conversations", holdfast.ReadConversations, "List conversations", a.listConversations)
	handle(a, get, "/conversations/counts", holdfast.ReadConversations, "Count the views", a.countConversations)
	handle(a, post, "/conversations", holdfast.WriteConversations, "Start a conversation", a.startConversation)
	handle(a, get, "/conversations/{id}", holdfast.ReadConversations, "Read a conversation", a.readConversation)
	handle(a, get, "/conversations/{id}/messages", holdfast.ReadConversations, "List its messages", a.listMessages)
	handle(a, get, "/conversations/{id}/timeline", holdfast.ReadConversations, "What happened to it, and who did it", a.readTimeline)
	handle(a, post, "/conversations/{id}/replies", holdfast.WriteConversations, "Reply to the customer", a.sendReply)
	handle(a, post, "/conversations/{id}/notes", holdfast.WriteConversations, "Add a private note", a.addNote)
	handle(a, put, "/conversations/{id}/status", holdfast.WriteConversations, "Set its status", a.setStatus)
	handle(a, put, "/conversations/{id}/assignment", holdfast.AssignAnyone, "Assign it", a.setAssignment)
	handle(a, put, "/conversations/{id}/priority", holdfast.WriteConversations, "Set its priority", a.setPriority)
	handle(a, put, "/conversations/{id}/subject", holdfast.WriteConversations, "Rename it", a.setSubject)
	handle(a, put, "/conversations/{id}/tags/{tag}", holdfast.WriteConversations, "Add a tag", a.addTag)
	handle(a, del, "/conversations/{id}/tags/{tag}", holdfast.WriteConversations, "Remove a tag", a.removeTag)
	handle(a, put, "/conversations/{id}/read", holdfast.ReadConversations, "Mark it read", a.markRead)
	handle(a, del, "/conversations/{id}/read", holdfast.ReadConversations, "Mark it unread", a.markUnread)
	handle(a, put, "/conversations/{id}/draft", holdfast.WriteConversations, "Save a draft", a.saveDraft)
	handle(a, get, "/tags", holdfast.ReadConversations, "List tags in use", a.listTags)

	// Messages.
	handle(a, get, "/messages/{id}", holdfast.ReadConversations, "Read a message", a.readMessage)
	handle(a, get, "/messages/{id}/raw", holdfast.ReadRaw, "Download it as it came", a.readRaw)
	handle(a, get, "/messages/{id}/exchanges", holdfast.ReadRaw, "What was said to the provider", a.listExchanges)
	a.plain(get, "/messages/{id}/html", holdfast.ReadConversations, "Its formatted form, as a sandboxed page", a.serveHTML)
	a.plain(get, "/messages/{id}/attachments/{attachment}", holdfast.ReadConversations, "One of its files", a.serveAttachment)
	a.plain(post, "/attachments", holdfast.WriteConversations, "Upload a file for a message", a.upload)

	// Customers and search.
	handle(a, get, "/customers", holdfast.ReadCustomers, "List or find customers", a.listCustomers)
	handle(a, post, "/customers", holdfast.WriteCustomers, "Add a customer", a.createCustomer)
	handle(a, get, "/customers/{id}", holdfast.ReadCustomers, "Read a customer", a.readCustomer)
	handle(a, patch, "/customers/{id}", holdfast.WriteCustomers, "Change a customer", a.changeCustomer)
	handle(a, post, "/customers/{id}/addresses", holdfast.WriteCustomers, "Give a customer one more address", a.addAddress)
	handle(a, get, "/customers/{id}/conversations", holdfast.ReadConversations, "A customer's conversations", a.customerConversations)
	handle(a, get, "/search", holdfast.ReadConversations, "Search messages, customers and subjects", a.searchAll)

	// What goes out, and what came in and is no message.
	handle(a, get, "/outbox", holdfast.ReadOutbox, "List outgoing messages", a.listOutbox)
	handle(a, get, "/outbox/totals", holdfast.ReadOutbox, "Count them by state", a.countOutbox)
	handle(a, post, "/outbox/{id}/retry", holdfast.ManageOutbox, "Send again", a.retryMessage)
	handle(a, post, "/outbox/{id}/hold", holdfast.ManageOutbox, "Hold back", a.holdMessage)
	handle(a, post, "/outbox/{id}/cancel", holdfast.ManageOutbox, "Cancel", a.cancelMessage)
	handle(a, post, "/outbox/{id}/requeue", holdfast.ManageOutbox, "Send by another way", a.requeueMessage)
	handle(a, get, "/arrivals", holdfast.ManageQuarantine, "What came in and did not become a message, and why", a.listArrivals)
	handle(a, get, "/arrivals/{id}/raw", holdfast.ManageQuarantine, "Download it as it came", a.readArrivalRaw)
	handle(a, post, "/arrivals/{id}/replay", holdfast.ManageQuarantine, "Take it in after all", a.replayArrival)

	// How the desk is set up.
	handle(a, get, "/channel-kinds", holdfast.ReadSetup, "Kinds of channels and their settings", a.listKinds)
	handle(a, get, "/channels", holdfast.ReadSetup, "List channels and how they are", a.listChannels)
	handle(a, post, "/channels", holdfast.ManageChannels, "Connect a channel", a.createChannel)
	handle(a, get, "/channels/{id}", holdfast.ReadSetup, "Read a channel", a.readChannel)
	handle(a, patch, "/channels/{id}", holdfast.ManageChannels, "Change a channel", a.changeChannel)
	handle(a, del, "/channels/{id}", holdfast.ManageChannels, "Remove a channel", a.deleteChannel)
	handle(a, post, "/channels/{id}/test", holdfast.ManageChannels, "Test it now", a.testChannel)
	handle(a, get, "/operators", holdfast.ReadSetup, "List operators", a.listOperators)
	handle(a, post, "/operators", holdfast.ManageOperators, "Add an operator", a.createOperator)
	handle(a, patch, "/operators/{id}", holdfast.ManageOperators, "Change an operator", a.changeOperator)
	handle(a, del, "/operators/{id}", holdfast.ManageOperators, "Remove an operator from this workspace", a.removeOperator)
	handle(a, post, "/operators/{id}/link", holdfast.ManageOperators, "Make a sign-in link", a.linkOperator)
	handle(a, get, "/teams", holdfast.ReadSetup, "List teams", a.listTeams)
	handle(a, post, "/teams", holdfast.ManageOperators, "Add a team", a.createTeam)
	handle(a, patch, "/teams/{id}", holdfast.ManageOperators, "Rename a team", a.renameTeam)
	handle(a, put, "/teams/{id}/members", holdfast.ManageOperators, "Say who is in a team", a.setTeamMembers)
	handle(a, del, "/teams/{id}", holdfast.ManageOperators, "Remove a team", a.deleteTeam)
	handle(a, get, "/workspace", holdfast.ReadSetup, "Read this workspace", a.readWorkspace)
	handle(a, patch, "/workspace", holdfast.ManageWorkspace, "Change this workspace", a.changeWorkspace)
	handle(a, get, "/workspaces", holdfast.OwnAccount, "List one's workspaces", a.listWorkspaces)
	handle(a, post, "/workspaces", holdfast.ManageWorkspace, "Add a workspace", a.createWorkspace)
	handle(a, get, "/tokens", holdfast.ManageTokens, "List API tokens", a.listTokens)
	handle(a, post, "/tokens", holdfast.ManageTokens, "Make an API token", a.createToken)
	handle(a, del, "/tokens/{id}", holdfast.ManageTokens, "Revoke an API token", a.revokeToken)
	handle(a, get, "/webhooks", holdfast.ManageWebhooks, "List webhooks", a.listWebhooks)
	handle(a, post, "/webhooks", holdfast.ManageWebhooks, "Add a webhook", a.createWebhook)
	handle(a, patch, "/webhooks/{id}", holdfast.ManageWebhooks, "Change a webhook", a.changeWebhook)
	handle(a, post, "/webhooks/{id}/secret", holdfast.ManageWebhooks, "Give it a new secret", a.rotateWebhook)
	handle(a, del, "/webhooks/{id}", holdfast.ManageWebhooks, "Remove a webhook", a.deleteWebhook)
	handle(a, get, "/webhooks/{id}/deliveries", holdfast.ManageWebhooks, "What was delivered, and what not", a.listDeliveries)
	handle(a, post, "/webhook-deliveries/{id}/replay", holdfast.ManageWebhooks, "Deliver once more", a.replayDelivery)
	handle(a, get, "/audit", holdfast.ReadAudit, "Who changed what, when and from where", a.listAudit)

	// As it happens.
	a.plain(get, "/live", holdfast.ReadConversations, "Live stream (WebSocket), resumed by number", a.socket)
	a.plain(get, "/live/events", holdfast.ReadConversations, "Live stream (server-sent events)", a.events)

	a.mux.HandleFunc("GET /healthz", a.alive)
	a.mux.HandleFunc("GET /readyz", a.ready)
	a.mux.HandleFunc("GET /metrics", a.figures)
	a.mux.HandleFunc("GET /openapi.json", a.document)
	a.mux.HandleFunc("GET /docs", a.docs)
	a.mux.HandleFunc("GET /docs.js", a.docsScript)
	a.mux.HandleFunc("/api/", a.noRoute)
}
