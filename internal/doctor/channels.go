package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"archiver/internal/lenient"
	"archiver/internal/record"
	"archiver/internal/teamchat"

	"github.com/go-json-experiment/json/jsontext"
)

// listChannels asks which channels the account sees.
func (s *server) listChannels(ctx context.Context) bool {
	const name = "channels"
	_, channels, err := s.client.ChannelsList(ctx)
	if err != nil {
		s.fail(name, err, advice(err))
		return false
	}
	s.channels = channels
	const unseen = "channels that the account is not invited to don't show up here, and private messages inside a channel are shown only to those they concern"
	if len(channels) == 0 {
		s.warn(name, "the account sees no channel", "invite it to the channels that are to be archived; "+unseen)
		return true
	}
	detail := "the account sees " + counted(len(channels), "channel")
	if n := s.excluded(); n > 0 {
		detail += fmt.Sprintf(", of which sync.exclude_channels leaves out %d", n)
	}
	if same := s.sharedNames(); len(same) > 0 {
		detail += "; names that several share: " + listed(same)
	}
	s.found(Finding{Name: name, Status: OK, Detail: detail, Hint: unseen + ": compare the number with an administrator's"})
	return true
}

func (s *server) excluded() (n int) {
	for _, c := range s.channels {
		if s.excludes(c) {
			n++
		}
	}
	return n
}

func (s *server) excludes(c teamchat.Channel) bool {
	return slices.ContainsFunc(s.o.Exclude, func(name string) bool { return isCalled(c, name) })
}

// isCalled tells whether name is the channel's id, padded or not, or its name.
func isCalled(c teamchat.Channel, name string) bool {
	return name == c.Name || record.ChannelID(name) == record.ChannelID(c.ID)
}

// sharedNames are the names that more than one channel has, sorted.
func (s *server) sharedNames() []string {
	times := map[string]int{}
	var shared []string
	for _, c := range s.channels {
		if times[c.Name]++; times[c.Name] == 2 {
			shared = append(shared, c.Name)
		}
	}
	slices.Sort(shared)
	return shared
}

// named is a channel's name, with its id where others have the same name.
func (s *server) named(c teamchat.Channel) string {
	if slices.Contains(s.sharedNames(), c.Name) {
		return c.Name + " (" + record.ChannelID(c.ID) + ")"
	}
	return c.Name
}

// rights names the channels that can't be archived.
func (s *server) rights(context.Context) {
	const name = "rights"
	var refused []string
	silent := 0 // channels without permissions
	for _, c := range s.channels {
		switch {
		case s.excludes(c):
		case !c.Readable:
			refused = append(refused, s.named(c))
		case !has(c.Raw, "permissions"):
			silent++
		}
	}
	switch {
	case len(refused) > 0:
		s.warn(name, fmt.Sprintf("the account may not read %s: %s (no items_read)", counted(len(refused), "channel"), strings.Join(refused, ", ")),
			"let an administrator give it the right, or name them in sync.exclude_channels; until then every sync ends 3 and names them")
	case silent > 0:
		s.warn(name, fmt.Sprintf("the server does not say what the account may do in %s", counted(silent, "channel")),
			"whether such a channel can be read shows only when a sync reads it")
	case len(s.channels) > 0:
		s.ok(name, "the account may read every channel that is to be archived")
	}
}

// inactive checks that the list of all channels holds those that the account has left or put aside.
func (s *server) inactive(ctx context.Context) {
	const name = "inactive channels"
	a, err := s.ask(ctx, "channels.list", "collection_type", "2", "exclude_members", "true")
	if err == nil && a.refused() {
		err = errors.New("channels.list of inactive channels: " + a.verdict())
	}
	if err != nil {
		s.untold(name, err)
		return
	}
	var missing []string
	total := 0
	for _, raw := range elements(a.object["channels"]) {
		total++
		id, title := member(raw, "id"), member(raw, "name")
		if !slices.ContainsFunc(s.channels, func(c teamchat.Channel) bool { return isCalled(c, id) }) {
			missing = append(missing, title)
		}
	}
	if len(missing) > 0 {
		s.warn(name, fmt.Sprintf("%s missing from the list of all channels: %s", counted(len(missing), "inactive channel"), listed(missing)),
			"they are not archived: make the account join them, or make them active for it")
		return
	}
	if total == 0 {
		s.ok(name, "none")
		return
	}
	s.ok(name, "%d, all in the list of all channels", total)
}

// has tells whether an object has a member that is not null.
func has(object []byte, name string) bool { return len(members(object)[name]) > 0 }

// member is a member of an object as text.
func member(object []byte, name string) string { return text(members(object)[name]) }

// members are the members of an object, as received; nulls are empty.
func members(object []byte) map[string]lenient.Raw {
	var m map[string]lenient.Raw
	if jsontext.Value(object).Kind() == '{' {
		_ = lenient.Unmarshal(object, &m) // an object that was read before
	}
	return m
}

// layout says what channel objects look like. All of this is read alike.
func (s *server) layout(context.Context) {
	if len(s.channels) == 0 {
		return
	}
	first := members(s.channels[0].Raw)
	parts := []string{s.padding(), s.memberForm(), "numbers as " + scalarKind(first["created"])}
	switch {
	case has(s.channels[0].Raw, "is_recent"):
		parts = append(parts, "is_recent and no is_archived, as in builds since 2026")
	case !has(s.channels[0].Raw, "is_archived"):
		parts = append(parts, "no is_archived")
	}
	if len(first["latest"]) == 0 {
		parts = append(parts, "no latest, so that quiet channels can't be told from busy ones")
	}
	s.ok("channel objects", "%s", strings.Join(parts, "; "))
}

