"""Writes ../testdata/note_events.txt: the notes that the authors' code makes of made-up
posteriors, which note_events_test.go makes alike.

    python3 events.py basic_pitch/note_creation.py ../testdata/note_events.txt

The first argument is that file of github.com/spotify/basic-pitch at commit
fa5997af0a8210982619003269994a1be25eddf3 (Apache-2.0); of it the functions from
get_infered_onsets on are run. Each line is: case, first frame, frame behind the last, MIDI
number, amplitude.
"""
import sys
from typing import List, Optional, Tuple

import numpy as np
import scipy.signal

FRAMES = 600


def posteriors(seed):
    state = seed

    def draw(n):  # 0 to n-1
        nonlocal state
        state = (state * 1664525 + 1013904223) % 2**32
        return (state >> 8) % n

    note, onset = np.zeros((FRAMES, 88), "f4"), np.zeros((FRAMES, 88), "f4")
    for x in (note, onset):
        for t in range(FRAMES):
            for k in range(88):
                x[t, k] = draw(512) / 4096
    for _ in range(120):
        start, length, pitch, level, attack = draw(FRAMES), 4 + draw(60), draw(88), 800 + draw(3000), draw(4096)
        for t in range(start, min(FRAMES, start + length)):
            note[t, pitch] = max(note[t, pitch], np.float32((level + draw(256)) / 4096))
        onset[start, pitch] = max(onset[start, pitch], np.float32(attack / 4096))
    return note, onset


def main():
    source = open(sys.argv[1]).read()
    code = {"np": np, "scipy": scipy, "List": List, "Optional": Optional, "Tuple": Tuple, "MIDI_OFFSET": 21, "MAX_FREQ_IDX": 87}
    exec(source[source.index("def get_infered_onsets") : source.index("def constrain_frequency")], code)
    code["constrain_frequency"] = lambda onsets, frames, *_: (onsets, frames)
    exec(source[source.index("def output_to_notes_polyphonic") :], code)
    with open(sys.argv[2], "w") as out:
        for case, (seed, onset, frame, shortest, infer, rest) in enumerate(
            ((1, 0.5, 0.3, 11, True, True), (2, 0.3, 0.2, 5, True, False), (3, 0.6, 0.4, 11, False, True), (4, 0.5, 0.3, 0, True, True))):
            notes, onsets = posteriors(seed)
            for n in code["output_to_notes_polyphonic"](notes, onsets, onset, frame, shortest, infer, None, None, rest):
                print(case, *n[:3], f"{n[3]:.6f}", file=out)


main()
