package traffic

import (
	"encoding/binary"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
)

// tableSum is the sum of our table's rules as a comment in it says; "" where the table
// that has our name is not ours, or is not there.
func tableSum() (sum string, there bool, err error) {
	c, err := nftables.New()
	if err != nil {
		return "", false, err
	}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return "", false, err
	}
	for _, t := range tables {
		if t.Name != tableName {
			continue
		}
		rules, err := c.GetRules(t, &nftables.Chain{Name: chainOut, Table: t})
		if err != nil {
			return "", true, nil // it has no such chain: not ours
		}
		for _, r := range rules {
			if s, ok := userdata.GetString(r.UserData, userdata.TypeComment); ok && strings.HasPrefix(s, "holdfast-") {
				return s, true, nil
			}
		}
		return "", true, nil
	}
	return "", false, nil
}

// table makes, renews or removes our table, as a whole.
func (Kernel) table(s Step, sorting Sorting) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	t := &nftables.Table{Family: nftables.TableFamilyINet, Name: tableName}
	if s.Do != add {
		c.DelTable(t)
	}
	if s.Do != remove {
		c.AddTable(t)
		made := map[string]*nftables.Chain{}
		for _, name := range chains {
			chain := &nftables.Chain{Name: name, Table: t}
			if name == chainOut {
				priority, policy := nftables.ChainPriority(mangle), nftables.ChainPolicyAccept
				chain.Type, chain.Hooknum, chain.Priority, chain.Policy = nftables.ChainTypeFilter, nftables.ChainHookPostrouting, &priority, &policy
			}
			made[name] = c.AddChain(chain)
		}
		sum := sorting.sum()
		for i, r := range sorting.rules() {
			n := &nftables.Rule{Table: t, Chain: made[r.chain], Exprs: r.exprs()}
			if i == 0 {
				n.UserData = userdata.AppendString(nil, userdata.TypeComment, sum)
			}
			c.AddRule(n)
		}
	}
	return c.Flush()
}

func meta(key expr.MetaKey) expr.Any { return &expr.Meta{Key: key, Register: 1} }

func is(b ...byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: b} }

// only lets packets of one version of IP through: the table sees both.
func only(version uint32) []expr.Any {
	const v4, v6 = 2, 10
	family := byte(v4)
	if version == 6 {
		family = v6
	}
	return []expr.Any{meta(expr.MetaKeyNFPROTO), is(family)}
}

// The code point lies in the second byte of IPv4, and across the first two of IPv6.
func dscpMask(version uint32) (mask uint16, shift int) {
	if version == 6 {
		return 0x0fc0, 6
	}
	return 0x00fc, 2
}

func pair(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

// exprs is the rule as the kernel takes it; text is the same for people.
func (r rule) exprs() []expr.Any {
	var list []expr.Any
	native := binaryutil.NativeEndian
	head := func() expr.Any {
		return &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 0, Len: 2}
	}
	mask := func(mask, with []byte) expr.Any {
		return &expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(len(mask)), Mask: mask, Xor: with}
	}
	for _, c := range r.parts {
		switch c.op {
		case isMark:
			list = append(list, meta(expr.MetaKeyMARK), mask(native.PutUint32(markClass), make([]byte, 4)), is(native.PutUint32(c.a)...))
		case isDSCP:
			m, shift := dscpMask(c.a)
			list = append(list, only(c.a)...)
			if c.a == 4 { // it lies within one byte
				list = append(list, &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 1, Len: 1}, mask([]byte{byte(m)}, []byte{0}), is(byte(c.b<<shift)))
				continue
			}
			list = append(list, head(), mask(pair(m), make([]byte, 2)), is(pair(uint16(c.b)<<shift)...))
		case isProto:
			list = append(list, meta(expr.MetaKeyL4PROTO), is(byte(c.a)))
		case isSport, isDport:
			offset := uint32(0)
			if c.op == isDport {
				offset = 2
			}
			list = append(list, &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2})
			if c.a == c.b {
				list = append(list, is(pair(uint16(c.a))...))
				continue
			}
			list = append(list, &expr.Cmp{Op: expr.CmpOpGte, Register: 1, Data: pair(uint16(c.a))}, &expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: pair(uint16(c.b))})
		case isUID:
			list = append(list, meta(expr.MetaKeySKUID), is(native.PutUint32(c.a)...))
		case isOif:
			name := make([]byte, 16)
			copy(name, c.s)
			list = append(list, meta(expr.MetaKeyOIFNAME), is(name...))
		case goTo:
			list = append(list, &expr.Verdict{Kind: expr.VerdictGoto, Chain: c.s})
		case setDSCP:
			m, shift := dscpMask(c.a)
			write := &expr.Payload{OperationType: expr.PayloadWrite, SourceRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 0, Len: 2}
			if c.a == 4 {
				write.CsumType, write.CsumOffset = expr.CsumTypeInet, 10
			}
			list = append(append(list, only(c.a)...), head(), mask(pair(^m), pair(uint16(c.b)<<shift)), write)
		case setClass:
			list = append(list, &expr.Immediate{Register: 1, Data: native.PutUint32(major<<16 | c.a)},
				&expr.Meta{Key: expr.MetaKeyPRIORITY, SourceRegister: true, Register: 1})
		case drop:
			list = append(list, &expr.Verdict{Kind: expr.VerdictDrop})
		}
	}
	return list
}
