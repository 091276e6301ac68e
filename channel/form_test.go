package channel_test

import (
	"testing"

	"holdfast"
	"holdfast/channel"
)

type nested struct {
	Via     string `json:"via" form:"options=wire;http"`
	Gateway string `json:"gateway" form:"options=ready;own,show=via=http"`
	Body    string `json:"body" form:"required,show=gateway=own"`
}

// A setting is asked for only while the one that it hangs on is asked for.
func TestASettingHangsOnAnother(t *testing.T) {
	k := &channel.Kind{Settings: func() any { return &nested{Via: "wire", Gateway: "own"} }}
	if _, err := k.Decode([]byte(`{}`)); err != nil {
		t.Errorf("what is not shown is required: %v", err)
	}
	if _, err := k.Decode([]byte(`{"via":"http"}`)); holdfast.KindOf(err) != holdfast.Invalid {
		t.Errorf("what is shown is not required: %v", err)
	}
	if _, err := k.Decode([]byte(`{"via":"http","gateway":"ready"}`)); err != nil {
		t.Error(err)
	}
}
