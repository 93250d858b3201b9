package export

import (
	"cmp"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"archiver/internal/lenient"
	"archiver/internal/loadfile"
	"archiver/internal/mail"
	"archiver/internal/record"
	"archiver/internal/rsmf"
)

// produced is a document of a production.
type produced struct {
	number    string // Bates
	extension string // of the native, with its dot
	native    func(io.Writer) error
	text      []byte
	values    loadfile.Document
}

// documentValues are the names of all values that a field of a load file can have.
func documentValues() []string {
	return []string{
		"begin", "end", "family_begin", "family_end", "family_range", "parent", "children", "attachment_id", "volume", "export", "system",
		"custodian", "custodians", "from", "to", "participants", "author", "subject", "type", "terms", "exception",
		"conversation", "conversation_name", "conversation_type", "team", "threads", "collection", "message_id", "folder", "zone",
		"messages", "edited", "deleted", "reactions", "attachments", "context",
		"first", "last", "window_begin", "window_end", "created", "modified",
		"file_name", "file_extension", "file_size", "mime_type", "md5", "sha1", "sha256", "native", "text", "source_hash", "change",
	}
}

// family gives the documents of a slice: itself and then its attachments.
func (w *production) family(s *slice, d *rsmf.Document) []produced {
	family := []produced{{
		number: w.takeNumber(), extension: ".rsmf", text: d.Text, values: w.sliceValues(s, d),
		native: func(out io.Writer) error { return w.slices.writer.Write(out, d) },
	}}
	seen := map[string]bool{}
	for _, item := range s.items {
		content, stored := newest(item.File)
		if !hasFile(item) || stored && seen[content.SHA256] {
			continue
		}
		seen[content.SHA256] = stored
		family = append(family, w.attachment(s, d, item, content))
	}
	w.relate(family)
	return family
}

// relate tells each document of its family.
func (w *production) relate(family []produced) {
	first, last := family[0].number, family[len(family)-1].number
	var children []string
	for i := range family {
		v := family[i].values
		v["begin"], v["end"] = family[i].number, family[i].number
		v["family_begin"], v["family_end"], v["family_range"] = first, last, first+"-"+last
		if i > 0 {
			v["parent"] = first
			children = append(children, family[i].number)
		}
	}
	family[0].values["children"], family[0].values["attachments"] = children, int64(len(children))
}

// sliceValues are those of a slice of a conversation.
func (w *production) sliceValues(s *slice, d *rsmf.Document) loadfile.Document {
	v := w.sharedValues(s)
	authors, threads := map[string]bool{}, map[string]bool{}
	var edited, deleted, reactions, context int64
	for _, item := range s.items {
		authors[w.slices.person(item.User).Display] = true
		if item.Thread != "" {
			threads[string(item.Thread)] = true
		}
		count(&edited, item.IsEdited())
		count(&deleted, item.Deleted != nil)
		count(&context, item.Reason == ReasonContext)
		reactions += int64(item.Reactions)
	}
	var participants, to []string
	for _, p := range d.Manifest.Participants {
		participants = append(participants, p.Display)
	}
	for _, a := range d.To {
		to = append(to, mailbox(a))
	}
	maps.Copy(v, loadfile.Document{
		"type": "Chat slice", "subject": d.Subject, "from": mailbox(d.From), "to": to, "participants": participants,
		"author": w.slices.person(s.items[0].User).Display, "custodians": slices.Sorted(maps.Keys(authors)),
		"threads": slices.Sorted(maps.Keys(threads)), "collection": d.Manifest.EventCollectionID, "message_id": d.MessageID,
		"messages": int64(len(s.items)), "edited": edited, "deleted": deleted, "reactions": reactions,
		"context": context + int64(len(s.parents)), "first": s.first().In(w.frame.zone), "last": s.last().In(w.frame.zone),
		"file_name": s.name + ".rsmf", "mime_type": "message/rfc822", "source_hash": s.sourceHash(),
	})
	if !s.begin.IsZero() {
		v["window_begin"], v["window_end"] = s.begin, s.end
	}
	return v
}

// sharedValues are those of all documents of a family.
func (w *production) sharedValues(s *slice) loadfile.Document {
	v := loadfile.Document{
		"export": w.frame.id, "system": platform, "volume": w.volumeName(), "zone": w.frame.zone.String(),
		"conversation": s.channel.ID, "conversation_name": s.channel.Name, "conversation_type": "channel", "team": s.channel.team,
		"folder": "TeamChat\\" + strings.NewReplacer("\\", "_", "/", "_").Replace(displayText(s.channel.Name)),
		"change": fmt.Sprint(w.frame.sel.Change), "terms": w.frame.sel.Query, "custodian": w.slices.custodian(),
	}
	if terms, ok := w.frame.terms.hitting(s.items); ok {
		v["terms"] = terms
	}
	return v
}

