#!/bin/sh
# Makes the WAV files of this folder. Each has 12 samples a channel; see README.md.
set -e
cd "$(dirname "$0")"
s="synth 12s sine 900 sine 500 remix 1 2 gain -3"
m="synth 12s sine 900 gain -3"
sox="sox -D -R -r 8000 -n"
ff="ffmpeg -v error -y -bitexact -f s16le -ar 8000 -ac"

$sox -b 8 sox-u8.wav $m trim 0 11s                        # odd: a pad byte follows
$sox -b 16 sox-s16-stereo.wav $s
$sox -b 24 sox-s24.wav $m trim 0 11s                      # odd, extensible
$sox -b 32 sox-s32-stereo.wav $s                          # extensible
$sox -e float -b 32 sox-f32.wav $m
$sox -e float -b 64 sox-f64-stereo.wav $s
$sox -B -b 24 sox-rifx.wav $s                              # RIFX
$sox -e a-law sox-alaw.wav $m
$sox -e mu-law sox-ulaw.wav $m
$sox -b 16 -t wav - $m | cat > sox-piped.wav              # size 0x7FFFF000
$sox -b 24 -t wav - $s | cat > sox-piped-s24-stereo.wav

sox -D -R -r 8000 -n -b 16 -c 6 -t raw -e signed - synth 12s sine 100 sine 200 sine 300 sine 400 sine 500 sine 600 > six.raw
$ff 6 -i six.raw -c:a pcm_s16le ffmpeg-s16-six.wav        # extensible, LIST chunk
$ff 6 -i six.raw -c:a pcm_f32le ffmpeg-f32-six.wav
$ff 2 -i six.raw -c:a pcm_s24le ffmpeg-s24-stereo.wav
$ff 1 -i six.raw -c:a pcm_f64le ffmpeg-f64.wav
$ff 1 -i six.raw -c:a pcm_s16le -rf64 always ffmpeg-rf64.wav
$ff 1 -i six.raw -c:a pcm_s16le -f wav - | cat > ffmpeg-piped.wav   # size 0xFFFFFFFF
$ff 1 -i six.raw -c:a adpcm_ms ffmpeg-adpcm.wav
$ff 1 -i six.raw -c:a pcm_s16le -f w64 ffmpeg-w64.wav
rm six.raw

# 1067 samples in other formats; Opus makes 48 kHz of them.
sox -D -R -n -r 32000 -b 24 -c 2 short.wav synth 1600s sine 300-900 sine 500 gain -6
flac --totally-silent -f -8 short.wav -o flac.flac
sox -D short.wav -b 16 sox.aiff
ffmpeg -v error -y -bitexact -i short.wav -c:a pcm_f32be -f aiff ffmpeg-float.aifc
oggenc -Q -s 1 -q 0 short.wav -o oggenc.ogg
lame --silent -m s -b 128 --resample 32 short.wav lame.mp3
for kind in "celt 96" "silk 20" "hybrid 44"; do
	set -- $kind
	opusenc --quiet --serial 1 --bitrate $2 $([ $1 = celt ] || echo --speech) short.wav opusenc-$1.opus
	opusdec --quiet --rate 48000 --float opusenc-$1.opus - > opusenc-$1.opus.f32
done
# The same of 5.1: streams have the channels in another order than files, and Vorbis has a floor
# without partitions for the low frequencies.
sox -D -R -n -r 32000 -b 24 -c 6 six.wav synth 600s sine 300-900 sine 500 sine 700 sine 60 sine 1100 sine 1500 gain -6
oggenc -Q -s 1 -q 0 six.wav -o oggenc-six.ogg
opusenc --quiet --serial 1 --bitrate 192 six.wav opusenc-six.opus
opusdec --quiet --rate 48000 --float opusenc-six.opus six.wav
ffmpeg -v error -y -i six.wav -f f32le -c:a pcm_f32le opusenc-six.opus.f32
rm short.wav six.wav
ffmpeg -v error -y -i oggenc-six.ogg -af atrim=end_sample=400 -f f32le -c:a pcm_f32le oggenc-six.ogg.f32
for f in flac.flac sox.aiff ffmpeg-float.aifc oggenc.ogg lame.mp3; do
	# ffmpeg 5 does not cut the end off a Vorbis file of one page.
	ffmpeg -v error -y -i $f -af atrim=end_sample=1067 -f f32le -c:a pcm_f32le $f.f32
done

for f in sox-u8 sox-s16-stereo sox-s24 sox-s32-stereo sox-piped sox-piped-s24-stereo \
	ffmpeg-s16-six ffmpeg-s24-stereo ffmpeg-rf64 ffmpeg-piped sox-f32 sox-f64-stereo ffmpeg-f32-six ffmpeg-f64 \
	sox-alaw sox-ulaw sox-rifx ffmpeg-w64; do
	# Doubles hold every encoding; sox and ffmpeg scale integers by 2^(bits-1), too.
	ffmpeg -v error -y -i $f.wav -f f64le -c:a pcm_f64le $f.f64
done
