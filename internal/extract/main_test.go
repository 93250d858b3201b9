package extract

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"os"
	"testing"
	"time"
)

// workerVariable makes the test program the worker of a pool, of the kind that it names.
const workerVariable = "ARCHIVER_EXTRACT_WORKER"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(workerVariable) {
	case "":
		os.Exit(m.Run())
	case "serve":
		err = Serve(os.Stdin, os.Stdout)
	case "hang":
		time.Sleep(time.Hour)
	case "hang later":
		err = gob.NewEncoder(os.Stdout).Encode(reply{Begins: true})
		time.Sleep(time.Hour)
	case "crash":
		panic("of this test")
	case "eat":
		err = eat()
	case "babble":
		_, err = os.Stdout.Write(bytes.Repeat([]byte{0xff}, 1000))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// eat takes more memory than the limit allows.
func eat() error {
	if err := limitMemory(256 << 20); err != nil {
		return err
	}
	if err := gob.NewEncoder(os.Stdout).Encode(reply{Begins: true}); err != nil {
		return err
	}
	var all [][]byte
	for range 64 {
		all = append(all, bytes.Repeat([]byte{1}, 64<<20))
	}
	return fmt.Errorf("%d pieces of 64 MiB were had", len(all))
}
