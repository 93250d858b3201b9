package storage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"archiver/internal/crash"
	"archiver/internal/merkle"
	"archiver/internal/record"
)

// Environment variables that make the test binary a worker, which is killed at work.
const (
	workerEnv = "ARCHIVER_STORAGE_WORKER" // the archive's directory
	pagesEnv  = "ARCHIVER_STORAGE_PAGES"  // how many pages it is to have
	crashEnv  = "ARCHIVER_STORAGE_CRASH"  // the crash point at which the worker is killed, from 1
	logEnv    = "ARCHIVER_STORAGE_LOG"    // a file for the names of the crash points
	repairEnv = "ARCHIVER_STORAGE_REPAIR" // when set, the worker only repairs
	stepsEnv  = "ARCHIVER_STORAGE_STEPS"  // when set, the worker only migrates, by so many made-up steps
	noSyncEnv = "ARCHIVER_STORAGE_NOSYNC" // when set, the database is not synced: a control
)

// endless is more pages than any worker puts.
const endless = 1 << 30

// worker makes an archive and puts pages, each with a file, into one channel; now and then it signs a checkpoint and
// compacts. It goes on with what it finds. What is durable is acknowledged.
type worker struct {
	dir    string
	pages  int
	noSync bool
	loose  bool // never compacts
	ack    func(kind, what string)
	a      *Archive
	key    *merkle.Key
}

const (
	workerPage  = 190 // messages of a page
	signEvery   = 3
	packEvery   = 5
	ackPage     = "page"
	ackBlob     = "blob"
	ackKey      = "key"
	ackSigned   = "checkpoint"
	ackCompact  = "compact"
	workerNamed = "c"
)

// runWorker is what the test binary does as a worker.
func runWorker(dir string) error {
	pages, err := strconv.Atoi(os.Getenv(pagesEnv))
	if err != nil {
		return err
	}
	if at, err := strconv.Atoi(os.Getenv(crashEnv)); err == nil {
		crash.Set(crash.Killer(at, os.Getenv(logEnv)))
	}
	if os.Getenv(repairEnv) != "" {
		return repairOnce(context.Background(), dir)
	}
	if n, err := strconv.Atoi(os.Getenv(stepsEnv)); err == nil {
		_, err := migrateBySteps(dir, n)
		return err
	}
	w := &worker{dir: dir, pages: pages, noSync: os.Getenv(noSyncEnv) != "", ack: func(kind, what string) { fmt.Println(kind, what) }}
	return w.work(context.Background())
}

func repairOnce(ctx context.Context, dir string) error {
	a, err := Open(ctx, dir, testOptions())
	if err != nil {
		return err
	}
	done, err := a.Repair(ctx, RepairOptions{})
	if err == nil && len(done.Left) > 0 {
		err = fmt.Errorf("left: %+v", done.Left)
	}
	return errors.Join(err, a.Close())
}

func (w *worker) work(ctx context.Context) (err error) {
	if err := w.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.a.Close()) }()
	next, err := w.first(ctx)
	for n := next; err == nil && n < w.pages; n++ {
		err = w.page(ctx, n)
	}
	return err
}

func (w *worker) open(ctx context.Context) (err error) {
	if Vacant(w.dir) {
		w.a, err = Create(ctx, w.dir, testOptions())
	} else {
		w.a, err = Open(ctx, w.dir, testOptions())
	}
	if err != nil {
		return err
	}
	w.a.db.NoSync = w.noSync
	if err := w.giveKey(ctx); err != nil {
		return errors.Join(err, w.a.Close())
	}
	return nil
}

func (w *worker) giveKey(ctx context.Context) (err error) {
	w.key, err = merkle.LoadKey(w.dir + ".key")
	if errors.Is(err, merkle.ErrNoKey) {
		w.key, err = merkle.CreateKey(w.dir+".key", merkle.Origin(w.a.ID()))
	}
	if err != nil {
		return err
	}
	if err := w.a.SetPublicKey(ctx, w.key.Public()); err != nil {
		return err
	}
	w.ack(ackKey, w.key.Public())
	return nil
}

// first is the page to begin with: one that is there already, which must not be doubled.
func (w *worker) first(ctx context.Context) (int, error) {
	count := 0
	for _, err := range w.a.Messages(ctx, workerNamed, Range{}) {
		if err != nil {
			return 0, err
		}
		count++
	}
	return max(count/workerPage-1, 0), nil
}

// page does what comes with a page.
func (w *worker) page(ctx context.Context, n int) error {
	sum, size, err := w.a.Blobs().Put(ctx, bytes.NewReader(workerFile(n)), 0)
	if err != nil {
		return err
	}
	w.ack(ackBlob, sum)
	p := workerMessages(n)
	p.Files = []record.FileState{{ID: fmt.Sprint("f", n), Name: "f.bin", State: record.FileStored, SHA256: sum, Bytes: size}}
	if err := w.a.Put(ctx, p); err != nil {
		return err
	}
	if err := w.a.Flush(ctx); err != nil {
		return err
	}
	w.ack(ackPage, fmt.Sprint(n))
	if n%signEvery == signEvery-1 {
		if err := w.sign(ctx); err != nil {
			return err
		}
	}
	if !w.loose && n%packEvery == packEvery-1 {
		return w.compact(ctx)
	}
	return nil
}

