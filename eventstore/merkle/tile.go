// Tiles: the nodes of a tree and its entries as static files (C2SP tlog-tiles).

package merkle

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// TileWidth is the number of hashes or entries of a full tile.
	TileWidth = 256

	tileHeight = 8 // 2^8 is TileWidth

	// Entries is the level of the tiles that hold the log's entries in place of hashes.
	Entries = -1

	maxTileLevel = 63
	maxEntry     = 1<<16 - 1 // its length is written in two bytes
)

// Tile names a run of up to 256 consecutive hashes at one level of a tree, or of entries. Hash i of
// tile n at level l is the root of the 256^l leaves from (256n+i)·256^l on.
type Tile struct {
	Level int   // 0 holds leaf hashes; each level above, the roots of full tiles below; or [Entries]
	Index int64 // within the level
	Width int   // 1 to TileWidth; less than TileWidth is a partial tile
}

// Path is where the tile is served, without a leading slash, such as tile/0/x001/234.p/7. It differs
// from the path of package tlog, which puts the height in front of the level.
func (t Tile) Path() string {
	level := "entries"
	if t.Level != Entries {
		level = strconv.Itoa(t.Level)
	}
	name := fmt.Sprintf("%03d", t.Index%1000)
	for n := t.Index / 1000; n > 0; n /= 1000 {
		name = fmt.Sprintf("x%03d/%s", n%1000, name)
	}
	if t.Width != TileWidth {
		name += ".p/" + strconv.Itoa(t.Width)
	}
	return "tile/" + level + "/" + name
}

// ParseTilePath reads such a path. Every tile has one path only; the error wraps [ErrMalformed].
func ParseTilePath(path string) (Tile, error) {
	malformed := fmt.Errorf("tile path %.100q: %w", path, ErrMalformed)
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, found := strings.Cut(rest, "/")
	if !ok || !found {
		return Tile{}, malformed
	}
	t := Tile{Level: Entries, Width: TileWidth}
	rest, width, partial := strings.Cut(rest, ".p/")
	var err1, err2 error
	if level != "entries" {
		t.Level, err1 = strconv.Atoi(level)
	}
	if partial {
		t.Width, err2 = strconv.Atoi(width)
	}
	if err1 != nil || err2 != nil || t.Level > maxTileLevel || t.Width < 1 || t.Width > TileWidth {
		return Tile{}, malformed
	}
	for digits := range strings.SplitSeq(rest, "/") {
		n, err := strconv.Atoi(strings.TrimPrefix(digits, "x"))
		if err != nil || n < 0 || n > 999 || t.Index > MaxSize/1000 {
			return Tile{}, malformed
		}
		t.Index = t.Index*1000 + int64(n)
	}
	if t.Path() != path { // leading zeros, signs, a stray x, a partial tile of full width
		return Tile{}, malformed
	}
	return t, nil
}

// NewTiles are the hash tiles that a tree needs when it grows from one size to another, lower levels first.
func NewTiles(older, newer int64) ([]Tile, error) {
	if err := checkSizes(older, newer); err != nil {
		return nil, fmt.Errorf("tiles: %w", err)
	}
	var tiles []Tile
	for _, t := range tlog.NewTiles(tileHeight, older, newer) {
		tiles = append(tiles, Tile{Level: t.L, Index: t.N, Width: t.W})
	}
	return tiles, nil
}

// In says whether a tree or log of that size has the tile: a full one once it is full, a partial
// one as soon as there are enough hashes or entries.
func (t Tile) In(size int64) bool {
	at := size >> min(tileHeight*max(t.Level, 0), 63)
	return t.Index >= 0 && t.Index <= at/TileWidth && t.Index*TileWidth+int64(t.Width) <= at
}

// Read gives the tile's content: its hashes one after another, 32 bytes each.
func (t Tile) Read(r tlog.HashReader) ([]byte, error) {
	if t.Level < 0 || t.Level > 6 || t.Index < 0 || t.Index > MaxSize || t.Width < 1 || t.Width > TileWidth {
		return nil, fmt.Errorf("%s holds no hashes", t.Path())
	}
	return tlog.ReadTileData(tlog.Tile{H: tileHeight, L: t.Level, N: t.Index, W: t.Width}, r)
}

// AppendEntry adds an entry to a bundle of entries: two bytes of length, then the entry.
func AppendEntry(bundle, entry []byte) ([]byte, error) {
	if len(entry) > maxEntry {
		return nil, fmt.Errorf("an entry of %d bytes is longer than a bundle can hold", len(entry))
	}
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(entry)))
	return append(bundle, entry...), nil
}

// SplitEntries takes a bundle apart. The entries are parts of it; the error wraps [ErrMalformed].
func SplitEntries(bundle []byte) ([][]byte, error) {
	var entries [][]byte
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) || len(entries) == TileWidth {
			return nil, fmt.Errorf("bundle of entries: %w", ErrMalformed)
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		entries = append(entries, bundle[2:end:end])
		bundle = bundle[end:]
	}
	return entries, nil
}
