// The container of sealed values: what goes in comes out, and nothing else does.

package eventstore

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/tokenledger/tokenledger/events"
)

func FuzzSplitBoxes(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(joinBoxes([]box{{"user-1", []byte("box")}, {"organization-2", nil}}))
	f.Add([]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Add([]byte{2, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		boxes, err := splitBoxes(b)
		if err != nil {
			return
		}
		again, err := splitBoxes(joinBoxes(boxes))
		if err != nil || len(again) != len(boxes) {
			t.Fatalf("%q: %d boxes, then %d, %v", b, len(boxes), len(again), err)
		}
		for i := range boxes {
			if boxes[i].subject != again[i].subject || !bytes.Equal(boxes[i].bytes, again[i].bytes) {
				t.Fatalf("%q: %v, then %v", b, boxes[i], again[i])
			}
		}
	})
}

func TestBoxesHaveOneForm(t *testing.T) {
	t.Parallel()
	boxes := []box{{"a", []byte{0xff}}, {events.SubjectID(bytes.Repeat([]byte("b"), 200)), bytes.Repeat([]byte{7}, 300)}}
	joined := joinBoxes(boxes)
	want := append([]byte("\x01\x01a\x01\xff\xc8\x01"), boxes[1].subject...)
	want = append(append(want, 0xac, 0x02), boxes[1].bytes...)
	if !bytes.Equal(joined, want) {
		t.Fatalf("%x, want %x", joined, want)
	}
	if got, err := splitBoxes(joined); err != nil || !reflect.DeepEqual(got, boxes) {
		t.Fatal(got, err)
	}
	for i := 1; i < len(joined); i++ {
		if got, err := splitBoxes(joined[:i]); err == nil && len(got) == 2 {
			t.Fatalf("%d bytes of %d give all boxes", i, len(joined))
		}
	}
}
