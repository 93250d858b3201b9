package teamchat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// shape is what the member that was asked for must be.
type shape uint8

const (
	anything shape = iota
	list           // an array, a single object, or null for an empty one
	object         // an object, or an array that begins with one
	scalar         // a string, number or boolean
)

// envelope is what every answer is made of. Its slices alias the body.
type envelope struct {
	body          []byte // from the first brace on
	object        []byte // the answer without what surrounds it
	saysOK, ok    bool
	code, details string
	broken        bool // error is neither text nor number
	found         bool // the member asked for is there
	value         jsontext.Value
	items         []jsontext.Value // of that member: elements, or the object itself
	paging        Paging
}

// refused tells whether the answer says that it is no success.
func (e *envelope) refused() bool {
	if e.saysOK {
		return !e.ok
	}
	return e.broken || e.code != ""
}

// misses says why an answer that is a success does not hold what was asked for.
func (e *envelope) misses(r *request) error {
	if r.shape == anything {
		return nil
	}
	if !e.found {
		return fmt.Errorf("answer has no %s", r.payload[0])
	}
	kind := e.value.Kind()
	var fits bool
	switch r.shape {
	case list:
		fits = kind == '[' || kind == '{' || kind == 'n'
	case object:
		fits = len(e.items) > 0 && e.items[0].Kind() == '{'
	case scalar:
		fits = kind != '[' && kind != '{' && kind != 'n'
	}
	if !fits {
		return fmt.Errorf("answer has a %s of the wrong type", r.payload[0])
	}
	return nil
}

// trimStart cuts a byte order mark and white space.
func trimStart(body []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")
}

// parseEnvelope reads the JSON object at the beginning of body and ignores what follows it. Of the members called by
// one of the names in payload the last one counts.
func parseEnvelope(body []byte, payload []string) (envelope, error) {
	body = trimStart(body)
	if len(body) == 0 || body[0] != '{' {
		return envelope{}, errors.New("no JSON object")
	}
	e := envelope{body: body}
	dec := jsontext.NewDecoder(bytes.NewBuffer(body), lenient.Options)
	if _, err := dec.ReadToken(); err != nil {
		return e, err
	}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return e, noEOF(err)
		}
		if err := e.member(dec, token.String(), payload); err != nil {
			return e, noEOF(err)
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return e, noEOF(err)
	}
	e.object = body[:dec.InputOffset():dec.InputOffset()]
	return e, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (e *envelope) member(dec *jsontext.Decoder, name string, payload []string) error {
	if slices.Contains(payload, name) {
		e.found = true
		return e.read(dec)
	}
	switch name {
	case "ok":
		e.saysOK = dec.PeekKind() != 'n'
		return (*lenient.Bool)(&e.ok).UnmarshalJSONFrom(dec)
	case "error":
		return e.readCode(dec)
	case "error_details":
		return (*lenient.String)(&e.details).UnmarshalJSONFrom(dec)
	case "paging":
		return e.readPaging(dec)
	}
	return dec.SkipValue()
}

// readCode reads the member error; none of "", 0, false and null is one.
func (e *envelope) readCode(dec *jsontext.Decoder) error {
	kind := dec.PeekKind()
	e.broken = kind == '{' || kind == '['
	if err := (*lenient.String)(&e.code).UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	if e.code == "0" || e.code == "false" {
		e.code = ""
	}
	return nil
}

// read reads the member that was asked for; its elements become items.
func (e *envelope) read(dec *jsontext.Decoder) error {
	e.items = e.items[:0]
	if dec.PeekKind() != '[' {
		value, err := e.next(dec)
		e.value = value
		if value.Kind() == '{' && !isEmptyObject(value) {
			e.items = append(e.items, value)
		}
		return err
	}
	e.value = jsontext.Value(`[]`)
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		value, err := e.next(dec)
		if err != nil {
			return err
		}
		if value.Kind() != 'n' {
			e.items = append(e.items, value)
		}
	}
	_, err := dec.ReadToken()
	return err
}

// next reads a value and gives its place in the body, which outlives the decoder.
func (e *envelope) next(dec *jsontext.Decoder) (jsontext.Value, error) {
	value, err := dec.ReadValue()
	end := int(dec.InputOffset())
	return e.body[end-len(value) : end : end], err
}

// isEmptyObject tells {}, which some servers write for an empty array.
func isEmptyObject(value []byte) bool { return len(bytes.Trim(value, "{} \t\r\n")) == 0 }

func (e *envelope) readPaging(dec *jsontext.Decoder) error {
	var paging maybe[struct {
		Count lenient.Int `json:"count"`
		Total lenient.Int `json:"total"`
		Page  lenient.Int `json:"page"`
		Pages lenient.Int `json:"pages"`
	}]
	if err := paging.UnmarshalJSONFrom(dec); err != nil || paging.value == nil {
		return err
	}
	v := paging.value
	e.paging = Paging{int64(v.Count), int64(v.Total), int64(v.Page), int64(v.Pages), true}
	return nil
}

// text is the member asked for as a scalar.
func (e *envelope) text() string {
	var s lenient.String
	if err := lenient.Unmarshal(e.value, &s); err != nil {
		return ""
	}
	return string(s)
}

