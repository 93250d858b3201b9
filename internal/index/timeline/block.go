package timeline

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Key names a message. Keys order by time, then by channel.
type Key struct {
	Second  int64
	Counter uint32
	Channel uint32 // the channel's number
}

// Compare orders keys.
func (k Key) Compare(o Key) int {
	if k.Second != o.Second { // mostly
		return cmp.Compare(k.Second, o.Second)
	}
	return cmp.Or(cmp.Compare(k.Counter, o.Counter), cmp.Compare(k.Channel, o.Channel))
}

// Message is what is known of a message.
type Message struct {
	Key
	Version uint32 // the current one, from 1
	Kind    uint8  // a number below 16; 0 takes the least space
}

// item is a message in a list.
type item struct {
	group uint64
	Message
}

func (i *item) compare(o *item) int {
	return cmp.Or(cmp.Compare(i.group, o.group), i.Key.Compare(o.Key))
}

const (
	maxBlock  = 256 // messages
	keyLength = 8 + 5 + 3 + 3
	kindBits  = 4
)

// key is the key of a block that begins with the item.
func (i *item) key() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, keyLength), i.group)
	b = append(b, byte(i.Second>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(i.Second))
	return append(b, byte(i.Counter>>16), byte(i.Counter>>8), byte(i.Counter), byte(i.Channel>>16), byte(i.Channel>>8), byte(i.Channel))
}

// piece is the messages of one group in one block.
type piece struct {
	group       uint64
	first, last int64 // seconds
	messages    int
	data        []byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(list string, key, value []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte(list))
	return crc32.Update(crc32.Update(sum, castagnoli, key), castagnoli, value)
}

// seal appends the checksum of a value.
func seal(list string, key, value []byte) []byte {
	return binary.BigEndian.AppendUint32(value, checksum(list, key, value))
}

// unseal takes the checksum from a stored value.
func unseal(list string, key, stored []byte) ([]byte, error) {
	n := len(stored) - 4
	if n < 0 || binary.BigEndian.Uint32(stored[n:]) != checksum(list, key, stored[:n]) {
		return nil, fmt.Errorf("%w: %s %x: checksum", ErrDamaged, list, key)
	}
	return stored[:n], nil
}

// appendBlock appends the value of a block of sorted items.
func appendBlock(dst []byte, items []item) []byte {
	var heads, data []byte
	groups := uint64(0)
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].group == items[0].group {
			n++
		}
		from := len(data)
		data = appendMessages(data, items[:n])
		heads = binary.BigEndian.AppendUint64(heads, items[0].group)
		heads = binary.AppendUvarint(heads, uint64(n))
		heads = binary.AppendUvarint(heads, uint64(len(data)-from))
		heads = binary.AppendUvarint(heads, uint64(items[n-1].Second-items[0].Second))
		groups++
		items = items[n:]
	}
	dst = binary.AppendUvarint(dst, groups)
	return append(append(dst, heads...), data...)
}

// guess is what a message is expected to be like after others.
type guess struct {
	second  int64
	counter uint32 // of the message before
	began   uint32 // of the one that began its second
	channel uint32
	any     bool // there was one before
}

func newGuess(group uint64) guess { return guess{channel: uint32(group)} }

// next gives the counter and channel expected at a second.
func (g *guess) next(second int64) (counter uint32) {
	if g.any && second == g.second {
		return g.counter + 1
	}
	return g.began
}

func (g *guess) learn(k Key) {
	if !g.any || k.Second != g.second {
		g.began = k.Counter
	}
	g.second, g.counter, g.channel, g.any = k.Second, k.Counter, k.Channel, true
}

// appendMessages appends the messages of one group.
func appendMessages(dst []byte, items []item) []byte {
	g := newGuess(items[0].group)
	for i := range items {
		m := &items[i].Message
		moved, tag := m.Channel != g.channel, uint64(m.Version-1)<<kindBits|uint64(m.Kind)
		special := moved || tag != 0 || m.Counter != g.next(m.Second)
		dst = binary.AppendUvarint(dst, uint64(m.Second-g.second)<<1|bit(special))
		if special {
			dst = binary.AppendUvarint(dst, uint64(m.Counter)<<2|bit(moved)<<1|bit(tag != 0))
		}
		if moved {
			dst = binary.AppendUvarint(dst, uint64(m.Channel))
		}
		if tag != 0 {
			dst = binary.AppendUvarint(dst, tag)
		}
		g.learn(m.Key)
	}
	return dst
}

func bit(set bool) uint64 {
	if set {
		return 1
	}
	return 0
}

// parseBlock calls each for the pieces of a block's value.
func parseBlock(value []byte, each func(piece)) error {
	d := decoder{rest: value}
	groups := d.uvarint()
	heads := d.rest
	if groups > uint64(len(heads)) {
		return errBlock
	}
	for range groups { // to find where the messages begin
		d.take(8)
		d.uvarint()
		d.uvarint()
		d.uvarint()
	}
	if d.failed {
		return errBlock
	}
	data := d.rest
	d.rest = heads
	for range groups {
		p := piece{group: binary.BigEndian.Uint64(d.take(8)), messages: int(d.uvarint())}
		n, span := d.uvarint(), d.uvarint()
		if n > uint64(len(data)) || uint64(p.messages) > n { // a message takes a byte at least
			return errBlock
		}
		p.data, data = data[:n:n], data[n:]
		first := decoder{rest: p.data}
		p.first = int64(first.uvarint() >> 1)
		p.last = p.first + int64(span)
		each(p)
	}
	if len(data) > 0 {
		return errBlock
	}
	return nil
}

var errBlock = fmt.Errorf("%w: block", ErrDamaged)

// appendTo appends the messages of the piece.
func (p *piece) appendTo(dst []Message) ([]Message, error) {
	d, g := decoder{rest: p.data}, newGuess(p.group)
	for range p.messages {
		dst = append(dst, d.message(&g))
	}
	if d.failed || len(d.rest) > 0 {
		return dst, errBlock
	}
	return dst, nil
}

// message reads a message.
func (d *decoder) message(g *guess) Message {
	v := d.uvarint()
	m := Message{Key: Key{Second: g.second + int64(v>>1), Channel: g.channel}, Version: 1}
	m.Counter = g.next(m.Second)
	if v&1 != 0 {
		d.special(&m)
	}
	g.learn(m.Key)
	return m
}

// special reads what of a message is not as expected.
func (d *decoder) special(m *Message) {
	v := d.uvarint()
	m.Counter = uint32(v >> 2)
	if v&2 != 0 {
		m.Channel = uint32(d.uvarint())
	}
	if v&1 != 0 {
		tag := d.uvarint()
		m.Version, m.Kind = uint32(tag>>kindBits)+1, uint8(tag&(1<<kindBits-1))
	}
}

// decoder reads a value; after a failure it gives zeros.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) uvarint() uint64 {
	if len(d.rest) > 0 && d.rest[0] < 0x80 { // most are
		v := d.rest[0]
		d.rest = d.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) take(n int) []byte {
	if n > len(d.rest) {
		d.failed, d.rest = true, nil
		return make([]byte, n)
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}
