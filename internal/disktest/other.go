//go:build !linux

package disktest

import "testing"

// Disk is a mounted file system.
type Disk struct{ Dir string }

// Ext4 skips the test.
func Ext4(t testing.TB, _ int) *Disk { t.Skip("power cuts need Linux"); return nil }

// Tmpfs skips the test.
func Tmpfs(t testing.TB, _ int) *Disk { t.Skip("small disks need Linux"); return nil }

// Cut cuts the power.
func (d *Disk) Cut() {}

// Restart turns the power on again.
func (d *Disk) Restart() {}

// Resize makes a tmpfs larger or smaller.
func (d *Disk) Resize(int) {}

// Used is how many KiB of the disk are taken.
func (d *Disk) Used() int { return 0 }

// Clear removes all that is on the disk.
func (d *Disk) Clear() {}
