// Package disktest gives tests small disks of their own: one whose power can be cut, one that gets full. It needs Linux
// and root; elsewhere it skips the test and says why. What it mounts is unmounted with the test.
package disktest
