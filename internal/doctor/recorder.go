package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-json-experiment/json"
)

// answersName is the file that says what each answer answers.
const answersName = "answers.ndjson"

// Recorder keeps the answers of a server that are JSON, secrets blanked, as METHOD.json, METHOD-2.json and so on in a
// directory, and in the file answers.ndjson, in their order, what was asked. Files are for their owner's eyes only:
// they hold what people wrote. A nil Recorder keeps nothing.
type Recorder struct {
	dir string

	mu         sync.Mutex
	times      map[string]int    // a method was answered
	verb       string            // of HTTP, of what was asked last
	method     string            // asked last
	parameters map[string]string // with which it was asked
	log        *os.File
	err        error // the first one
}

// recorded is a line of answers.ndjson.
type recorded struct {
	File       string            `json:"file"`
	Verb       string            `json:"verb"` // of HTTP
	Method     string            `json:"method"`
	Parameters map[string]string `json:"parameters"` // null where the client chose them
	Status     int               `json:"status"`     // of HTTP
}

// NewRecorder begins to keep answers in dir, which must be absent or empty.
func NewRecorder(dir string) (*Recorder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	switch names, err := os.ReadDir(dir); {
	case err != nil:
		return nil, err
	case len(names) > 0:
		return nil, fmt.Errorf("%s is not empty: %w", dir, fs.ErrExist)
	}
	log, err := create(filepath.Join(dir, answersName))
	if err != nil {
		return nil, err
	}
	return &Recorder{dir: dir, times: map[string]int{}, log: log}, nil
}

func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// begin notes what is asked next.
func (r *Recorder) begin(verb, method string, parameters map[string]string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verb, r.method, r.parameters = verb, method, parameters
}

// capture keeps an answer. It is what [teamchat.Options] call Capture.
func (r *Recorder) capture(method string, status int, body []byte) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	line := recorded{Verb: "POST", Method: method, Status: status}
	if method == r.method {
		line.Verb, line.Parameters, r.method = r.verb, r.parameters, ""
	}
	r.times[method]++
	line.File = method + ".json"
	if n := r.times[method]; n > 1 {
		line.File = fmt.Sprintf("%s-%d.json", method, n)
	}
	if err := r.keep(line, body); err != nil && r.err == nil {
		r.err = err
	}
}

func (r *Recorder) keep(line recorded, body []byte) error {
	f, err := create(filepath.Join(r.dir, line.File))
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	text, err := json.Marshal(line, json.Deterministic(true), json.FormatNilMapAsNull(true))
	if err != nil {
		return err
	}
	_, err = r.log.Write(append(text, '\n'))
	return err
}

// Close ends the recording and gives the first error of keeping an answer.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.err, r.log.Close())
}
