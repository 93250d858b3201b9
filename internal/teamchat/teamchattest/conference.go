package teamchattest

import (
	"fmt"
	"slices"
	"strconv"

	"archiver/internal/record"
)

// Conference is an on-line meeting. Times are unix seconds; an ad-hoc meeting has none.
type Conference struct {
	Channel    string // where its entry is posted; "" posts none
	User       string // organizer
	Title      string
	Password   string // served in clear, "" for none
	Start, End int64
	Recording  bool
}

type conference struct {
	Conference
	id uint64
	in *channel // nil without an entry
}

// AddConference adds a conference and posts its entry, if it has a channel. It gives the entry's ts and the meeting's
// number.
func (w *World) AddConference(conf Conference) (ts record.TS, meeting string) {
	defer w.change()()
	added := w.addConference(w.newID(), conf)
	if conf.Channel != "" {
		added.in = w.channel(conf.Channel)
		ts = w.postItem(added.in, Item{User: conf.User, Subtype: "conference", Members: added.members()})
	}
	return ts, added.meeting()
}

// PostConference posts the entry of an ad-hoc conference.
func (w *World) PostConference(channel, user, title, password string) record.TS {
	ts, _ := w.AddConference(Conference{Channel: channel, User: user, Title: title, Password: password})
	return ts
}

func (w *World) addConference(id uint64, conf Conference) *conference {
	w.user(conf.User)
	added := &conference{Conference: conf, id: id}
	w.conferences = append(w.conferences, added)
	return added
}

// meeting is the meeting's number.
func (conf *conference) meeting() string { return strconv.FormatUint(conf.id%1_000_000_000, 10) }

// members are those of the entry in the chat.
func (conf *conference) members() string {
	return fmt.Sprintf(`"conference":{"meeting_id":"%s","title":%s,"organizer":%s,"password":%s}`,
		conf.meeting(), appendQuoted(nil, conf.Title), appendQuoted(nil, conf.User), appendQuoted(nil, conf.Password))
}

// event is the conference as its calendar shows it.
func (conf *conference) event() *event {
	return &event{id: conf.id, Event: Event{User: conf.User, Title: conf.Title, Start: conf.Start, End: conf.End}}
}

// conferences gives those that the caller organizes, and those posted where the account reads.
func (c *call) conferences() []*conference {
	return slices.DeleteFunc(slices.Clone(c.w.conferences), func(conf *conference) bool {
		readable := conf.in != nil && c.w.byID[trimPadding(conf.in.id)] == conf.in && !conf.in.unlisted && !conf.in.unreadable
		return !readable && conf.User != c.session.user
	})
}

// conferencesList is conferences.list: type 0 has those that began, in pages and the newest first, type 1 those that
// begin within days_future days from days_future_since days on. It has no paging object.
func (c *call) conferencesList() error {
	upcoming := c.intParam("type") == 1
	now := c.w.second()
	list := slices.DeleteFunc(c.conferences(), func(conf *conference) bool { return (conf.Start > now) != upcoming })
	win := window{to: len(list)}
	if upcoming {
		list = c.within(list, now)
		win.to = len(list)
	} else {
		slices.Reverse(list)
		win = c.window(len(list))
	}
	c.list("conferences", win, func(i int) { c.conference(list[i]) })
	c.ok()
	return nil
}

// within narrows a list to the days that the call asks for.
func (c *call) within(list []*conference, now int64) []*conference {
	const day = 24 * 3600
	from, days := now+int64(c.intParam("days_future_since"))*day, int64(c.intParam("days_future"))
	return slices.DeleteFunc(list, func(conf *conference) bool {
		return conf.Start < from || days > 0 && conf.Start >= from+days*day
	})
}

// conference appends an element of conferences.list.
func (r *renderer) conference(conf *conference) {
	url := "https://" + r.w.host + "/teamchat/meet/" + conf.meeting()
	r.raw(`{"meeting_id":"` + conf.meeting() + `"`)
	r.text("meeting_url", url)
	r.text("title", conf.Title)
	r.number("start_date_time", conf.Start)
	r.number("end_date_time", conf.End)
	r.raw(`,"organizer_parsed":[{"email":`)
	r.b = appendQuoted(r.b, conf.User)
	r.text("name", r.w.users[r.w.userNum[conf.User]].name)
	r.raw("}]")
	r.flag("has_password", conf.Password != "")
	r.text("password", conf.Password)
	r.text("dynamic_link", url+"?link="+conf.meeting())
	if conf.Recording {
		r.text("recording_uri", url+"/recording.mp4")
	}
	r.end()
}
