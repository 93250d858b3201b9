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
	maxBlock  = 512 // messages
	keyLength = 8 + 5 + 3 + 3
	kindBits  = 4

	maxUnpacked = 16 << 20 // bytes that a block decompresses to, and messages in it
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
	from        int // messages of the block before it
	block       *packed
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
func (c *codec) appendBlock(dst []byte, items []item) []byte {
	var heads []byte
	var messages columns
	groups := uint64(0)
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].group == items[0].group {
			n++
		}
		messages.add(items[:n])
		heads = binary.BigEndian.AppendUint64(heads, items[0].group)
		heads = binary.AppendUvarint(heads, uint64(n))
		heads = binary.AppendUvarint(heads, uint64(items[0].Second))
		heads = binary.AppendUvarint(heads, uint64(items[n-1].Second-items[0].Second))
		groups++
		items = items[n:]
	}
	dst = append(binary.AppendUvarint(dst, groups), heads...)
	return c.compress(dst, messages.bytes())
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

// columns are the messages of a block, member by member: seconds, marks, counters, channels, tags. Of what is as expected
// there are only the first two.
type columns [5][]byte

// The marks: what of a message is not as expected.
const (
	counted = 1 << iota
	moved
	tagged
)

// add appends the messages of one group.
func (c *columns) add(items []item) {
	g := newGuess(items[0].group)
	g.second = items[0].Second
	for i := range items {
		m := &items[i].Message
		c[0] = binary.AppendUvarint(c[0], uint64(m.Second-g.second))
		mark := byte(0)
		if m.Counter != g.next(m.Second) {
			mark |= counted
			c[2] = binary.AppendUvarint(c[2], uint64(m.Counter))
		}
		if m.Channel != g.channel {
			mark |= moved
			c[3] = binary.AppendUvarint(c[3], uint64(m.Channel))
		}
		if tag := uint64(m.Version-1)<<kindBits | uint64(m.Kind); tag != 0 {
			mark |= tagged
			c[4] = binary.AppendUvarint(c[4], tag)
		}
		c[1] = append(c[1], mark)
		g.learn(m.Key)
	}
}

// bytes gives the columns one after the other, each behind its length.
func (c *columns) bytes() (out []byte) {
	for _, column := range c {
		out = append(binary.AppendUvarint(out, uint64(len(column))), column...)
	}
	return out
}

// packed is the messages of a block, which are unpacked when they are asked for.
type packed struct {
	codec    *codec
	data     []byte
	pieces   []piece
	messages []Message
}

// parseBlock gives the pieces of a block's value, which they refer to.
func (c *codec) parseBlock(value []byte) ([]piece, error) {
	d := decoder{rest: value}
	groups := d.uvarint()
	if groups > uint64(len(d.rest)) {
		return nil, errBlock
	}
	b, total := &packed{codec: c, pieces: make([]piece, groups)}, uint64(0)
	for i := range b.pieces {
		p := piece{group: binary.BigEndian.Uint64(d.take(8)), from: int(total), block: b}
		n := d.uvarint()
		p.messages, p.first = int(n), int64(d.uvarint())
		p.last = p.first + int64(d.uvarint())
		if total += n; n > maxUnpacked || total > maxUnpacked || p.first > p.last || p.last > lastKey.Second {
			return nil, errBlock
		}
		b.pieces[i] = p
	}
	if b.data = d.rest; d.failed {
		return nil, errBlock
	}
	return b.pieces, nil
}

var errBlock = fmt.Errorf("%w: block", ErrDamaged)

// appendTo appends the messages of the piece.
func (p *piece) appendTo(dst []Message) ([]Message, error) {
	if p.block.messages == nil {
		if err := p.block.unpack(); err != nil {
			return dst, err
		}
	}
	return append(dst, p.block.messages[p.from:p.from+p.messages]...), nil
}

// unpack reads the messages of a block.
func (b *packed) unpack() error {
	data, err := b.codec.decompress(b.data)
	if err != nil {
		return errBlock
	}
	var columns [len(columns{})]decoder
	d := decoder{rest: data}
	for i := range columns {
		columns[i].rest = d.take(int(min(d.uvarint(), maxUnpacked)))
	}
	last := b.pieces[len(b.pieces)-1]
	total := last.from + last.messages
	if total != len(columns[1].rest) { // each has a mark
		return errBlock
	}
	messages := make([]Message, 0, total)
	for i := range b.pieces {
		p := &b.pieces[i]
		g := newGuess(p.group)
		g.second = p.first
		for range p.messages {
			messages = append(messages, message(&columns, &g))
		}
	}
	for _, c := range columns {
		if d.failed || len(d.rest) > 0 || c.failed || len(c.rest) > 0 {
			return errBlock
		}
	}
	b.messages = messages
	return nil
}

// message reads a message.
func message(c *[len(columns{})]decoder, g *guess) Message {
	m := Message{Key: Key{Second: g.second + int64(c[0].uvarint()), Channel: g.channel}, Version: 1}
	m.Counter = g.next(m.Second)
	if mark := c[1].take(1)[0]; mark != 0 {
		if mark&counted != 0 {
			m.Counter = uint32(c[2].uvarint())
		}
		if mark&moved != 0 {
			m.Channel = uint32(c[3].uvarint())
		}
		if mark&tagged != 0 {
			tag := c[4].uvarint()
			m.Version, m.Kind = uint32(tag>>kindBits)+1, uint8(tag&(1<<kindBits-1))
		}
	}
	g.learn(m.Key)
	return m
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
