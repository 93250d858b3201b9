//go:build linux

package main

import (
	"os"
	"time"

	"github.com/blevesearch/bleve/v2"
)

// byDefault is bleve as it comes: its default mapping, 100 messages a batch.
type byDefault struct{ *world }

const defaultBatch = 100

func (c *byDefault) build() (built, error) {
	dir := c.of("default")
	if err := os.RemoveAll(dir); err != nil {
		return built{}, err
	}
	return timed(dir, func() (func() error, error) {
		ix, err := bleve.New(dir, bleve.NewIndexMapping())
		if err != nil {
			return nil, err
		}
		batch := ix.NewBatch()
		flush := func() error {
			err := ix.Batch(batch)
			batch.Reset()
			return err
		}
		err = eachMessage(c.byChannel(), func(m *message) error {
			err := batch.Index(m.channel+"/"+string(m.ts), struct {
				Channel, User, Kind, Text string
				Time                      time.Time
			}{m.channel, m.user, m.kind, m.text, m.ts.Time()})
			if err == nil && batch.Size() == defaultBatch {
				err = flush()
			}
			return err
		})
		if err == nil {
			err = flush()
		}
		return ix.Close, err
	})
}

func (c *byDefault) open() (func(query) (uint64, error), error) {
	return func(query) (uint64, error) { return 0, errUnable }, nil
}