// padding says whether ids end with the padding of base64.
func (s *server) padding() string {
	padded, bare := false, false
	for _, c := range s.channels {
		padded = padded || strings.HasSuffix(c.ID, "=")
		bare = bare || len(c.ID)%4 != 0
	}
	switch {
	case padded && bare:
		return "ids with and without = padding"
	case padded:
		return "ids with = padding"
	case bare:
		return "ids without = padding"
	}
	return "ids of a length that needs no padding"
}

// memberForm says how the members of channels are given.
func (s *server) memberForm() string {
	given := false
	for _, c := range s.channels {
		raw := members(c.Raw)["members"]
		given = given || len(raw) > 0
		for _, element := range elements(raw) {
			if jsontext.Value(element).Kind() == '{' {
				return "members as objects"
			}
			return "members as strings"
		}
	}
	if given {
		return "members empty"
	}
	return "no members"
}

func scalarKind(raw []byte) string {
	switch jsontext.Value(raw).Kind() {
	case '"':
		return "strings"
	case '0':
		return "numbers"
	}
	return "neither numbers nor strings"
}

// members checks that the members of the channels can be had: lists in channel objects are cut at 300.
func (s *server) members(ctx context.Context) {
	const name = "members"
	var cut []teamchat.Channel
	for _, c := range s.channels {
		if c.Readable && c.Truncated && !s.excludes(c) {
			cut = append(cut, c)
		}
	}
	if len(cut) == 0 {
		s.ok(name, "no channel's list of members is cut short")
		return
	}
	largest := slices.MaxFunc(cut, func(a, b teamchat.Channel) int { return int(a.NumMembers - b.NumMembers) })
	_, list, whole, err := s.client.Users(ctx, largest.ID)
	if err != nil {
		s.untold(name, err)
		return
	}
	detail := fmt.Sprintf("the members of %s are cut short in the list of channels", counted(len(cut), "channel"))
	if whole && int64(len(list)) >= largest.NumMembers {
		s.ok(name, "%s; users.list gives them all (%d of %s)", detail, len(list), largest.Name)
		return
	}
	s.warn(name, fmt.Sprintf("%s, and users.list gives %d of the %d of %s", detail, len(list), largest.NumMembers, largest.Name),
		"who could read such a channel is archived only in part, unless search.users gives the others; messages are not concerned")
}

// users checks that the server's users can be had.
func (s *server) users(ctx context.Context) {
	const name = "users"
	_, list, whole, err := s.client.Users(ctx, "")
	if err != nil {
		s.warn(name, err.Error(), "the names of users are then asked for one by one")
		return
	}
	search, err := s.ask(ctx, "search.users", "count", "1", "page", "1")
	total := 0
	if err == nil && !search.refused() && search.paging != nil {
		total = int(search.paging.Total)
	}
	switch {
	case whole && total <= len(list):
		s.ok(name, "users.list gives all %d", len(list))
	case total > len(list):
		s.warn(name, fmt.Sprintf("users.list gives %d of %d", len(list), total), "the others are read page by page with search.users, or one by one as they appear")
	default:
		s.warn(name, fmt.Sprintf("users.list gives %d and says that there are more", len(list)), "the others are asked for one by one as they appear in messages")
	}
}

// diff says what channels.diff looks like. first is what it gave to a fresh login.
func (s *server) diff(ctx context.Context, first *answer, err error) {
	const name = "channels.diff"
	if err == nil && first.refused() {
		err = errors.New(first.verdict())
	}
	if err != nil {
		s.warn(name, err.Error(), "channels that come or go while a sync runs show up at its end only")
		return
	}
	second, err := s.ask(ctx, name)
	if err != nil {
		s.untold(name, err)
		return
	}
	changes := elements(first.object["channels_diff"])
	detail := fmt.Sprintf("the first call after a login gives %s", counted(len(changes), "change"))
	if len(changes) == len(s.channels) && len(changes) > 0 {
		detail = "the first call after a login gives every channel"
	}
	if shape := diffShape(first); shape != "" {
		detail += ", as " + shape
	}
	if n := len(elements(second.object["channels_diff"])); n > 0 {
		s.warn(name, fmt.Sprintf("%s; just after channels.list it gives %s", detail, counted(n, "change")),
			"it can't be relied on to tell what changed since the list; sync asks for the list again at its end")
		return
	}
	s.ok(name, "%s", detail)
}

// diffShape says how changes are laid out, "" if there are none.
func diffShape(a *answer) string {
	changes := elements(a.object["channels_diff"])
	if len(changes) == 0 {
		return ""
	}
	change := members(changes[0])
	switch {
	case len(change["status"]) == 0 && len(a.object["status"]) > 0:
		return "channels below one status for all"
	case len(change["status"]) == 0:
		return "channels without a status"
	case len(change["channel"]) > 0:
		return "{status, channel}"
	case len(change["created"]) > 0 || len(change["is_member"]) > 0:
		return "channel objects with a status"
	}
	return "{status, id, name}"
}
