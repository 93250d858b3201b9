package reconcile

import (
	"context"
	"errors"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"archiver/internal/record"
	"archiver/internal/teamchat"
)

// few is the least number of messages of a channel that are compared by content, if it has as many.
const few = 5

// sampler chooses so many of so many items at random, one look at each, in order (Knuth, The Art of Computer Programming,
// volume 2, 3.4.2, algorithm S).
type sampler struct {
	random     *rand.Rand
	left, want int
}

// newSampler chooses percent of n items, at least a few.
func newSampler(seed uint64, channel string, n int, percent float64) *sampler {
	hash := fnv.New64a()
	hash.Write([]byte(channel))
	want := max(int(math.Ceil(float64(n)*percent/100)), few)
	return &sampler{random: rand.New(rand.NewPCG(seed, hash.Sum64())), left: n, want: min(want, n)}
}

// next tells whether the next item is chosen.
func (s *sampler) next() bool {
	chosen := s.left > 0 && s.random.IntN(s.left) < s.want
	s.left--
	if chosen {
		s.want--
	}
	return chosen
}

// check compares an archived message with the object that the server shows now.
func (c *channel) check(ctx context.Context, ts record.TS, raw []byte) error {
	m, err := c.run.Archive.Message(ctx, c.pair.id, ts)
	if err != nil {
		return err
	}
	c.row.Sampled++
	newest := []record.Entry{{Op: record.OpState, First: true, Key: string(ts), Thread: m.Thread, Body: m.Raw}}
	seen := record.Seen{Key: string(ts), Thread: m.Thread, Raw: record.Clean(raw)}
	if op, differs := record.Next(newest, seen); differs && op == record.OpState {
		c.row.Differing++
		c.note(Edited, "message", string(ts))
	}
	return nil
}

// checkComments compares the comments that were sampled. Each is asked for by itself.
func (c *channel) checkComments(ctx context.Context) error {
	for _, ts := range c.sampled {
		_, m, err := c.run.Client.Item(ctx, c.pair.listed.ID, string(ts))
		var refusal *teamchat.Error
		if errors.As(err, &refusal) && refusal.NotFound() {
			continue // the counts of its thread tell
		}
		if err != nil {
			return err
		}
		if err := c.check(ctx, ts, m.Raw); err != nil {
			return err
		}
	}
	return nil
}
