// Command audiosep-s3 is what audiosep reaches S3 by, and whatever speaks its language (MinIO, Ceph,
// R2, …): audiosep batch starts it for names such as s3://bucket/prefix. It must lie beside audiosep
// or on the PATH.
//
// It is told where and who by the variables of AWS's own tools: AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY, or AWS_PROFILE and ~/.aws/credentials, or the role of the machine;
// AWS_REGION; AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL for others than Amazon.
package main

import (
	"fmt"
	"os"

	"github.com/audiosep/audiosep/batch/helper"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "audiosep-s3 has no arguments: audiosep starts it for names such as s3://bucket/prefix")
		os.Exit(2)
	}
	if err := helper.ServeStore(open); err != nil {
		fmt.Fprintln(os.Stderr, "audiosep-s3:", err)
		os.Exit(1)
	}
}