func mailbox(a mail.Address) string { return a.Name + " <" + a.Address + ">" }

// attachment is the document of a message's file.
func (w *production) attachment(s *slice, d *rsmf.Document, item Item, content record.Revision) produced {
	name := cmp.Or(item.FileName, item.FileID)
	p := produced{number: w.takeNumber(), extension: safeExtension(name), values: w.sharedValues(s)}
	maps.Copy(p.values, loadfile.Document{
		"type": "Chat attachment", "attachment_id": attachmentOf(d.Manifest.Events, item), "file_name": name,
		"author": w.slices.person(item.User).Display, "from": mailbox(w.slices.address(w.slices.person(item.User))),
		"subject": d.Subject, "first": item.TS.Time().In(w.frame.zone), "message_id": item.ID(),
	})
	if item.File != nil {
		w.addFileValues(p.values, item.File)
	}
	w.addContent(&p, item, content)
	return p
}

// addFileValues adds what the server said of a file.
func (w *production) addFileValues(v loadfile.Document, f *record.File) {
	var said struct {
		MIMEType lenient.String `json:"mimetype"`
		Created  lenient.Int    `json:"created"`
	}
	_ = lenient.Unmarshal(f.Raw, &said) // an object that can't be read says nothing
	v["mime_type"] = string(said.MIMEType)
	v["created"] = w.local(int64(said.Created))
	v["modified"] = w.local(lenient.ParseInt(f.Modified))
}

// local gives the moment of unix seconds in the export's zone, zero for none.
func (w *production) local(seconds int64) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).In(w.frame.zone)
}

// addContent makes the native and the text of an attachment, or of the slip sheet that stands for it.
func (w *production) addContent(p *produced, item Item, content record.Revision) {
	if why := w.unavailable(item, content); why != "" {
		sheet := "This document is not here: " + why + "\r\n"
		p.extension, p.text, p.values["exception"] = ".txt", []byte(sheet), why
		p.native = func(out io.Writer) error { _, err := io.WriteString(out, sheet); return err }
		return
	}
	p.native = func(out io.Writer) error {
		in, err := w.frame.contents.open(content.SHA256)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, in.Close())
	}
	text, ok, err := w.frame.src.Text(w.ctx, content.SHA256)
	if err != nil || !ok {
		p.values["exception"] = "no text was extracted"
	}
	p.text = []byte(text)
}

// unavailable says why there is no content of a file, "" if there is one.
func (w *production) unavailable(item Item, content record.Revision) string {
	attachments := rsmfAttachments{contents: w.frame.contents}
	if content.SHA256 != "" && w.frame.contents.path(content.SHA256) != "" {
		return "" // a production takes files of any size
	}
	return attachments.unavailable(item, content)
}

// produce writes a document's native and its text, and completes its values.
func (w *production) produce(p *produced) error {
	folder := fmt.Sprintf("%04d", w.placed/filesAFolder+1)
	w.placed++
	native := "NATIVES/" + folder + "/" + p.number + p.extension
	text := "TEXT/" + folder + "/" + p.number + ".txt"
	if err := w.writeNative(native, p); err != nil {
		return err
	}
	out, err := w.frame.bundle.create(w.folder() + "/" + text)
	if err != nil {
		return err
	}
	if _, err := out.Write(p.text); err != nil {
		return err
	}
	p.values["native"], p.values["text"] = windowsPath(native), windowsPath(text)
	p.values["file_extension"] = strings.TrimPrefix(p.extension, ".")
	_, n, err := out.close()
	w.written += n
	return err
}

func windowsPath(path string) string { return `.\` + strings.ReplaceAll(path, "/", `\`) }

// writeNative writes the document itself, with the hashes that load files ask for.
func (w *production) writeNative(path string, p *produced) error {
	out, err := w.frame.bundle.create(w.folder() + "/" + path)
	if err != nil {
		return err
	}
	m, s := md5.New(), sha1.New()
	if err := p.native(io.MultiWriter(out, m, s)); err != nil {
		return errors.Join(err, out.abandon())
	}
	sum, n, err := out.close()
	if err != nil {
		return err
	}
	w.written += n
	p.values["md5"], p.values["sha1"], p.values["sha256"] = hex.EncodeToString(m.Sum(nil)), hex.EncodeToString(s.Sum(nil)), sum
	p.values["file_size"] = n
	return nil
}
