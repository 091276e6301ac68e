package holdfast

// Role is what an operator is in one workspace.
type Role string

// The four roles. Each may do what its permissions say, nothing by its rank.
const (
	Administrator Role = "administrator"
	Supervisor    Role = "supervisor"
	Operator      Role = "operator"
	Observer      Role = "observer"
)

// Permission names one thing that a route does. Every route names one.
type Permission string

// Every permission there is.
const (
	ReadConversations  Permission = "conversations.read"
	WriteConversations Permission = "conversations.write" // reply, note, status, tags, drafts
	AssignAnyone       Permission = "conversations.assign"
	ReadCustomers      Permission = "customers.read"
	WriteCustomers     Permission = "customers.write"
	ReadRaw            Permission = "messages.raw" // raw forms and exchange logs
	ReadOutbox         Permission = "outbox.read"
	ManageOutbox       Permission = "outbox.manage"
	ReadSetup          Permission = "setup.read"
	ManageChannels     Permission = "channels.manage"
	ManageOperators    Permission = "operators.manage"
	ManageWorkspace    Permission = "workspace.manage"
	ManageWebhooks     Permission = "webhooks.manage"
	ManageTokens       Permission = "tokens.manage"
	ReadAudit          Permission = "audit.read"
	ManageQuarantine   Permission = "quarantine.manage"
	ManagePresets      Permission = "presets.manage" // canned replies, macros and views of teams and of everybody
	ManagePlans        Permission = "plans.manage"   // write plans, start and stop them, rehearse them
	SendBroadcasts     Permission = "broadcasts.send"
	ConfirmBroadcasts  Permission = "broadcasts.confirm"    // another's, above the limit
	ManageStatus       Permission = "status.manage"         // incidents and banners that customers and colleagues read
	OwnAccount         Permission = "account.own"           // one's own profile, password and sessions
	OwnSecondFactor    Permission = "account.second_factor" // all that one without a needed second factor may
)

// rolePermissions is the whole table of who may do what.
var rolePermissions = map[Role][]Permission{
	Observer: {ReadConversations, ReadCustomers, ReadSetup, OwnAccount, OwnSecondFactor},
	Operator: {ReadConversations, ReadCustomers, ReadSetup, OwnAccount, OwnSecondFactor,
		WriteConversations, WriteCustomers, AssignAnyone},
	Supervisor: {ReadConversations, ReadCustomers, ReadSetup, OwnAccount, OwnSecondFactor,
		WriteConversations, WriteCustomers, AssignAnyone,
		ReadRaw, ReadOutbox, ManageOutbox, ReadAudit, ManagePresets, ManagePlans, SendBroadcasts, ConfirmBroadcasts, ManageStatus},
	Administrator: {ReadConversations, ReadCustomers, ReadSetup, OwnAccount, OwnSecondFactor,
		WriteConversations, WriteCustomers, AssignAnyone,
		ReadRaw, ReadOutbox, ManageOutbox, ReadAudit, ManagePresets, ManagePlans, SendBroadcasts, ConfirmBroadcasts, ManageStatus,
		ManageChannels, ManageOperators, ManageWorkspace, ManageWebhooks, ManageTokens, ManageQuarantine},
}

// Permissions lists what a role may do.
func (r Role) Permissions() []Permission { return rolePermissions[r] }

// May reports whether a role may do p.
func (r Role) May(p Permission) bool {
	for _, have := range rolePermissions[r] {
		if have == p {
			return true
		}
	}
	return false
}

// ParseRole reads a role; the error is Invalid.
func ParseRole(s string) (Role, error) {
	if _, ok := rolePermissions[Role(s)]; !ok {
		return "", Errorf(Invalid, "role.unknown", "%q is not a role", clip(s, 32)).
			WithNext("Use administrator, supervisor, operator or observer.").WithField("role")
	}
	return Role(s), nil
}
