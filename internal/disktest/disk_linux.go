package disktest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// Disk is a mounted file system.
type Disk struct {
	Dir string // where it is mounted

	t     testing.TB
	image string // the file that holds an ext4
}

// Ext4 gives an empty ext4 of so many MiB in a file, or skips the test.
func Ext4(t testing.TB, mib int) *Disk {
	t.Helper()
	d := newDisk(t)
	d.image = filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, int64(mib)<<20); err != nil {
		t.Fatal(err)
	}
	if err := command("mkfs.ext4", "-q", "-F", d.image); err != nil {
		t.Skipf("no ext4 can be made here: %v", err)
	}
	if err := d.mountImage(); err != nil {
		t.Skipf("no loop device can be mounted here: %v", err)
	}
	return d
}

// Tmpfs gives an empty tmpfs of so many KiB, or skips the test.
func Tmpfs(t testing.TB, kib int) *Disk {
	t.Helper()
	d := newDisk(t)
	if err := command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dk", kib), "tmpfs", d.Dir); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v", err)
	}
	return d
}

func newDisk(t testing.TB) *Disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a disk")
	}
	d := &Disk{Dir: filepath.Join(t.TempDir(), "disk"), t: t}
	if err := os.Mkdir(d.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if mounted(d.Dir) {
			d.unmount()
		}
	})
	return d
}

// mounted tells whether something is mounted at dir: it is on another device than its parent.
func mounted(dir string) bool {
	var here, above syscall.Stat_t
	if syscall.Stat(dir, &here) != nil || syscall.Stat(filepath.Dir(dir), &above) != nil {
		return true // a disk that fails is one
	}
	return here.Dev != above.Dev
}

func (d *Disk) mountImage() error { return command("mount", "-o", "loop", d.image, d.Dir) }

// unmount waits for the last that use the disk.
func (d *Disk) unmount() {
	d.t.Helper()
	var err error
	for range 100 {
		if err = syscall.Unmount(d.Dir, 0); err != syscall.EBUSY {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		d.t.Errorf("unmount %s: %v", d.Dir, err)
		_ = syscall.Unmount(d.Dir, syscall.MNT_DETACH) // the best that can be done
	}
}

const (
	ioctlShutdown = 0x8004587d // EXT4_IOC_SHUTDOWN
	noLogFlush    = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH: what the journal has not on the disk yet is lost
)

// Cut cuts the power of an ext4: nothing reaches it any more. Processes that use it get errors.
func (d *Disk) Cut() {
	d.t.Helper()
	f, err := os.Open(d.Dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	flag := uint32(noLogFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), ioctlShutdown, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		d.t.Skipf("the power of this file system cannot be cut: %v", errno)
	}
}

// Restart mounts an ext4 again after its power was cut. Nobody may use it any more.
func (d *Disk) Restart() {
	d.t.Helper()
	d.unmount()
	if err := d.mountImage(); err != nil {
		d.t.Fatal(err)
	}
}

// Resize makes a tmpfs larger or smaller: so many KiB.
func (d *Disk) Resize(kib int) {
	d.t.Helper()
	if err := command("mount", "-o", fmt.Sprintf("remount,size=%dk", kib), d.Dir); err != nil {
		d.t.Fatal(err)
	}
}

// Used is how many KiB of the disk are taken.
func (d *Disk) Used() int {
	d.t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.Dir, &st); err != nil {
		d.t.Fatal(err)
	}
	return int(int64(st.Blocks-st.Bfree) * st.Bsize >> 10)
}

// Clear removes all that is on the disk.
func (d *Disk) Clear() {
	d.t.Helper()
	entries, err := os.ReadDir(d.Dir)
	for _, e := range entries {
		if e.Name() != "lost+found" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(d.Dir, e.Name())))
		}
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
