package audio

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/audiosep/audiosep/internal/spool"
)

// ffmpegDemuxers are the formats that ffmpeg is asked to read: those of sound and of films, and
// none that names other files, such as lists of songs.
const ffmpegDemuxers = "aac,ac3,adts,aiff,alac,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,m4a,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,ogg,rm,sds,shn,sox,tak,tta,voc,w64,wav,webm,wv,xwma"

// ffmpegMost bounds what ffmpeg is listened to for: hours of work end in an error.
const ffmpegMost = time.Hour

// withFFmpeg has a file that no codec reads decoded by ffmpeg, if that is on the PATH; why says
// what keeps us from it. It is run without a shell, is killed when ctx is done, and its output
// is bounded.
func withFFmpeg(ctx context.Context, in *input, why error, log *slog.Logger) (recording, error) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, why
	}
	protocol, url := "pipe", "pipe:0" // what came through a pipe
	if in.file != nil {
		path, err := filepath.Abs(in.file.Name())
		if err != nil {
			return nil, why
		}
		protocol, url = "file", "file:"+path
	}
	ctx, cancel := context.WithTimeout(ctx, ffmpegMost)
	defer cancel()
	tape := &spool.Tape{Most: mostDecoded}
	cmd := exec.CommandContext(ctx, program, "-v", "error", "-protocol_whitelist", protocol, "-format_whitelist", ffmpegDemuxers,
		"-i", url, "-map", "0:a:0", "-map_metadata", "-1", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1")
	if in.file == nil {
		cmd.Stdin = io.NewSectionReader(in, 0, in.size)
	}
	complaint := &tail{}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = tape, complaint, 5*time.Second
	if err := cmd.Run(); err != nil || ctx.Err() != nil {
		tape.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w; and ffmpeg cannot read it (%v): %s", why, err, complaint)
	}
	l, err := parseWAV(tape, tape.Size())
	if err != nil {
		tape.Close()
		return nil, fmt.Errorf("%w; and ffmpeg makes no WAV of it: %w", why, err)
	}
	l.lossy = true
	log.Warn("ffmpeg decodes this file, since audiosep does not", "file", in.path, "why", why, "program", program) // else why is an error's
	return &decoded{reader: reader{layout: l, file: tape}, tape: tape}, nil
}

// tail keeps the end of what a program says.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 500
	t.b = append(t.b, p...)
	if len(t.b) > most {
		t.b = append(t.b[:0], t.b[len(t.b)-most:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.Join(strings.Fields(string(t.b)), " ") }
