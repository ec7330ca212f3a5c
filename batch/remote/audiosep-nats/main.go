// Command audiosep-nats is what audiosep hands items out by: a queue of NATS JetStream. audiosep worker
// and audiosep batch run start it for --nats URL. It must lie beside audiosep or on the PATH.
//
// nats://HOST:PORT and tls://HOST:PORT are a server's, with a token or USER:PASSWORD before an @ where
// it wants one (audiosep puts there what AUDIOSEP_NATS_TOKEN has); listen://TOKEN@HOST:PORT starts one here (listen:// alone: at 127.0.0.1:4222), which
// lives as long as the run does.
package main

import (
	"fmt"
	"os"

	"github.com/audiosep/audiosep/batch/helper"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "audiosep-nats has no arguments: audiosep worker and audiosep batch run start it for --nats URL")
		os.Exit(2)
	}
	if err := helper.ServeQueue(open); err != nil {
		fmt.Fprintln(os.Stderr, "audiosep-nats:", err)
		os.Exit(1)
	}
}
