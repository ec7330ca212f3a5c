// Package notes has the stages that read what is known of who plays what and when: scores and
// labels; and that fit a score to a recording.
package notes

import "github.com/audiosep/audiosep"

// Stages are those of this package.
var Stages = []audiosep.Definition{
	readNotesStage,
	readLabelsStage,
	alignNotesStage,
}