// maybe is a T where the server sends an object, and nothing for any other value.
type maybe[T any] struct{ value *T }

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (m *maybe[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	m.value = nil
	if dec.PeekKind() != '{' {
		return dec.SkipValue()
	}
	m.value = new(T)
	return json.UnmarshalDecode(dec, m.value)
}

// parseMessage understands of an item what the client needs. Of what is no object only Raw is set.
func parseMessage(raw []byte) Message {
	var w struct {
		TS      lenient.String `json:"ts"`
		Count   lenient.String `json:"comments_count"`
		Message maybe[struct {
			TS lenient.String `json:"ts"`
		}] `json:"message"`
		File lenient.Raw `json:"file"`
	}
	m := Message{CommentsCount: -1, Raw: raw}
	if jsontext.Value(raw).Kind() != '{' || lenient.Unmarshal(raw, &w) != nil {
		return m
	}
	m.TS, m.CommentsCount, m.File = string(w.TS), number(w.Count), parseFile(w.File)
	if w.Message.value != nil {
		m.Parent = string(w.Message.value.TS)
	}
	return m
}

// number reads a count, -1 if there is none.
func number(s lenient.String) int64 {
	text := strings.TrimSpace(string(s))
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return -1
	}
	return max(lenient.ParseInt(text), -1)
}

// parseFile gives nil for anything but an object.
func parseFile(raw []byte) *File {
	var members map[string]lenient.String
	if jsontext.Value(raw).Kind() != '{' || lenient.Unmarshal(raw, &members) != nil {
		return nil
	}
	first := func(names ...string) string {
		for _, name := range names {
			if v := members[name]; v != "" {
				return string(v)
			}
		}
		return ""
	}
	f := &File{
		ID:       first("id"),
		Name:     first("name", "title"),
		Size:     number(members["size"]),
		Modified: first("modified"),
		Created:  first("created", "timestamp"),
		Ticket:   first("ticket"),
		Raw:      raw,
	}
	if f.Ticket == "" {
		f.Ticket = ticketOf(members)
	}
	return f
}

// ticketOf looks for a ticket in the members url_*, in the order of their names.
func ticketOf(members map[string]lenient.String) string {
	names := make([]string, 0, len(members))
	for name := range members {
		if strings.HasPrefix(name, "url_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if ticket := ticketIn(string(members[name])); ticket != "" {
			return ticket
		}
	}
	return ""
}

func ticketIn(address string) string {
	_, query, _ := strings.Cut(address, "?")
	query, _, _ = strings.Cut(query, "#")
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if value, found := strings.CutPrefix(pair, "ticket="); found {
			if plain, err := url.PathUnescape(value); err == nil { // a plus sign is no space in base64
				return plain
			}
			return value
		}
	}
	return ""
}

type wireChannel struct {
	ID          lenient.String  `json:"id"`
	Name        lenient.String  `json:"name"`
	Latest      lenient.Int     `json:"latest"`
	Members     lenient.Raw     `json:"members"`
	NumMembers  *lenient.String `json:"num_members"`
	Warning     lenient.String  `json:"warning"`
	Permissions maybe[struct {
		Read *lenient.Bool `json:"items_read"`
	}] `json:"permissions"`
}

func parseChannel(raw []byte) Channel {
	c := Channel{NumMembers: -1, Readable: true, Raw: raw}
	var w wireChannel
	if jsontext.Value(raw).Kind() != '{' || lenient.Unmarshal(raw, &w) != nil {
		return c
	}
	c.ID, c.Name, c.Latest, c.Members = string(w.ID), string(w.Name), int64(w.Latest), parseMembers(w.Members)
	if w.NumMembers != nil {
		c.NumMembers = number(*w.NumMembers)
	}
	c.Truncated = strings.Contains(string(w.Warning), "truncated") || c.NumMembers > int64(len(c.Members))
	if p := w.Permissions.value; p != nil && p.Read != nil {
		c.Readable = bool(*p.Read)
	}
	return c
}

// parseMembers reads user ids, which come as strings or as objects.
func parseMembers(raw []byte) []string {
	var elements lenient.List
	if len(raw) == 0 || lenient.Unmarshal(raw, &elements) != nil {
		return nil
	}
	var ids []string
	for _, element := range elements {
		if id := userID(element); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// userID is the id of a user that is given as a string or as an object.
func userID(raw []byte) string {
	if jsontext.Value(raw).Kind() == '"' {
		var s lenient.String
		_ = lenient.Unmarshal(raw, &s) // a string literal that was read before
		return string(s)
	}
	var w maybe[struct {
		ID     lenient.String `json:"id"`
		UserID lenient.String `json:"user_id"`
		Email  lenient.String `json:"email"`
		Name   lenient.String `json:"name"`
	}]
	if lenient.Unmarshal(raw, &w) != nil || w.value == nil {
		return ""
	}
	for _, id := range []lenient.String{w.value.ID, w.value.UserID, w.value.Email, w.value.Name} {
		if id != "" {
			return string(id)
		}
	}
	return ""
}
