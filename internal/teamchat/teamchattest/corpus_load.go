package teamchattest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// LoadCorpus builds a world from a corpus: a file as CorpusMessages reads it, with users.json, channels.json and
// assets/ beside it where they are. Who wrote in a channel is a member of it. A reply is a comment whatever its kind;
// among main messages "system" is channel_join, "code" a code block without language, "file" a shared file. A file's
// bytes are those in assets/, else made up in the size that is declared, 0 where none is.
func LoadCorpus(path string) (*World, error) {
	l := &corpusLoader{w: NewWorld(WorldOptions{Host: "mail.corpus.invalid"}), dir: filepath.Dir(corpusFileName(path)),
		filesIn: map[uint64]uint64{}}
	if err := l.users(path); err != nil {
		return nil, err
	}
	for group, err := range corpusChannels(path) {
		if err != nil {
			return nil, err
		}
		if err := l.channel(group); err != nil {
			return nil, fmt.Errorf("corpus channel %q: %w", group[0].Channel, err)
		}
	}
	if err := l.channels(path); err != nil {
		return nil, err
	}
	l.w.clock = int64(l.w.last>>16) + 1
	return l.w, nil
}

type corpusLoader struct {
	w       *World
	dir     string
	filesIn map[uint64]uint64 // how many files a second has
}

// Folders and files take counters above those of messages.
const (
	folderCounter = 0x4000
	fileCounter   = 0x8000
)

func (l *corpusLoader) users(path string) error {
	type corpusUser struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Deleted bool   `json:"deleted"`
	}
	list, err := corpusList[corpusUser](path, "users.json")
	for _, u := range list {
		account := l.w.users[l.w.user(CorpusUser(u.ID))]
		account.name, account.deleted = cmp.Or(u.Name, u.ID), u.Deleted
	}
	return err
}

// channels adds what channels.json says beside the messages.
func (l *corpusLoader) channels(path string) error {
	type corpusChannel struct {
		Name     string `json:"name"`
		Archived bool   `json:"archived"`
	}
	list, err := corpusList[corpusChannel](path, "channels.json")
	for _, c := range list {
		found := l.w.find(c.Name)
		if found == nil {
			found = l.addChannel(c.Name, l.w.clock)
		}
		found.archived = c.Archived
	}
	return err
}

func (l *corpusLoader) addChannel(name string, second int64) *channel {
	folder := uint64(second)<<16 | folderCounter | uint64(len(l.w.channels))&(folderCounter-1)
	return l.w.addChannel(name, folder, nil)
}

func (l *corpusLoader) channel(group []CorpusMessage) error {
	c := l.addChannel(group[0].Channel, group[0].Time.Unix())
	mains := 0
	for _, m := range group {
		if m.Thread == "" {
			mains++
		}
	}
	c.messages = make([]message, 0, mains)
	for i := range group {
		if m := &group[i]; m.Thread == "" {
			built, err := l.message(c, m)
			if err != nil {
				return fmt.Errorf("message %s: %w", m.ID, err)
			}
			c.insert(built)
		}
	}
	for i := range group {
		if m := &group[i]; m.Thread != "" {
			built, err := l.message(c, m)
			if err != nil {
				return fmt.Errorf("message %s: %w", m.ID, err)
			}
			parent, _ := c.message(m.Thread)
			c.comment(parent, built)
		}
	}
	c.creator = l.w.user(group[0].User)
	return nil
}

// corpusSubtypes are the kinds of the corpus as subtypes of main messages.
var corpusSubtypes = map[string]string{"system": "channel_join", "code": "code_block", "file": "file_share"}

func (l *corpusLoader) message(c *channel, m *CorpusMessage) (message, error) {
	id, _ := idOf(m.TS)
	built := message{id: id, user: l.w.user(m.User), text: l.w.text.quote(m.Text)}
	l.w.last = max(l.w.last, id)
	c.join(built.user)
	if m.Thread == "" {
		built.subtype = l.w.subtype(corpusSubtypes[m.Kind])
		if m.Kind == "code" {
			built.rest().members = "," + codeMembers("")
		}
	}
	if edited, err := time.Parse(time.RFC3339, m.source.Edited); err == nil {
		r := built.rest()
		r.editor, r.edited = built.user, uint64(edited.Unix())<<16
	}
	for _, re := range m.source.Reactions {
		r := built.rest()
		r.reactions = append(r.reactions, l.reaction(re))
	}
	if m.source.File == nil {
		return built, nil
	}
	f, err := l.file(c, m)
	built.rest().file = f
	return built, err
}

func (l *corpusLoader) reaction(source corpusReaction) reaction {
	r := reaction{name: source.Name, count: max(source.Count, len(source.Users))}
	for _, u := range source.Users {
		r.users = append(r.users, l.w.user(CorpusUser(u)))
	}
	return r
}

// file gives the file of a message an id of its own in the same second.
func (l *corpusLoader) file(c *channel, m *CorpusMessage) (*file, error) {
	id, _ := idOf(m.TS)
	second := id >> 16
	id = second<<16 | fileCounter | l.filesIn[second]
	l.filesIn[second]++
	l.w.last = max(l.w.last, id)
	source := m.source.File
	sum := sha256.Sum256([]byte(m.ID))
	data := content{size: source.Size, seed: binary.BigEndian.Uint64(sum[:])}
	if asset := filepath.Join(l.dir, filepath.FromSlash(source.Path)); filepath.IsLocal(source.Path) && isFile(asset) {
		info, err := os.Stat(asset)
		if err != nil {
			return nil, err
		}
		data = content{size: info.Size(), path: asset}
	}
	return l.w.addFile(c, id, m.User, m.File, data), nil
}
