package index

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// directory knows the names of channels and users, as of one change of the archive.
type directory struct {
	change   uint64
	channels []*record.Channel
	byID     map[string]*record.Channel
	users    []account
	accounts map[string][]account // by id
	names    map[string]string    // of users, by id
	ids      map[string]string    // of users, by folded id

	mu        sync.Mutex
	authors   []FacetCount // of all messages, once asked for
	authorsAt uint64       // change of the timeline that they are of
}

// account is a user as names in queries are compared with it; all fields are folded.
type account struct{ id, local, name string }

// directory gives the names as of now, read anew when the archive has changed.
func (ix *Index) directory(ctx context.Context, a *storage.Archive) (*directory, error) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	change := a.Change()
	if ix.names != nil && ix.names.change == change {
		return ix.names, nil
	}
	d, err := readDirectory(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("names of channels and users: %w", err)
	}
	d.change = change
	ix.names = d
	return d, nil
}

func readDirectory(ctx context.Context, a *storage.Archive) (*directory, error) {
	d := &directory{byID: map[string]*record.Channel{}, accounts: map[string][]account{}, names: map[string]string{}, ids: map[string]string{}}
	for c, err := range a.Channels(ctx, 0) {
		if err != nil {
			return nil, err
		}
		c.Raw = nil
		d.channels = append(d.channels, c)
		d.byID[c.ID] = c
	}
	for u, err := range a.Users(ctx, 0) {
		if err != nil {
			return nil, err
		}
		id := fold(u.ID)
		local, _, _ := strings.Cut(id, "@")
		d.users = append(d.users, account{id, local, fold(u.Name)})
		d.accounts[id] = append(d.accounts[id], d.users[len(d.users)-1])
		d.names[u.ID], d.ids[id] = u.Name, u.ID
	}
	return d, nil
}

// channelName gives a channel's present name, its id if it has none.
func (d *directory) channelName(id string) string {
	if c := d.byID[id]; c != nil && c.Name != "" {
		return c.Name
	}
	return id
}

// userName gives a user's name, the id if it is not known.
func (d *directory) userName(id string) string {
	if name := d.names[id]; name != "" {
		return name
	}
	return id
}

// userID gives a user's id as the server writes it, given it folded.
func (d *directory) userID(folded string) string {
	if id := d.ids[folded]; id != "" {
		return id
	}
	return folded
}

// channelsNamed gives the ids of the channels that a value stands for: the one with that id, else all that have or
// had that name.
func (d *directory) channelsNamed(value string) []string {
	if c := d.byID[record.ChannelID(value)]; c != nil {
		return []string{c.ID}
	}
	want := fold(strings.TrimPrefix(value, "#"))
	var ids []string
	for _, c := range d.channels {
		if slices.ContainsFunc(append(c.Names, c.Name), func(name string) bool { return fold(name) == want }) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// usersNamed gives the accounts that a value stands for: the one with that id; else all with that name or that part
// before the @; else all whose name holds the words of the value. Ids are folded.
func (d *directory) usersNamed(value string) []account {
	want := fold(strings.TrimPrefix(value, "@"))
	if found := d.accounts[want]; len(found) > 0 {
		return found
	}
	for _, match := range []func(account) bool{
		func(a account) bool { return a.local == want || a.name == want },
		func(a account) bool { return hasWords(a.name, want) },
	} {
		if found := filter(d.users, match); len(found) > 0 {
			return found
		}
	}
	return nil
}

func filter(users []account, match func(account) bool) []account {
	var found []account
	for _, u := range users {
		if match(u) {
			found = append(found, u)
		}
	}
	return found
}

// hasWords tells whether a name holds all the words of want; both are folded.
func hasWords(name, want string) bool {
	words := strings.Fields(want)
	for _, w := range words {
		if !slices.Contains(strings.Fields(name), w) {
			return false
		}
	}
	return len(words) > 0
}
