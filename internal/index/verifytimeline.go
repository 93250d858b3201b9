package index

import (
	"archiver/internal/index/timeline"
)

// timeline reads all of the timeline and compares what it counts with what bleve has.
func (v *verifier) timeline(t *timeline.View) error {
	if err := t.Check(); err != nil {
		return err
	}
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
	have := map[string]uint64{}
	for _, a := range authors {
		have[a.Author] = a.Messages
	}
	want, err := v.view.countTerms(fieldUser, current)
	if err != nil {
		return err
	}
	for id, messages := range want {
		if have[id] != messages {
			v.drift("", "the timeline has %d messages of %s, the index %d", have[id], id, messages)
		}
	}
	return nil
}
