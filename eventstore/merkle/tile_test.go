// Tiles: paths as tlog-tiles writes them, contents as a client of package tlog needs them.

package merkle_test

import (
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

func TestTilePaths(t *testing.T) {
	t.Parallel()
	for path, tile := range map[string]merkle.Tile{
		"tile/0/000":                   {Level: 0, Index: 0, Width: 256},
		"tile/0/001.p/112":             {Level: 0, Index: 1, Width: 112},
		"tile/4/x001/x234/067":         {Level: 4, Index: 1234067, Width: 256},
		"tile/63/x001/000.p/1":         {Level: 63, Index: 1000, Width: 1},
		"tile/entries/999":             {Level: merkle.Entries, Index: 999, Width: 256},
		"tile/entries/x012/345.p/255":  {Level: merkle.Entries, Index: 12345, Width: 255},
		"tile/1/x035/x184/x372/088/x1": {},
	} {
		if tile == (merkle.Tile{}) {
			if got, err := merkle.ParseTilePath(path); err == nil {
				t.Errorf("%s is read as %+v", path, got)
			}
			continue
		}
		if got := tile.Path(); got != path {
			t.Errorf("%+v: %s, want %s", tile, got, path)
		}
		if got, err := merkle.ParseTilePath(path); err != nil || got != tile {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
}

// The example of the specification: a tree of 70,000 leaves.
func TestNewTilesOfTheSpecificationsExample(t *testing.T) {
	t.Parallel()
	counts := map[merkle.Tile]int{}
	for _, tile := range must[[]merkle.Tile](t)(merkle.NewTiles(0, 70_000)) {
		if !tile.In(70_000) {
			t.Errorf("%s is said not to be there", tile.Path())
		}
		tile.Index = 0
		counts[tile]++
	}
	want := map[merkle.Tile]int{
		{Level: 0, Width: 256}: 273, {Level: 0, Width: 112}: 1,
		{Level: 1, Width: 256}: 1, {Level: 1, Width: 17}: 1, {Level: 2, Width: 1}: 1,
	}
	for tile, n := range want {
		if counts[tile] != n {
			t.Errorf("%d tiles like %+v, want %d", counts[tile], tile, n)
		}
	}
	if len(counts) != len(want) {
		t.Errorf("tiles %v, want %v", counts, want)
	}
}

func TestTileIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tile merkle.Tile
		size int64
		want bool
	}{
		{merkle.Tile{Width: 1}, 0, false},
		{merkle.Tile{Width: 1}, 1, true},
		{merkle.Tile{Width: 256}, 255, false},
		{merkle.Tile{Width: 256}, 256, true},
		{merkle.Tile{Level: 1, Width: 1}, 255, false},
		{merkle.Tile{Level: 1, Width: 1}, 256, true},
		{merkle.Tile{Level: merkle.Entries, Index: 1, Width: 4}, 259, false},
		{merkle.Tile{Level: merkle.Entries, Index: 1, Width: 4}, 260, true},
		{merkle.Tile{Level: 63, Width: 1}, merkle.MaxSize, false},
		{merkle.Tile{Index: merkle.MaxSize, Width: 256}, merkle.MaxSize, false},
		{merkle.Tile{Index: -1, Width: 1}, 5, false},
	} {
		if got := c.tile.In(c.size); got != c.want {
			t.Errorf("%+v in a tree of %d: %v", c.tile, c.size, got)
		}
	}
}

// published serves the tiles of a tree by path, as a log's web server would.
type published struct {
	t     *rapid.T
	files map[string][]byte
}

func (p published) Height() int { return 8 }

func (p published) ReadTiles(tiles []tlog.Tile) (data [][]byte, _ error) {
	for _, tile := range tiles {
		path := merkle.Tile{Level: tile.L, Index: tile.N, Width: tile.W}.Path()
		if p.files[path] == nil {
			p.t.Fatalf("the client needs %s, which was not published", path)
		}
		data = append(data, p.files[path])
	}
	return data, nil
}

func (p published) SaveTiles([]tlog.Tile, [][]byte) {}

// A client that knows only the published files gets the same proofs as the tree itself.
func TestTilesServeAnExistingClient(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tree := new(merkle.Tree)
		files := map[string][]byte{}
		var size int64
		for range rapid.IntRange(1, 4).Draw(t, "checkpoints") {
			older := size
			for range rapid.IntRange(1, 700).Draw(t, "more") {
				tree.Append(merkle.LeafHash([]byte{byte(size), byte(size >> 8)}))
				size++
			}
			tiles, err := merkle.NewTiles(older, size)
			if err != nil {
				t.Fatal(err)
			}
			for _, tile := range tiles {
				if files[tile.Path()], err = tile.Read(tree); err != nil {
					t.Fatal(err)
				}
			}
		}
		client := tlog.TileHashReader(tlog.Tree{N: size, Hash: tree.Root()}, published{t, files})
		index := rapid.Int64Range(0, size-1).Draw(t, "index")
		fromTiles, err := merkle.ProveInclusion(client, index, size)
		fromTree, _ := merkle.ProveInclusion(tree, index, size)
		if err != nil || !slices.Equal(fromTiles, fromTree) {
			t.Fatalf("leaf %d of %d: %v", index, size, err)
		}
	})
}

func TestReadRefusesWhatHoldsNoHashes(t *testing.T) {
	t.Parallel()
	tree, _ := grow(300)
	for _, tile := range []merkle.Tile{
		{Level: merkle.Entries, Width: 1},
		{Level: 7, Width: 1},
		{Index: -1, Width: 1},
		{Width: 0},
		{Width: 257},
		{Index: 1, Width: 45},
		{Index: merkle.MaxSize, Width: 1},
	} {
		if data, err := tile.Read(tree); err == nil {
			t.Errorf("%+v has %d bytes", tile, len(data))
		}
	}
}
