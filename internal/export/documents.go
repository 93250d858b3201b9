package export

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"archiver/internal/record"

	"github.com/go-json-experiment/json"
	"go.etcd.io/bbolt"
)

// Document is a slice that an export wrote.
type Document struct {
	Name   string    `json:"name"`            // without an ending
	First  record.TS `json:"first"`           // of its messages
	Number string    `json:"number,omitzero"` // Bates number, in a production
}

// documentKeeper is the sliceSink behind all others that keeps what documents they wrote.
type documentKeeper struct{ written map[string][]Document } // by channel

func newDocumentKeeper() *documentKeeper { return &documentKeeper{map[string][]Document{}} }

func (k *documentKeeper) slice(s *slice) error {
	k.written[s.channel.ID] = append(k.written[s.channel.ID], Document{s.name, s.items[0].TS, s.number})
	return nil
}

func (k *documentKeeper) close() error { return nil }

// documents gives, by channel, the slices that formats wrote, in order of their first messages.
func (f *frame) documents() map[string][]Document {
	if f.kept == nil {
		return nil
	}
	for _, list := range f.kept.written {
		slices.SortStableFunc(list, func(a, b Document) int { return cmp.Compare(a.First, b.First) })
	}
	return f.kept.written
}

// Documents are the slices that an export cut a channel into, by the key of their period.
type Documents map[string][]Document

// Of gives the document that has a message of the export. unit and zone are the export's. Without such a document it is
// empty.
func (d Documents) Of(item Item, unit Unit, zone *time.Location) (found Document) {
	threads := map[record.TS]bool{}
	if unit == UnitThread {
		asRoot := Item{Message: &record.Message{TS: item.TS, Thread: item.TS}}
		_, threads[item.TS] = d[unit.period(asRoot, zone, nil).key]
	}
	for _, part := range d[unit.period(item, zone, threads).key] {
		if part.First <= item.TS {
			found = part
		}
	}
	return found
}

// keyOf gives the key of the period that a document's name was made of.
func keyOf(channel, name string) string {
	sum := sha256.Sum256([]byte(channel))
	_, key, _ := strings.Cut(name, hex.EncodeToString(sum[:6])+"_")
	whole, part, ok := strings.Cut(key, "_p")
	if ok && strings.Trim(part, "0123456789") == "" {
		return whole
	}
	return key
}

// Keep records what documents an export wrote, by channel.
func (l Ledger) Keep(id string, documents map[string][]Document) error {
	return l.updateIn(documentsBucket, func(b *bbolt.Bucket) error {
		for channel, list := range documents {
			text, err := json.Marshal(list)
			if err != nil {
				return err
			}
			packed, err := pack(text)
			if err != nil {
				return err
			}
			if err := b.Put(documentsKey(id, channel), packed); err != nil {
				return err
			}
		}
		return nil
	})
}

// Documents gives what documents an export wrote of a channel; nil if it wrote none.
func (l Ledger) Documents(id, channel string) (documents Documents, err error) {
	err = l.view(func(exports *bbolt.Bucket) error {
		if exports == nil {
			return nil
		}
		kept := exports.Tx().Bucket(documentsBucket)
		if kept == nil {
			return nil
		}
		packed := kept.Get(documentsKey(id, channel))
		if packed == nil {
			return nil
		}
		if documents, err = readDocuments(packed, channel); err != nil {
			return fmt.Errorf("%w: export %s, documents of channel %s: %w", ErrLedgerDamaged, id, channel, err)
		}
		return nil
	})
	return documents, err
}

func readDocuments(packed []byte, channel string) (Documents, error) {
	text, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	var list []Document
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	documents := Documents{}
	for _, d := range list {
		key := keyOf(channel, d.Name)
		if key == "" {
			return nil, errors.New(d.Name + ": not the name of a slice")
		}
		documents[key] = append(documents[key], d)
	}
	return documents, nil
}

func documentsKey(id, channel string) []byte { return []byte(id + "\x00" + channel) }
