package index

import (
	"archiver/internal/index/timeline"
)

// timeline compares what the timeline counts with what bleve has. It reads, and so checks, all of its blocks.
func (v *verifier) timeline(t *timeline.View) error {
	others, err := v.view.any(fieldFlags, []string{flagOld, flagContent})
	if err != nil {
		return err
	}
	current := v.view.all().not(others)
	if err := v.timelineChannels(t, current); err != nil {
		return err
	}
	return v.timelineAuthors(t, current)
}

func (v *verifier) timelineChannels(t *timeline.View, current docset) error {
	have, err := t.Channels()
	if err != nil {
		return err
	}
	want, err := v.view.countTerms(fieldChannel, current)
	if err != nil {
		return err
	}
	for n, id := range v.channels {
		if messages := have[uint32(n)]; messages != want[id] {
			v.drift(id, "the timeline has %d messages, the index %d", messages, want[id])
		}
	}
	return nil
}

func (v *verifier) timelineAuthors(t *timeline.View, current docset) error {
	authors, err := t.Authors()
	if err != nil {
		return err
	}
	have := map[uint64]uint64{}
	for _, a := range authors {
		have[a.Group] = a.Messages
	}
	want, err := v.view.countTerms(fieldUser, current)
	if err != nil {
		return err
	}
	for id, messages := range want {
		if n := have[t.Group(id)]; n != messages {
			v.drift("", "the timeline has %d messages of %s, the index %d", n, id, messages)
		}
	}
	return nil
}
