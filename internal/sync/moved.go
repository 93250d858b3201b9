package sync

import (
	"maps"
	"slices"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// link links the channels that arrived to those that they were before they moved to another group: the channels of the
// same folder that are not listed any more.
func (d *directory) link(page *storage.Page, listed func(id string) bool) {
	arrived := make(map[string]string) // ids by folder
	for _, id := range d.arrived {
		if folder := record.ChannelFolder(id); folder != "" {
			arrived[folder] = id
		}
	}
	d.arrived = nil
	if len(arrived) == 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(d.known)) {
		before := d.known[id]
		to, moved := arrived[record.ChannelFolder(id)]
		if !moved || to == id || listed(id) || before.MovedTo != "" {
			continue
		}
		before.MovedTo = to
		d.revise(page, before)
		after := d.known[to]
		after.MovedFrom = id
		d.revise(page, after)
		if c := d.rooms[to]; c != nil && c.members != nil {
			c.members.MovedFrom = id
		}
	}
}

// revise replaces a state that the page holds, or adds it.
func (d *directory) revise(page *storage.Page, state record.ChannelState) {
	i := slices.IndexFunc(page.Channels, func(s record.ChannelState) bool { return s.ID == state.ID })
	if i < 0 {
		d.set(page, state)
		return
	}
	d.known[state.ID], page.Channels[i] = state, state
}
