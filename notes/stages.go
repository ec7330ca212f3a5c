// Package notes has the stages that read what is known of who plays what and when: scores and
// labels; that fit a score to a recording; and that write notes down.
package notes

import "github.com/audiosep/audiosep"

// Stages are those of this package.
var Stages = []audiosep.Definition{
	readNotesStage,
	readLabelsStage,
	alignNotesStage,
	writeNotesStage,
}
