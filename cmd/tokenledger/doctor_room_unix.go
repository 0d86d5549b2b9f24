//go:build linux || darwin

// Room on a file system.

package main

import "syscall"

// roomAt gives what this user may still write to the file system of a path, and its size.
func roomAt(path string) (free, total uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), nil
}
