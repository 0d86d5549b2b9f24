// What the doctor and login judge by a text or a number alone.

package main

import (
	"testing"
	"time"
)

func TestTokensTravelInClearOnlyWithinTheMachine(t *testing.T) {
	t.Parallel()
	for server, clear := range map[string]bool{
		"https://ledger.example.com": false, "http://ledger.example.com": true, "http://192.0.2.1:8080": true,
		"http://127.0.0.1:8080": false, "http://[::1]:8080": false, "http://localhost:8080": false, "http://localhost.example.com": true,
	} {
		if got := inClear(server); got != clear {
			t.Errorf("%s: in clear: %v", server, got)
		}
	}
}

func TestAContextIsNamedAfterItsServer(t *testing.T) {
	t.Parallel()
	for server, want := range map[string]string{
		"https://ledger.example.com": "ledger.example.com", "http://127.0.0.1:8080": "127.0.0.1-8080", "http://[2001:db8::1]:80": "2001-db8--1-80",
		"http://[::1]:80": "default", "https://": "default",
	} {
		if got := nameOf(server); got != want {
			t.Errorf("%s is named %s, want %s", server, got, want)
		}
	}
}

func TestClocksAreJudgedByHowFarTheyAreOff(t *testing.T) {
	t.Parallel()
	for off, want := range map[time.Duration]string{
		0: levelOK, -time.Second: levelOK, 3 * time.Second: levelWarn, -4900 * time.Millisecond: levelWarn, 5 * time.Second: levelFail, -time.Hour: levelFail,
	} {
		var d doctor
		if d.skew("clock", off); d.found[0].level != want {
			t.Errorf("%v: %+v, want %s", off, d.found, want)
		}
	}
}

func TestAmountsOfRoom(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{"1KiB": 1 << 10, "500MiB": 500 << 20, "20GiB": 20 << 30, "2TiB": 2 << 40} {
		if got, err := bytesOf("--min-free", text); got != want || err != nil {
			t.Errorf("%s is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "GiB", "1GB", "-1GiB", "1GiB more"} {
		if _, err := bytesOf("--min-free", text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