func (w *worker) sign(ctx context.Context) error {
	signed, err := w.a.Sign(ctx, w.key)
	if err == nil {
		w.ack(ackSigned, base64.StdEncoding.EncodeToString(signed))
	}
	return err
}

func (w *worker) compact(ctx context.Context) error {
	if err := w.a.Close(); err != nil {
		return err
	}
	if _, err := Compact(ctx, w.dir, testOptions(), nil); err != nil {
		return err
	}
	w.ack(ackCompact, "")
	return w.open(ctx)
}

// workerMessages are the messages of the n-th page.
func workerMessages(n int) *Page {
	return &Page{Observed: testTime, Channel: workerNamed, Messages: messages(n*workerPage, (n+1)*workerPage)}
}

// workerFile is the n-th file: some KB that cannot be compressed.
func workerFile(n int) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 77))
	data := make([]byte, 500+random.IntN(6000))
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}

// acknowledged is what a worker said to be durable.
type acknowledged struct {
	any    bool
	pages  int // how many
	blobs  []string
	key    string
	signed []byte // the newest checkpoint
}

func (k *acknowledged) add(kind, what string) {
	k.any = true
	switch kind {
	case ackPage:
		if n, err := strconv.Atoi(what); err == nil {
			k.pages = n + 1
		}
	case ackBlob:
		k.blobs = append(k.blobs, what)
	case ackKey:
		k.key = what
	case ackSigned:
		k.signed, _ = base64.StdEncoding.DecodeString(what)
	}
}

// startWorker starts a worker with settings of the environment.
func startWorker(t *testing.T, dir string, pages int, settings ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(append(os.Environ(), workerEnv+"="+dir, pagesEnv+"="+strconv.Itoa(pages)), settings...)
	return cmd
}

// follow runs a worker to its end and notes what it acknowledges. started, when set, is called once it runs.
func (k *acknowledged) follow(t *testing.T, cmd *exec.Cmd, started func()) (complaints string, err error) {
	t.Helper()
	var text strings.Builder
	cmd.Stderr = &text
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if started != nil {
		started()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		kind, what, whole := strings.Cut(lines.Text(), " ")
		if whole {
			k.add(kind, what)
		}
	}
	err = cmd.Wait()
	return text.String(), err
}

// check tells what is wrong with an archive on which a worker was at work: it cannot be opened, is damaged, or lacks or
// doubles something.
func (k *acknowledged) check(ctx context.Context, dir string) error {
	a, err := Open(ctx, dir, Options{ReadOnly: true})
	if errors.Is(err, ErrNoArchive) && !k.any {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(k.checkContent(ctx, a), a.Close())
}

func (k *acknowledged) checkContent(ctx context.Context, a *Archive) error {
	pages, err := workerPages(ctx, a)
	if err != nil {
		return err
	}
	if pages < k.pages {
		return fmt.Errorf("page %d was acknowledged, %d are there", k.pages-1, pages)
	}
	for _, sum := range k.blobs {
		if _, _, err := a.Blobs().Verify(ctx, sum); err != nil {
			return fmt.Errorf("it was acknowledged: %w", err)
		}
	}
	public, err := a.PublicKey(ctx)
	if err == nil && k.key != "" && public != k.key {
		err = fmt.Errorf("public key %q, %q was acknowledged", public, k.key)
	}
	if err != nil {
		return err
	}
	if key, err := merkle.LoadKey(a.Dir() + ".key"); public != "" && (err != nil || key.Public() != public) {
		return fmt.Errorf("the key is not %s: %w", public, err)
	}
	return k.verify(ctx, a, public)
}

// verify checks the whole archive, against the newest checkpoint that was acknowledged.
func (k *acknowledged) verify(ctx context.Context, a *Archive, public string) error {
	o := VerifyOptions{Data: true}
	if k.signed != nil {
		c, err := merkle.ParseCheckpoint(k.signed, public)
		if err != nil {
			return err
		}
		o.Since = &c
	}
	report, err := a.Verify(ctx, o)
	if err == nil && len(report.Damage) > 0 {
		err = fmt.Errorf("verify: %+v", report.Damage)
	}
	return err
}

// workerPages checks that whole pages are there, each message once, and counts them.
func workerPages(ctx context.Context, a *Archive) (int, error) {
	count := 0
	for m, err := range a.Messages(ctx, workerNamed, Range{}) {
		if err != nil {
			return 0, err
		}
		if m.TS != ts(count) || len(m.Versions) != 1 || len(m.Annotations) != 0 {
			return 0, fmt.Errorf("message %d is %+v", count, m)
		}
		count++
	}
	if count%workerPage != 0 {
		return 0, fmt.Errorf("%d messages are no whole pages", count)
	}
	return count / workerPage, nil
}
