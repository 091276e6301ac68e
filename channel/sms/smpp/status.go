package smpp

import "fmt"

// Status is a command_status.
type Status uint32

// The statuses that programs decide by; Name knows them all.
const (
	OK           Status = 0x00
	InvalidLen   Status = 0x02
	InvalidCmd   Status = 0x03
	InvalidBind  Status = 0x04
	AlreadyBound Status = 0x05
	SystemError  Status = 0x08
	InvalidDest  Status = 0x0b
	BindFailed   Status = 0x0d
	WrongPass    Status = 0x0e
	WrongSystem  Status = 0x0f
	QueueFull    Status = 0x14
	SubmitFailed Status = 0x45
	Throttled    Status = 0x58
	TryLater     Status = 0x64 // ESME_RX_T_APPN
	NeverAgain   Status = 0x65 // ESME_RX_P_APPN
	Refused      Status = 0x66 // ESME_RX_R_APPN
)

var statusNames = map[Status]string{
	0x00: "ESME_ROK", 0x01: "ESME_RINVMSGLEN", 0x02: "ESME_RINVCMDLEN", 0x03: "ESME_RINVCMDID", 0x04: "ESME_RINVBNDSTS", 0x05: "ESME_RALYBND",
	0x06: "ESME_RINVPRTFLG", 0x07: "ESME_RINVREGDLVFLG", 0x08: "ESME_RSYSERR", 0x0a: "ESME_RINVSRCADR", 0x0b: "ESME_RINVDSTADR",
	0x0c: "ESME_RINVMSGID", 0x0d: "ESME_RBINDFAIL", 0x0e: "ESME_RINVPASWD", 0x0f: "ESME_RINVSYSID", 0x11: "ESME_RCANCELFAIL",
	0x13: "ESME_RREPLACEFAIL", 0x14: "ESME_RMSGQFUL", 0x15: "ESME_RINVSERTYP", 0x33: "ESME_RINVNUMDESTS", 0x34: "ESME_RINVDLNAME",
	0x40: "ESME_RINVDESTFLAG", 0x42: "ESME_RINVSUBREP", 0x43: "ESME_RINVESMCLASS", 0x44: "ESME_RCNTSUBDL", 0x45: "ESME_RSUBMITFAIL",
	0x48: "ESME_RINVSRCTON", 0x49: "ESME_RINVSRCNPI", 0x50: "ESME_RINVDSTTON", 0x51: "ESME_RINVDSTNPI", 0x53: "ESME_RINVSYSTYP",
	0x54: "ESME_RINVREPFLAG", 0x55: "ESME_RINVNUMMSGS", 0x58: "ESME_RTHROTTLED", 0x61: "ESME_RINVSCHED", 0x62: "ESME_RINVEXPIRY",
	0x63: "ESME_RINVDFTMSGID", 0x64: "ESME_RX_T_APPN", 0x65: "ESME_RX_P_APPN", 0x66: "ESME_RX_R_APPN", 0x67: "ESME_RQUERYFAIL",
	0xc0: "ESME_RINVOPTPARSTREAM", 0xc1: "ESME_ROPTPARNOTALLWD", 0xc2: "ESME_RINVPARLEN", 0xc3: "ESME_RMISSINGOPTPARAM",
	0xc4: "ESME_RINVOPTPARAMVAL", 0xfe: "ESME_RDELIVERYFAILURE", 0xff: "ESME_RUNKNOWNERR",
}

// Statuses lists those that the specification names.
func Statuses() []Status {
	list := make([]Status, 0, len(statusNames))
	for s := range statusNames {
		list = append(list, s)
	}
	return list
}

// String is the status's name in the specification, or its number.
func (s Status) String() string {
	if name, ok := statusNames[s]; ok {
		return name
	}
	return fmt.Sprintf("0x%08x", uint32(s))
}
